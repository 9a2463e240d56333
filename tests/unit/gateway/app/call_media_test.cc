#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gateway/app/metrics.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"
#include "tests/unit/gateway/log_capture.h"

// A silent direction of a call: what the media relay is told to watch, and where its findings go.
namespace lastmile::app {
namespace {

using media::MediaWatch;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint64_t kAlice = 1;

class CallMediaTest : public ::testing::Test {
 protected:
  void Connect() {
    dialled_ = gw.Dial(kAlice, "alice", "600");
    gw.FromTrunk(gw.TrunkAnswer(dialled_.trunk_invite, 200, testing::TrunkSdp("0 101")));
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    const sip::Message ok = gw.ToBrowser(kAlice);
    EXPECT_EQ(ok.status, 200);
    sip::Message ack = dialled_.invite;
    ack.method = ack.cseq.method = "ACK";
    ack.to = ok.to;
    ack.body.clear();
    ack.content_type.clear();
    ack.vias.front().params.Set("branch", "z9hG4bKack");
    gw.FromBrowser(kAlice, ack);
  }
  media::DirectionSilent Silent(media::SilenceCause cause) const {
    return {.session = *gw.sessions.begin(),
            .to_browser = true,
            .leg = media::MediaLeg::kTrunk,
            .cause = cause,
            .refused = 100,
            .source = *Endpoint::Parse("203.0.113.66:4000")};
  }

  GatewayInMemory gw;
  decltype(gw.Dial(kAlice, "", "")) dialled_;
};

TEST_F(CallMediaTest, TheRelayIsToldOnceWhatToWatch) {
  Connect();
  gw.Wait(5s);
  ASSERT_EQ(gw.watches.size(), 1u);
  EXPECT_EQ(gw.watches[0].watch, MediaWatch::kTalk);
  EXPECT_EQ(gw.watches[0].session, *gw.sessions.begin());
}

// S-02: what speaks for a source of media.
TEST(CallMediaSource, OfATrunkBehindANatTheRelayIsToldWhereItsSdpCameFrom) {
  for (const bool nat : {false, true}) {
    CallManagerOptions options = GatewayInMemory::DefaultOptions();
    options.policies["acme"].nat = nat;
    GatewayInMemory gw(options);
    const auto dialled = gw.Dial(kAlice, "alice", "600");
    gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 200, testing::TrunkSdp("0 101")));
    ASSERT_FALSE(gw.updates.empty());
    const auto& trunk = gw.updates.back().trunk;
    ASSERT_TRUE(trunk);
    EXPECT_EQ(trunk->latch, nat);
    const auto peer = *IpAddress::Parse("198.51.100.9");
    EXPECT_EQ(trunk->signalled_from, nat ? std::optional(peer) : std::nullopt);
  }
}

TEST_F(CallMediaTest, ASilentDirectionIsInTheLogTheSnapshotTheMetricsAndTheRecord) {
  Connect();
  test::LogCapture log;
  gw.Wait(3s);
  gw.FromMedia(Silent(media::SilenceCause::kWrongSource));
  EXPECT_THAT(log.text(), HasSubstr("leg=trunk direction=to-browser silent: wrong-source"));

  gw.Wait(2s);
  const auto snapshots = gw.manager.Snapshots(gw.now);
  ASSERT_EQ(snapshots.size(), 1u);
  const auto live = nlohmann::json::parse(ToJson(snapshots[0]))["media"];
  EXPECT_TRUE(live["to_trunk"].is_null());
  EXPECT_EQ(live["to_browser"]["leg"], "trunk");
  EXPECT_EQ(live["to_browser"]["cause"], "wrong-source");
  EXPECT_EQ(live["to_browser"]["seen"], "203.0.113.66:4000");
  EXPECT_EQ(live["to_browser"]["noticed_ago_ms"], 2000);
  const auto read = ParseCallSnapshot(ToJson(snapshots[0]));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, snapshots[0]);

  gw.FromMedia(media::DirectionFlows{*gw.sessions.begin(), true});
  EXPECT_EQ(gw.manager.Snapshots(gw.now).at(0).media, call::MediaSnapshot{});
  gw.FromMedia(Silent(media::SilenceCause::kOnHold));
  const std::string metrics = Metrics().Text({.signalling = gw.manager.gauges()});
  EXPECT_THAT(metrics, HasSubstr("lastmile_media_faults_total{cause=\"wrong-source\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("lastmile_media_faults_total{cause=\"no-ice\"} 0\n"));
  EXPECT_THAT(metrics, ::testing::Not(HasSubstr("cause=\"on-hold\"")));

  gw.manager.ShutDown("the test is over", gw.now);
  gw.Pump();
  ASSERT_EQ(gw.records.size(), 1u);
  const auto& faults = gw.records[0].media_faults;
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].cause, media::SilenceCause::kWrongSource);
  EXPECT_EQ(*faults[0].until - faults[0].at, 2s);
  EXPECT_EQ(faults[1].cause, media::SilenceCause::kOnHold);
  EXPECT_FALSE(faults[1].until);
}

TEST_F(CallMediaTest, WhatIsSilentChangesNothingInTheCall) {
  Connect();
  const size_t to_trunk = gw.raw_to_trunk.size();
  const size_t to_browsers = gw.raw_to_browsers.size();
  const size_t updates = gw.updates.size();
  for (size_t i = 0; i < media::kSilenceCauses; ++i) {
    gw.FromMedia(Silent(static_cast<media::SilenceCause>(i)));
  }
  gw.Wait(20s);
  EXPECT_EQ(gw.raw_to_trunk.size(), to_trunk);
  EXPECT_EQ(gw.raw_to_browsers.size(), to_browsers);
  EXPECT_EQ(gw.updates.size(), updates);
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(CallMediaTest, AFindingOfASessionThatIsOverIsNothing) {
  Connect();
  media::DirectionSilent late = Silent(media::SilenceCause::kNoIce);
  late.session = {4711};
  gw.FromMedia(late);
  gw.FromMedia(media::DirectionFlows{{4711}, true});
  EXPECT_EQ(gw.manager.gauges().media_faults, decltype(CallManagerGauges::media_faults){});
}

}  // namespace
}  // namespace lastmile::app
