#include <gtest/gtest.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "gateway/call/media_health.h"
#include "tests/component/gateway/gateway_fixture.h"
#include "tests/support/loopback.h"
#include "tests/support/plain_rtp_peer.h"

// A carrier whose audio does not arrive: within three seconds the gateway says why.
namespace lastmile::app {
namespace {

using media::SilenceCause;

class SilentCarrierTest : public GatewayTest {
 protected:
  static constexpr Duration kAtMost =
      3s + 500ms;  // of which the test's own steps are half a second

  void Configure(Config& config) override {
    records_ = std::filesystem::temp_directory_path() /
               ("lastmile_silence_" + std::to_string(getpid()) + ".jsonl");
    std::filesystem::remove(records_);
    config.cdr_jsonl = records_;
  }
  void TearDown() override {
    GatewayTest::TearDown();
    std::filesystem::remove(records_);
  }

  void Connect() {
    phone_ = OpenPhone();
    at_browser_ = &phone_->Dial("600");
    at_carrier_ = CarrierCall();
    ASSERT_NE(at_carrier_, nullptr);
    ASSERT_TRUE(Until([&] {
      return at_browser_->state == State::kTalking && at_browser_->media->ready() &&
             at_carrier_->state == State::kTalking;
    }));
    const std::string& sdp = at_carrier_->invite.body;
    const auto address = IpAddress::Parse(test::SdpValue(sdp, "c=IN IP4 "));
    ASSERT_TRUE(address) << sdp;
    gateway_rtp_.address = *address;
    const std::string section = test::SdpValue(sdp, "m=audio ");
    std::from_chars(section.data(), section.data() + section.size(), gateway_rtp_.port);
  }
  test::TestRtp Audio(uint8_t type) {
    ++number_;
    return {.payload_type = type,
            .marker = false,
            .sequence = number_,
            .timestamp = number_ * 160u,
            .ssrc = 4711,
            .payload = Bytes(160, 0x11)};
  }
  // The browser speaks all the time, and `step` is done with each of its packets.
  bool Talk(const std::function<bool()>& done, const std::function<void()>& step, Duration limit) {
    TimePoint next = MonotonicNow();
    return Until(
        [&] {
          if (MonotonicNow() < next) return false;
          next += 20ms;
          if (at_browser_->media) phone_->Speak(*at_browser_, Bytes(160, 0x22));
          step();
          return done();
        },
        limit);
  }
  uint64_t Told(SilenceCause cause) {
    return gateway_->gauges().signalling.media_faults[static_cast<size_t>(cause)];
  }
  bool IsToldOf(SilenceCause cause, const std::function<void()>& step) {
    return Talk([&] { return Told(cause) > 0; }, step, kAtMost);
  }
  nlohmann::json HangUpAndTakeFaults() {
    phone_->HangUp(*at_browser_);
    EXPECT_TRUE(Until([&] { return gateway_->gauges().signalling.calls == 0; }));
    return TakeRecord()["media_faults"];
  }
  nlohmann::json TakeRecord() {
    std::ifstream file(records_);
    std::string line;
    EXPECT_TRUE(std::getline(file, line));
    return nlohmann::json::parse(line);
  }
  void ExpectOneFault(const std::string& cause, const std::string& seen) {
    const auto faults = HangUpAndTakeFaults();
    ASSERT_EQ(faults.size(), 1u) << faults;
    EXPECT_EQ(faults[0]["leg"], "trunk");
    EXPECT_EQ(faults[0]["direction"], "to-browser");
    EXPECT_EQ(faults[0]["cause"], cause);
    EXPECT_EQ(faults[0]["seen"], seen);
    EXPECT_TRUE(faults[0]["until"].is_null());
  }

