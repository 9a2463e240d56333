#include "media_anchor/core/media_doctor.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"
#include "tests/unit/media_anchor/core/srtp/srtp_test_util.h"

namespace lastmile::media {
namespace {

const Endpoint kStranger = *Endpoint::Parse("203.0.113.66:4000");

class MediaDoctorTest : public SessionTest {
 protected:
  using Step = std::function<void()>;

  // Packets of both sides, one every 20 ms, each if it is wanted.
  void BrowserSpeaks(uint8_t type = 109) {
    FromBrowser(browser_->Rtp(type, ++number_), From(5000));
  }
  void TrunkSpeaks(uint8_t type = 8, const Endpoint& from = *Endpoint::Parse("203.0.113.5:4000")) {
    FromTrunk(PlainRtp(type, ++trunk_number_), from);
  }
  // Carries out `step` every 20 ms, and the timers when they are due.
  void Run(Duration time, const Step& step = {}) {
    const TimePoint end = now_ + time;
    for (TimePoint next = now_; next < end; next += 20ms) {
      TurnTimers(next);
      if (step) step();
    }
    TurnTimers(end);
  }
  void Watch(MediaWatch watch) { session_.Watch(watch, now_); }
  // The one event of that kind, and none of the other direction.
  DirectionSilent Silent(bool to_browser) {
    const auto events = TakeEvents<DirectionSilent>();
    EXPECT_EQ(events.size(), 1u);
    if (events.empty()) return {};
    EXPECT_EQ(events[0].to_browser, to_browser);
    EXPECT_EQ(events[0].session, SessionId{7});
    return events[0];
  }
  void ExpectNothingTold() {
    EXPECT_TRUE(TakeEvents<DirectionSilent>().empty());
    EXPECT_TRUE(TakeEvents<DirectionFlows>().empty());
  }
  // A call in which both speak.
  void Talk() {
    Connect();
    Watch(MediaWatch::kTalk);
    Run(5s, [&] {
      BrowserSpeaks();
      TrunkSpeaks();
    });
    ExpectNothingTold();
  }

  uint16_t number_ = 0;
  uint16_t trunk_number_ = 0;

 private:
  void TurnTimers(TimePoint until) {
    while (session_.next_timeout() <= until) {
      now_ = std::max(now_, session_.next_timeout());
      Timer();
    }
    now_ = until;
  }
};

TEST_F(MediaDoctorTest, NobodyIsToldOfACallInWhichBothSpeak) {
  Talk();
  Run(60s, [&] {
    BrowserSpeaks();
    TrunkSpeaks();
  });
  ExpectNothingTold();
}

TEST_F(MediaDoctorTest, ACarrierThatNeverSends) {
  Connect();
  Watch(MediaWatch::kTalk);
  Run(3s, [&] { BrowserSpeaks(); });
  const DirectionSilent silent = Silent(true);
  EXPECT_EQ(silent.leg, MediaLeg::kTrunk);
  EXPECT_EQ(silent.cause, SilenceCause::kNothingReceived);
  Run(60s, [&] { BrowserSpeaks(); });
  ExpectNothingTold();
}

TEST_F(MediaDoctorTest, ACarrierThatStopsIsToldWithinThreeSecondsAndNotBeforeTwo) {
  Talk();
  for (const Duration phase : {0ms, 20ms, 480ms, 980ms}) {
    SCOPED_TRACE(std::chrono::duration_cast<std::chrono::milliseconds>(phase).count());
    Run(phase + 1s, [&] {
      BrowserSpeaks();
      TrunkSpeaks();
    });
    Run(1980ms, [&] { BrowserSpeaks(); });
    ExpectNothingTold();
    Run(1020ms, [&] { BrowserSpeaks(); });
    EXPECT_EQ(Silent(true).cause, SilenceCause::kNothingReceived);
    Run(1s, [&] {
      BrowserSpeaks();
      TrunkSpeaks();
    });
    const auto flows = TakeEvents<DirectionFlows>();
    ASSERT_EQ(flows.size(), 1u);
    EXPECT_TRUE(flows[0].to_browser);
  }
}

TEST_F(MediaDoctorTest, ACarrierAtAnotherAddress) {
  Connect();
  Watch(MediaWatch::kTalk);
  Run(3s, [&] {
    BrowserSpeaks();
    TrunkSpeaks(8, kStranger);
  });
  const DirectionSilent silent = Silent(true);
  EXPECT_EQ(silent.leg, MediaLeg::kTrunk);
  EXPECT_EQ(silent.cause, SilenceCause::kWrongSource);
  EXPECT_EQ(silent.source, kStranger);
  EXPECT_GE(silent.refused, 50u);
  EXPECT_FALSE(session_.trunk(MediaKind::kAudio)->heard()) << "others are to be heard of";
  Run(10s, [&] { BrowserSpeaks(); });
  ExpectNothingTold();
}

TEST_F(MediaDoctorTest, ACarrierThatMovesInMidCall) {
  Talk();
  EXPECT_TRUE(session_.trunk(MediaKind::kAudio)->heard());
  // Its socket is connected: nothing of a stranger comes.
  Run(3s, [&] { BrowserSpeaks(); });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kNothingReceived);
  EXPECT_FALSE(session_.trunk(MediaKind::kAudio)->heard()) << "it is not any more";
  Run(1s, [&] {
    BrowserSpeaks();
    TrunkSpeaks(8, kStranger);
  });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kWrongSource);
}

