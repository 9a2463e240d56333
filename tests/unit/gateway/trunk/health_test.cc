#include "gateway/trunk/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

namespace lastmile::trunk {
namespace {

using ::testing::HasSubstr;

class Health : public ::testing::Test {
 protected:
  // Answers every probe after 10 ms while `is_up(t)`; refuses it otherwise.
  template <class IsUp>
  void Run(Duration duration, IsUp is_up) {
    const TimePoint end = now + duration;
    for (; now < end; now += 10ms) {
      if (probe_sent && !is_up(now)) {
        health.OnConnectionLost("its connection was lost", now);
        probe_sent = false;
      } else if (probe_sent) {
        health.OnProbeAnswered(200, now);
        probe_sent = false;
      }
      health.OnTimer(true, now);
      if (health.wants_probe(now)) {
        health.OnProbeSent(now);
        probes.push_back(now);
        probe_sent = is_up(now);
        if (!probe_sent) health.OnProbeFailed("it takes no connection", now);
      }
      took_calls |= health.takes_calls();
    }
  }

  SeededRandom random{1};
  ServerHealth health{"acme#1", {.keepalive = 30s, .breaker = true}, random};
  TimePoint now{};
  bool probe_sent = false;
  bool took_calls = false;
  std::vector<TimePoint> probes;
};

TEST_F(Health, AServerIsUnknownUntilItAnswersAndThenAskedAtItsInterval) {
  EXPECT_EQ(health.state(), HealthState::kUnknown);
  EXPECT_TRUE(health.takes_calls());
  Run(95s, [](TimePoint) { return true; });
  EXPECT_EQ(health.state(), HealthState::kUp);
  EXPECT_EQ(probes.size(), 4U);
  EXPECT_EQ(health.rtt(), 10ms);
  EXPECT_EQ(health.last_failure(), "");
}

TEST_F(Health, ARefusedCallTakesAServerOutUntilThreeProbesAreGood) {
  Run(1s, [](TimePoint) { return true; });
  health.OnCallFailed("it takes no connection", now);
  EXPECT_EQ(health.state(), HealthState::kDown);
  EXPECT_FALSE(health.takes_calls());
  probes.clear();
  took_calls = false;
  const TimePoint failed = now;
  while (!health.takes_calls()) Run(10ms, [](TimePoint) { return true; });
  EXPECT_EQ(probes.size(), 3U);
  EXPECT_GE(now - failed, 3s);
  EXPECT_LE(now - failed, 4s);
  EXPECT_EQ(health.state(), HealthState::kUp);
}

TEST_F(Health, AServerThatStaysDownIsProbedEverMoreRarelyButNotForgotten) {
  Run(600s, [](TimePoint) { return false; });
  EXPECT_FALSE(health.takes_calls());
  EXPECT_LT(probes.size(), 45U);
  for (size_t i = 1; i < probes.size(); ++i) {
    EXPECT_GE(probes[i] - probes[i - 1], 1s);
    EXPECT_LE(probes[i] - probes[i - 1], ServerHealth::kMaxBackOff * 6 / 5 + 10ms);
  }
  EXPECT_EQ(health.last_failure(), "it takes no connection");
}

// T-17.
TEST_F(Health, AFlappingServerGetsOneProbeASecondAtMostAndNoCall) {
  Run(100ms, [](TimePoint) { return false; });
  EXPECT_EQ(health.state(), HealthState::kDown);
  probes.clear();
  took_calls = false;
  Run(240s, [](TimePoint t) { return (t.time_since_epoch() / 1s) % 2 == 0; });
  EXPECT_FALSE(took_calls);
  for (size_t i = 1; i < probes.size(); ++i) EXPECT_GE(probes[i] - probes[i - 1], 1s);
  std::printf("1 s up, 1 s down, 120 times: %zu probes in 240 s, no call offered\n", probes.size());
  EXPECT_LE(probes.size(), 240U);
  const TimePoint calm = now;
  while (!health.takes_calls()) Run(10ms, [](TimePoint) { return true; });
  EXPECT_LE(now - calm, (ServerHealth::kMaxBackOff + ServerHealth::kMostGoodProbes * 1s) * 6 / 5);
}

// Whether a server that was called in vain just before it came back, and flaps, is given calls
// within 16 s.
bool FlappingGetsCalls(uint64_t seed, Duration up, Duration down) {
  SeededRandom random{seed};
  ServerHealth health{"acme#1", {.keepalive = 30s, .breaker = true}, random};
  const TimePoint begin{};
  health.OnCallFailed("it takes no connection", begin);
  for (TimePoint now = begin; now < begin + 16s; now = health.next_timeout()) {
    if (!health.wants_probe(now)) continue;
    health.OnProbeSent(now);
    const Duration phase = (now - begin - 100ms) % (up + down);
    if (phase < up) {
      health.OnProbeAnswered(200, now);
    } else {
      health.OnProbeFailed("it takes no connection", now);
    }
    if (health.takes_calls()) return true;
  }
  return false;
}

TEST(HealthRhythm, AServerThatFlapsInTheRhythmOfProbesGetsNoCalls) {
  for (const Duration up : {1000ms, 1100ms, 1200ms, 1300ms}) {
    int given = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) given += FlappingGetsCalls(seed, up, 1s);
    EXPECT_EQ(given, 0) << "up for " << up / 1ms << " ms, of 200";
  }
}

// It may flap, and yet be there whenever it is asked.
TEST_F(Health, AServerThatLosesItsConnectionIsSecondChoiceUntilThreeProbesAreGood) {
  Run(10s, [](TimePoint) { return true; });
  health.OnConnectionLost("its connection was lost", now);
  EXPECT_EQ(health.state(), HealthState::kSuspect);
  EXPECT_TRUE(health.takes_calls());
  probes.clear();
  while (!health.is_first_choice()) Run(10ms, [](TimePoint) { return true; });
  EXPECT_EQ(probes.size(), 3U);
  EXPECT_EQ(health.state(), HealthState::kUp);
}

TEST_F(Health, AServerThatStopsAnsweringOptionsIsSuspectThenDown) {
  Run(1s, [](TimePoint) { return true; });
  now += 30s;
  ASSERT_TRUE(health.wants_probe(now));
  health.OnProbeSent(now);
  now += ServerHealth::kProbeTimeout;
  EXPECT_FALSE(health.OnTimer(true, now));
  EXPECT_EQ(health.state(), HealthState::kSuspect);
  EXPECT_TRUE(health.takes_calls());
  EXPECT_FALSE(health.is_first_choice());
  ASSERT_TRUE(health.wants_probe(now));
  health.OnProbeSent(now);
  now += ServerHealth::kProbeTimeout;
  EXPECT_TRUE(health.OnTimer(true, now));
  EXPECT_EQ(health.state(), HealthState::kDown);
}

TEST_F(Health, WhoNeverAnsweredOptionsIsWellAsLongAsItTakesAConnection) {
  health.OnProbeSent(now);
  now += ServerHealth::kProbeTimeout;
  EXPECT_FALSE(health.OnTimer(true, now));
  EXPECT_EQ(health.state(), HealthState::kUp);
  EXPECT_EQ(health.rtt(), 0s);
}

TEST_F(Health, ARefusalOfOptionsIsALifeSignAndA503IsNot) {
  health.OnProbeSent(now);
  health.OnProbeAnswered(405, now + 5ms);
  EXPECT_EQ(health.state(), HealthState::kUp);
  now += 30s;
  health.OnProbeSent(now);
  health.OnProbeAnswered(503, now + 5ms);
  EXPECT_EQ(health.state(), HealthState::kDown);
}

TEST_F(Health, ARetryAfterIsObeyedAndBounded) {
  Run(1s, [](TimePoint) { return true; });
  health.OnCallAnswered(503, 7, now);
  EXPECT_FALSE(health.takes_calls());
  now += 6900ms;
  health.OnTimer(true, now);
  EXPECT_FALSE(health.takes_calls());
  now += 100ms;
  health.OnTimer(true, now);
  EXPECT_TRUE(health.takes_calls());
  health.OnCallAnswered(503, 86400, now);
  now += ServerHealth::kMaxRest;
  health.OnTimer(true, now);
  EXPECT_TRUE(health.takes_calls());
  EXPECT_THAT(health.last_failure(), HasSubstr("overloaded"));
}

TEST_F(Health, HalfOfTheCallsFailingMakesASuspectUntilTimeHasPassed) {
  Run(1s, [](TimePoint) { return true; });
  for (int i = 0; i < 9; ++i) health.OnCallAnswered(i % 2 == 0 ? 500 : 486, 0, now);
  EXPECT_EQ(health.state(), HealthState::kUp);
  health.OnCallAnswered(500, 0, now);
  EXPECT_EQ(health.state(), HealthState::kSuspect);
  EXPECT_THAT(health.last_failure(), HasSubstr("500"));
  now += ServerHealth::kForget;
  health.OnTimer(true, now);
  EXPECT_EQ(health.state(), HealthState::kUp);
}

TEST_F(Health, ASuspectThatWentDownComesBackByProbesAlone) {
  Run(1s, [](TimePoint) { return true; });
  for (int i = 0; i < 10; ++i) health.OnCallAnswered(500, 0, now);
  health.OnCallFailed("it takes no connection", now);
  Run(4s, [](TimePoint) { return true; });
  EXPECT_EQ(health.state(), HealthState::kUp);
}

TEST_F(Health, TheOnlyServerThatNobodyWatchesIsAlwaysCalled) {
  ServerHealth only("acme#1", {}, random);
  only.OnCallFailed("it takes no connection", now);
  EXPECT_TRUE(only.takes_calls());
  EXPECT_FALSE(only.wants_probe(now + 1h));
  EXPECT_EQ(only.last_failure(), "it takes no connection");
}

}  // namespace
}  // namespace lastmile::trunk