  std::filesystem::path records_;
  std::unique_ptr<test::BrowserPhone> phone_;
  test::SipPhone::Call* at_browser_ = nullptr;
  test::SipPhone::Call* at_carrier_ = nullptr;
  Endpoint gateway_rtp_;
  uint16_t number_ = 0;
};

TEST_F(SilentCarrierTest, ItNeverSends) {
  ASSERT_NO_FATAL_FAILURE(Connect());
  EXPECT_TRUE(IsToldOf(SilenceCause::kNothingReceived, [] {}));
  ExpectOneFault("nothing-received", "");
}

TEST_F(SilentCarrierTest, ItSendsFromAnotherAddress) {
  ASSERT_NO_FATAL_FAILURE(Connect());
  test::PlainRtpPeer stranger(test::Loopback(1));
  EXPECT_TRUE(IsToldOf(SilenceCause::kWrongSource, [&] { stranger.Send(Audio(8), gateway_rtp_); }));
  ExpectOneFault("wrong-source", stranger.rtp().ToString());
}

TEST_F(SilentCarrierTest, ItSendsAnotherPayloadType) {
  ASSERT_NO_FATAL_FAILURE(Connect());
  EXPECT_TRUE(
      IsToldOf(SilenceCause::kWrongPayloadType, [&] { at_carrier_->media->Send(Audio(96)); }));
  ExpectOneFault("wrong-payload-type", "96");
}

// The gateway's socket is connected to the first address by then.
TEST_F(SilentCarrierTest, ItMovesInMidCallAndComesBack) {
  ASSERT_NO_FATAL_FAILURE(Connect());
  const auto speak = [&] { at_carrier_->media->Send(Audio(8)); };
  const TimePoint talked_until = MonotonicNow() + 2s;
  ASSERT_TRUE(Talk([&] { return MonotonicNow() >= talked_until; }, speak, 5s));
  EXPECT_EQ(gateway_->gauges().signalling.media_faults,
            decltype(CallManagerGauges::media_faults){});
  test::PlainRtpPeer stranger(test::Loopback(1));
  const auto speak_elsewhere = [&] { stranger.Send(Audio(8), gateway_rtp_); };
  EXPECT_TRUE(IsToldOf(SilenceCause::kNothingReceived, speak_elsewhere));
  EXPECT_TRUE(IsToldOf(SilenceCause::kWrongSource, speak_elsewhere));
  const size_t heard = at_browser_->heard.size();
  const TimePoint back_until = MonotonicNow() + 1500ms;
  ASSERT_TRUE(Talk([&] { return MonotonicNow() >= back_until; }, speak, 5s));
  EXPECT_GT(at_browser_->heard.size(), heard);
  const auto faults = HangUpAndTakeFaults();
  ASSERT_EQ(faults.size(), 2u) << faults;
  EXPECT_EQ(faults[0]["cause"], "nothing-received");
  EXPECT_EQ(faults[0]["until"], faults[1]["at"]);
  EXPECT_EQ(faults[1]["cause"], "wrong-source");
  EXPECT_TRUE(faults[1]["until"].is_string()) << "it flows again";
}

class GoneCarrierTest : public SilentCarrierTest {
 protected:
  void Configure(Config& config) override {
    SilentCarrierTest::Configure(config);
    config.media_timeout = 2s;
  }
  // The call is gone before its last requests have come to the sides.
  bool IsOver() {
    return gateway_->gauges().signalling.calls == 0 && at_browser_->state == State::kEnded &&
           at_carrier_->state == State::kEnded;
  }
};

TEST_F(GoneCarrierTest, TheCallIsEndedForBoth) {
  ASSERT_NO_FATAL_FAILURE(Connect());
  EXPECT_TRUE(Talk([&] { return IsOver(); }, [] {}, 5s));
  EXPECT_EQ(at_browser_->reason.substr(0, 13), "SIP;cause=408");
  const auto record = TakeRecord();
  EXPECT_EQ(record["reason"], "the carrier has sent neither audio nor a report for 2 s");
  EXPECT_TRUE(record["quality"]["trunk"].is_null()) << "it sent nothing, and reported nothing";
  EXPECT_GT(record["quality"]["browser"]["received"]["packets"], 50);
  EXPECT_EQ(record["quality"]["browser"]["received"]["lost"], 0);
  EXPECT_TRUE(record["quality"]["browser"]["sent"].is_null());
}

}  // namespace
}  // namespace lastmile::app