TEST_F(MediaDoctorTest, AStrayPacketIsNoCause) {
  Connect();
  Watch(MediaWatch::kTalk);
  TrunkSpeaks(8, kStranger);
  Run(3s, [&] { BrowserSpeaks(); });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kNothingReceived);
}

TEST_F(MediaDoctorTest, ACarrierWithAnotherPayloadType) {
  Connect();
  Watch(MediaWatch::kTalk);
  Run(3s, [&] {
    BrowserSpeaks();
    TrunkSpeaks(96);
  });
  const DirectionSilent silent = Silent(true);
  EXPECT_EQ(silent.leg, MediaLeg::kTrunk);
  EXPECT_EQ(silent.cause, SilenceCause::kWrongPayloadType);
  EXPECT_EQ(silent.payload_type, 96);
}

TEST_F(MediaDoctorTest, ABrowserWithAnotherPayloadType) {
  Connect();
  Watch(MediaWatch::kTalk);
  Run(3s, [&] {
    BrowserSpeaks(111);
    TrunkSpeaks();
  });
  const DirectionSilent silent = Silent(false);
  EXPECT_EQ(silent.leg, MediaLeg::kBrowser);
  EXPECT_EQ(silent.cause, SilenceCause::kWrongPayloadType);
  EXPECT_EQ(silent.payload_type, 111);
}

TEST_F(MediaDoctorTest, ACarrierWithOtherKeys) {
  Connect();
  TrunkRemote secure = trunk_;
  secure.srtp = StreamKeys{MakeKeys(SrtpProfile::kAes128CmHmacSha1_80, 1),
                           MakeKeys(SrtpProfile::kAes128CmHmacSha1_80, 2)};
  Update(std::nullopt, secure);
  Watch(MediaWatch::kTalk);
  Run(3s, [&] {
    BrowserSpeaks();
    TrunkSpeaks();  // plain
  });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kNotAuthentic);
}

TEST_F(MediaDoctorTest, ABrowserWhosePacketsDoNotAuthenticate) {
  Connect();
  Watch(MediaWatch::kTalk);
  Run(3s, [&] {
    Bytes forged = browser_->Rtp(109, ++number_);
    forged.back() ^= 1;
    FromBrowser(forged, From(5000));
    TrunkSpeaks();
  });
  const DirectionSilent silent = Silent(false);
  EXPECT_EQ(silent.leg, MediaLeg::kBrowser);
  EXPECT_EQ(silent.cause, SilenceCause::kNotAuthentic);
}

TEST_F(MediaDoctorTest, ACarrierThatRepeatsOnePacket) {
  Connect();
  Watch(MediaWatch::kTalk);
  TrunkSpeaks();
  Run(1s, [&] { BrowserSpeaks(); });
  Run(3s, [&] {
    BrowserSpeaks();
    --trunk_number_;
    TrunkSpeaks();
  });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kUnusable);
}

// --- the browser's path ---

TEST_F(MediaDoctorTest, ABrowserThatNeverChecksIsNamedInBothDirections) {
  Update(browser_->Description(), trunk_);
  Watch(MediaWatch::kTalk);
  Run(3s, [&] { TrunkSpeaks(); });
  const auto silent = TakeEvents<DirectionSilent>();
  ASSERT_EQ(silent.size(), 2u);
  for (const DirectionSilent& one : silent) {
    EXPECT_EQ(one.leg, MediaLeg::kBrowser);
    EXPECT_EQ(one.cause, SilenceCause::kNoIce);
  }
  EXPECT_NE(silent[0].to_browser, silent[1].to_browser);
}

