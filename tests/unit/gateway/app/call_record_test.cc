#include "gateway/app/call_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lastmile::app {
namespace {

// 2026-01-02T03:04:05.678Z is "now", and the call ended just then.
const WallClock kClock{
    .monotonic = TimePoint{} + 100s,
    .wall = std::chrono::system_clock::time_point(std::chrono::milliseconds(1767323045678))};

CallRecord Sample() {
  CallRecord record{.id = {7},
                    .parties = {.trunk = "acme", .user = "alice", .number = "600", .caller = "+1"},
                    .started = TimePoint{} + 90s,
                    .ended = TimePoint{} + 100s};
  record.summary.invite_bytes = 653;
  record.summary.status = 200;
  record.summary.reason = "the caller hung up";
  record.summary.answered = TimePoint{} + 95s;
  record.summary.sdp = {.offer_in = 2237, .offer_out = 199, .answer_in = 250, .answer_out = 600};
  record.summary.media.browser_to_trunk = {.packets = 250, .bytes = 40000, .dropped = 1};
  return record;
}

TEST(CallRecord, IsOneLineWithTimesPartiesBytesAndPackets) {
  const std::string line = ToJson(Sample(), kClock);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["started"], "2026-01-02T03:03:55.678Z");
  EXPECT_EQ(json["answered"], "2026-01-02T03:04:00.678Z");
  EXPECT_EQ(json["ended"], "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(json["direction"], "from-browser");
  EXPECT_EQ(json["trunk"], "acme");
  EXPECT_EQ(json["user"], "alice");
  EXPECT_EQ(json["number"], "600");
  EXPECT_EQ(json["status"], 200);
  EXPECT_EQ(json["reason"], "the caller hung up");
  EXPECT_EQ(json["transferred"], false);
  EXPECT_EQ(json["sdp_bytes"]["offer_in"], 2237);
  EXPECT_EQ(json["sdp_bytes"]["offer_out"], 199);
  EXPECT_EQ(json["invite_bytes"], 653);
  EXPECT_EQ(json["media"]["to_trunk"]["packets"], 250);
}

TEST(CallRecord, ACallThatWasNotAnsweredSaysSo) {
  CallRecord record = Sample();
  record.summary.answered.reset();
  EXPECT_TRUE(nlohmann::json::parse(ToJson(record, kClock))["answered"].is_null());
}

TEST(CallRecord, ATransferredCallSaysSo) {
  CallRecord record = Sample();
  record.summary.transferred = true;
  EXPECT_EQ(nlohmann::json::parse(ToJson(record, kClock))["transferred"], true);
}

TEST(CallRecord, TellsWhatWasSilentWhenAndWhy) {
  CallRecord record = Sample();
  EXPECT_EQ(nlohmann::json::parse(ToJson(record, kClock))["media_faults"], nlohmann::json::array());
  record.media_faults = {{.to_browser = true,
                          .leg = media::MediaLeg::kTrunk,
                          .cause = media::SilenceCause::kWrongPayloadType,
                          .at = TimePoint{} + 96s,
                          .until = TimePoint{} + 97s,
                          .seen = "96"},
                         {.to_browser = false,
                          .leg = media::MediaLeg::kBrowser,
                          .cause = media::SilenceCause::kNoConsent,
                          .at = TimePoint{} + 98s,
                          .until = std::nullopt,
                          .seen = ""}};
  auto faults = nlohmann::json::parse(ToJson(record, kClock))["media_faults"];
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].dump(), R"({"at":"2026-01-02T03:04:01.678Z","cause":"wrong-payload-type",)"
                              R"("direction":"to-browser","leg":"trunk","seen":"96",)"
                              R"("until":"2026-01-02T03:04:02.678Z"})");
  EXPECT_EQ(faults[1]["leg"], "browser");
  EXPECT_TRUE(faults[1]["until"].is_null());
  record.direction = call::CallDirection::kBetweenTrunks;
  faults = nlohmann::json::parse(ToJson(record, kClock))["media_faults"];
  EXPECT_EQ(faults[0]["leg"], "second");
  EXPECT_EQ(faults[0]["direction"], "to-first");
}

TEST(CallRecord, TellsHowTheAudioOfEachLegWas) {
  CallRecord record = Sample();
  auto quality = nlohmann::json::parse(ToJson(record, kClock))["quality"];
  EXPECT_EQ(quality.dump(), R"({"browser":null,"trunk":null})") << "nothing is known, not 0";
  record.summary.media.browser = {.received = media::StreamQuality{.packets = 995,
                                                                   .lost = 5,
                                                                   .loss = 0.005,
                                                                   .worst_loss = 0.0199999,
                                                                   .jitter = 1260us,
                                                                   .mos = 4.3512},
                                  .sent = std::nullopt,
                                  .rtt = 48'310us};
  record.summary.media.trunk.sent = media::StreamQuality{.packets = 10};
  quality = nlohmann::json::parse(ToJson(record, kClock))["quality"];
  EXPECT_EQ(quality["browser"]["received"].dump(),
            R"({"jitter_ms":1.3,"loss":0.005,"lost":5,"mos":4.35,"packets":995,)"
            R"("worst_loss":0.02})");
  EXPECT_TRUE(quality["browser"]["sent"].is_null());
  EXPECT_EQ(quality["browser"]["rtt_ms"], 48.3);
  EXPECT_TRUE(quality["trunk"]["received"].is_null());
  EXPECT_EQ(quality["trunk"]["sent"]["packets"], 10);
  EXPECT_TRUE(quality["trunk"]["sent"]["mos"].is_null());
  EXPECT_TRUE(quality["trunk"]["rtt_ms"].is_null());
  EXPECT_TRUE(quality["trunk"]["heard"].is_null());
  record.summary.media.trunk.heard = media::HeardQuality{
      .loss = 0.03125, .discarded = 0.0078125, .rating = 88, .mos_lq = 4.2, .buffer = 40ms};
  record.summary.media.trunk.malformed_xr = 2;
  quality = nlohmann::json::parse(ToJson(record, kClock))["quality"];
  EXPECT_EQ(
      quality["trunk"]["heard"].dump(),
      R"({"buffer_ms":40.0,"discarded":0.0078,"loss":0.0313,"mos_cq":null,"mos_lq":4.2,"r":88})");
  EXPECT_EQ(quality["trunk"]["malformed_xr"], 2);
  record.direction = call::CallDirection::kBetweenTrunks;
  quality = nlohmann::json::parse(ToJson(record, kClock))["quality"];
  EXPECT_EQ(quality["first"]["rtt_ms"], 48.3);
  EXPECT_EQ(quality["second"]["sent"]["packets"], 10);
}

TEST(CallRecord, WhatAPeerWroteCannotBreakTheLine) {
  CallRecord record = Sample();
  record.parties.number = "6\"\n\xff";
  const auto json = nlohmann::json::parse(ToJson(record, kClock));
  EXPECT_EQ(json["number"], "6\"\n\xef\xbf\xbd");
}

}  // namespace
}  // namespace lastmile::app