TEST_F(MediaDoctorTest, AHandshakeThatDoesNotEndAndThenDoes) {
  Update(browser_->Description(), trunk_);
  Check(From(5000));
  Watch(MediaWatch::kTalk);
  Run(3s, [&] { TrunkSpeaks(); });
  const auto stuck = TakeEvents<DirectionSilent>();
  ASSERT_EQ(stuck.size(), 2u);
  EXPECT_EQ(stuck[0].cause, SilenceCause::kDtlsUnfinished);
  TakeToBrowser();
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  ASSERT_TRUE(browser_->dtls_connected());
  Run(1s, [&] { TrunkSpeaks(); });
  EXPECT_EQ(TakeEvents<DirectionFlows>().size(), 1u);
  EXPECT_TRUE(TakeEvents<DirectionSilent>().empty()) << "the browser has time to begin";
  Run(3s, [&] { TrunkSpeaks(); });
  EXPECT_EQ(Silent(false).cause, SilenceCause::kNothingReceived);
}

TEST_F(MediaDoctorTest, ABrowserThatNominatesNothing) {
  Update(browser_->Description(), trunk_);
  Check(From(5000), false);
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  Watch(MediaWatch::kTalk);
  Run(3s, [&] {
    BrowserSpeaks();
    TrunkSpeaks();
  });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kNoNomination);
}

TEST_F(MediaDoctorTest, ABrowserThatIsGoneHasNoConsent) {
  Talk();
  Run(3s, [&] { TrunkSpeaks(); });
  EXPECT_EQ(Silent(false).cause, SilenceCause::kNothingReceived);
  Run(10s, [&] { TrunkSpeaks(); });
  const auto silent = TakeEvents<DirectionSilent>();
  ASSERT_EQ(silent.size(), 2u);
  for (const DirectionSilent& one : silent) EXPECT_EQ(one.cause, SilenceCause::kNoConsent);
  Check(From(5000));
  Run(2s, [&] {
    BrowserSpeaks();
    TrunkSpeaks();
  });
  EXPECT_EQ(TakeEvents<DirectionFlows>().size(), 2u);
}

TEST_F(MediaDoctorTest, AnotherCertificateThanTheOneOfTheSdp) {
  BrowserRemote remote = browser_->Description();
  remote.fingerprints[0].digest[0] ^= 1;
  Update(remote, trunk_);
  Watch(MediaWatch::kEarly);
  Check(From(5000));
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  const auto silent = TakeEvents<DirectionSilent>();
  ASSERT_EQ(silent.size(), 2u) << "at once";
  for (const DirectionSilent& one : silent) {
    EXPECT_EQ(one.leg, MediaLeg::kBrowser);
    EXPECT_EQ(one.cause, SilenceCause::kWrongFingerprint);
  }
  EXPECT_EQ(TakeEvents<SessionFailed>().size(), 1u);
  Run(60s);
  ExpectNothingTold();
}

TEST_F(MediaDoctorTest, AHandshakeThatEndsWithAnAlert) {
  Update(browser_->Description(), trunk_);
  Watch(MediaWatch::kTalk);
  Check(From(5000));
  browser_->StartDtls(context_->fingerprint(), now_);
  for (const Bytes& hello : browser_->TakeDtls()) FromBrowser(hello, From(5000));
  const Bytes handshake_failure = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
  FromBrowser(handshake_failure, From(5000));
  const auto silent = TakeEvents<DirectionSilent>();
  ASSERT_EQ(silent.size(), 2u) << "at once";
  for (const DirectionSilent& one : silent) EXPECT_EQ(one.cause, SilenceCause::kDtlsFailed);
}

// --- where it is silent itself ---

TEST_F(MediaDoctorTest, NothingIsToldUnlessItIsWatched) {
  Connect();
  Run(60s);
  ExpectNothingTold();
}

TEST_F(MediaDoctorTest, NothingIsToldWhileOneSideHasNoSdp) {
  Update(std::nullopt, trunk_);
  Watch(MediaWatch::kTalk);
  Run(20s);
  ExpectNothingTold();
  Update(browser_->Description(), std::nullopt);
  Run(2s);
  ExpectNothingTold();
  Run(1s);
  EXPECT_EQ(TakeEvents<DirectionSilent>().size(), 2u);
}

TEST_F(MediaDoctorTest, BeforeTheAnswerNobodyHasToSend) {
  Connect();
  Watch(MediaWatch::kEarly);
  Run(60s, [&] { Check(From(5000)); });
  ExpectNothingTold();
  Run(3s, [&] {
    Check(From(5000));
    TrunkSpeaks(96);
  });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kWrongPayloadType) << "but what comes has to pass";
}

TEST_F(MediaDoctorTest, BeforeTheAnswerABrowserNeedNotHaveAPath) {
  Update(browser_->Description(), trunk_);
  Watch(MediaWatch::kEarly);
  Run(20s, [&] { TrunkSpeaks(); });
  ExpectNothingTold();
  Watch(MediaWatch::kTalk);
  Run(3s);
  EXPECT_EQ(TakeEvents<DirectionSilent>().size(), 2u);
}

TEST_F(MediaDoctorTest, ABrowserThatSendsWithDtxSpeaks) {
  Talk();
  int step = 0;
  Run(30s, [&] {
    if (++step % 20 == 0) BrowserSpeaks();
    TrunkSpeaks();
  });
  ExpectNothingTold();
}

TEST_F(MediaDoctorTest, WhoSendsComfortNoiseLastIsNotSilent) {
  Talk();
  for (const uint8_t type : {13, 19}) {
    TrunkSpeaks(type);
    Run(30s, [&] { BrowserSpeaks(); });
    ExpectNothingTold();
    Run(3s, [&] {
      BrowserSpeaks();
      TrunkSpeaks(8, kStranger);
    });
    EXPECT_EQ(Silent(true).cause, SilenceCause::kWrongSource);
    Run(2s, [&] {
      BrowserSpeaks();
      TrunkSpeaks();
    });
    EXPECT_EQ(TakeEvents<DirectionFlows>().size(), 1u);
  }
}

TEST_F(MediaDoctorTest, MappedComfortNoiseIsNoSilenceEither) {
  payloads_.push_back({.browser_pt = 13, .trunk_pt = 13, .trunk_pt_in = 13, .clock_rate = 8000});
  Talk();
  TrunkSpeaks(13);
  Run(30s, [&] { BrowserSpeaks(); });
  ExpectNothingTold();
}

TEST(ReceivedTypes, TheSilenceDescriptorOfG729IsTwoBytesBehindWholeFrames) {
  ReceivedTypes types;
  types.OnPacket(18, 20, true);
  EXPECT_FALSE(types.ends_in_silence());
  types.OnPacket(18, 12, true);
  EXPECT_TRUE(types.ends_in_silence());
  types.OnPacket(18, 10, true);
  EXPECT_FALSE(types.ends_in_silence());
}

TEST_F(MediaDoctorTest, ALongDigitInPlaceOfTheAudioIsNoSilence) {
  Talk();
  ASSERT_TRUE(session_.SendDigit({.session = SessionId{7}, .event = 5, .duration = 6s}, now_));
  Run(6s, [&] {
    BrowserSpeaks();
    TrunkSpeaks();
  });
  ExpectNothingTold();
}

TEST_F(MediaDoctorTest, AHoldIsNamedOnceNobodySends) {
  Talk();
  Watch(MediaWatch::kHeldByTrunk);
  Run(10s, [&] {
    Check(From(5000));
    TrunkSpeaks();  // music
  });
  const DirectionSilent held = Silent(false);
  EXPECT_EQ(held.cause, SilenceCause::kOnHold);
  EXPECT_EQ(held.leg, MediaLeg::kTrunk);
  EXPECT_EQ(held.refused, 0u);
  Run(10s, [&] { Check(From(5000)); });
  EXPECT_EQ(Silent(true).cause, SilenceCause::kOnHold);
  Watch(MediaWatch::kTalk);
  Run(3s, [&] {
    Check(From(5000));
    TrunkSpeaks();
  });
  EXPECT_EQ(TakeEvents<DirectionFlows>().size(), 1u);
  EXPECT_EQ(Silent(false).cause, SilenceCause::kNothingReceived) << "the hold is over";
}

// --- bridges ---

class BridgeDoctorTest : public BridgeTest {
 protected:
  std::vector<DirectionSilent> TakeSilent() {
    std::vector<DirectionSilent> found;
    for (const MediaEvent& event : events_) {
      if (const auto* silent = std::get_if<DirectionSilent>(&event)) found.push_back(*silent);
    }
    events_.clear();
    return found;
  }
};

TEST_F(BridgeDoctorTest, EachTrunkIsNamedWithItsCause) {
  Update(first_, second_);
  bridge_.Watch(MediaWatch::kTalk, now_);
  uint16_t number = 0;
  for (int step = 0; step < 150; ++step) {
    RunTimers(20ms);
    Rtp(kFirst, PlainRtp(110, ++number), first_.rtp);
  }
  const auto silent = TakeSilent();
  ASSERT_EQ(silent.size(), 2u);
  EXPECT_TRUE(silent[0].to_browser);
  EXPECT_EQ(silent[0].leg, MediaLeg::kTrunk);
  EXPECT_EQ(silent[0].cause, SilenceCause::kNothingReceived);
  EXPECT_FALSE(silent[1].to_browser);
  EXPECT_EQ(silent[1].leg, MediaLeg::kBrowser);
  EXPECT_EQ(silent[1].cause, SilenceCause::kWrongPayloadType);
  EXPECT_EQ(silent[1].payload_type, 110);
  RunTimers(20s);
  EXPECT_TRUE(TakeSilent().empty());
}

}  // namespace
}  // namespace lastmile::media
