#include "media_anchor/core/full_ice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

using ::testing::IsEmpty;

const IceCredentials kLocal{"gwgwgwgw", "0123456789abcdefghijklmn"};
const IceCredentials kFresh{"freshone", "zyxwvutsrqponmlkjihgfedc"};

IceCandidate CandidateAt(const std::string& address, uint32_t priority = 1) {
  return {.at = {*IpAddress::Parse(address), 4000}, .priority = priority, .foundation = "1"};
}

BrowserRemote RemoteOf(const std::string& ufrag) {
  return {.ice_ufrag = ufrag,
          .ice_pwd = "password-of-" + ufrag,
          .fingerprints = {},
          .candidates = {CandidateAt("198.51.100.4")}};
}

std::vector<std::string> Usable(const std::vector<std::string>& addresses, bool private_too) {
  std::vector<IceCandidate> candidates;
  for (const std::string& address : addresses) candidates.push_back(CandidateAt(address));
  std::vector<std::string> left;
  for (const IceCandidate& candidate : UsableCandidates(candidates, private_too)) {
    left.push_back(candidate.at.address.ToString());
  }
  return left;
}

// --- which candidates ---

TEST(UsableCandidates, OnlyThosePeersCanHave) {
  const std::vector<std::string> never = {
      "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1",     "255.255.255.255", "::",
      "fe80::1", "ff02::1", "64:ff9b::a00:1",  "2002:a00:1::1", "::7f00:1"};
  EXPECT_THAT(Usable(never, true), IsEmpty());
  const std::vector<std::string> near = {
      "127.0.0.1",   "127.9.9.9",  "10.1.2.3", "172.16.0.1", "172.31.9.9",
      "192.168.1.1", "100.64.0.1", "::1",      "fd00::1",    "::ffff:127.0.0.1"};
  EXPECT_THAT(Usable(near, false), IsEmpty());
  EXPECT_EQ(Usable(near, true).size(), near.size());
  const std::vector<std::string> anywhere = {"198.51.100.4", "172.32.0.1", "100.128.0.1",
                                             "2001:db8::4"};
  EXPECT_EQ(Usable(anywhere, false), anywhere);
}

TEST(UsableCandidates, TheBestThirtyTwo) {
  std::vector<IceCandidate> many;
  for (uint32_t i = 0; i < 5000; ++i) many.push_back(CandidateAt("198.51.100.4", i));
  const auto left = UsableCandidates(many, false);
  ASSERT_EQ(left.size(), kMaxRemoteCandidates);
  EXPECT_EQ(left.front().priority, 4999u);
  EXPECT_EQ(left.back().priority, 4968u);
}

TEST(UsableCandidates, NoneOfPriorityOrPortZero) {
  IceCandidate portless = CandidateAt("198.51.100.4");
  portless.at.port = 0;
  EXPECT_THAT(UsableCandidates({CandidateAt("198.51.100.4", 0), portless}, true), IsEmpty());
}

// --- what the agent is told ---

TEST(FullIce, TheBrowserIsToldOnce) {
  FullIce ice(kLocal, false);
  EXPECT_FALSE(ice.TakeRemote());
  ice.SetRemote(RemoteOf("one1"));
  const auto told = ice.TakeRemote();
  ASSERT_TRUE(told);
  EXPECT_FALSE(told->restart);
  EXPECT_EQ(told->credentials.ufrag, "one1");
  EXPECT_EQ(told->candidates.size(), 1u);
  ice.SetRemote(RemoteOf("one1"));
  EXPECT_FALSE(ice.TakeRemote()) << "the same again is no news";
}

TEST(FullIce, ARestartOfTheBrowserIsOneOfTheAgent) {
  FullIce ice(kLocal, false);
  ice.SetRemote(RemoteOf("one1"));
  ice.TakeRemote();
  ice.Restart(kFresh);
  ice.SetRemote(RemoteOf("two2"));
  const auto told = ice.TakeRemote();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->restart, kFresh);
  EXPECT_EQ(told->credentials.ufrag, "two2");
  EXPECT_EQ(ice.local(), kFresh);
}

TEST(FullIce, ARestartThatIsOfferedWaitsForTheAnswer) {
  FullIce ice(kLocal, false);
  ice.SetRemote(RemoteOf("one1"));
  ice.TakeRemote();
  ice.Restart(kFresh);
  EXPECT_FALSE(ice.TakeRemote());
  EXPECT_TRUE(ice.AcceptsUfrag(kLocal.ufrag));
  EXPECT_TRUE(ice.AcceptsUfrag(kFresh.ufrag));
  // A second one takes the place of the first.
  const IceCredentials fresher{"fresher2", "zyxwvutsrqponmlkjihgfedc"};
  ice.Restart(fresher);
  EXPECT_TRUE(ice.AcceptsUfrag(kLocal.ufrag));
  EXPECT_FALSE(ice.AcceptsUfrag(kFresh.ufrag));
  ice.SetRemote(RemoteOf("two2"));
  EXPECT_EQ(ice.TakeRemote()->restart, fresher);
  EXPECT_FALSE(ice.AcceptsUfrag(kLocal.ufrag));
}

// The browser has refused the offer, and now offers itself: what it is answered has the fresh ones.
TEST(FullIce, ARestartIsDoneWithTheBrowsersOldCredentialsIfTheyStay) {
  FullIce ice(kLocal, false);
  ice.SetRemote(RemoteOf("one1"));
  ice.TakeRemote();
  ice.Restart(kFresh);
  ice.SetRemote(RemoteOf("one1"));
  EXPECT_EQ(ice.TakeRemote()->restart, kFresh);
}

// --- a session of it ---

class FullIceSessionTest : public SessionTest {
 protected:
  FullIceSessionTest() : SessionTest(true) {}
  void ConnectByAgent() {
    Update(browser_->Description(), trunk_);
    IceConnected();
    browser_->StartDtls(context_->fingerprint(), now_);
    Shuttle(Path::Agent());
    ASSERT_TRUE(browser_->dtls_connected());
    ASSERT_EQ(TakeEvents<BrowserConnected>().size(), 1u);
    TakeToBrowser();
  }
  void IceConnected() {
    session_.OnIceConnected(now_);
    Timer();
  }
  void IceLost() {
    session_.OnIceLost(now_);
    Timer();
  }
  bool AudioBothWays() {
    TakeToBrowser();
    TakeToTrunk();
    FromBrowser(browser_->Rtp(109, ++number_), Path::Agent());
    FromTrunk(PlainRtp(8, number_), trunk_.rtp);
    const auto in = TakeToBrowser();
    return TakeToTrunk().size() == 1 && in.size() == 1 && in[0].path == Path::Agent() &&
           browser_->DecryptRtp(in[0].bytes).has_value();
  }

  uint16_t number_ = 0xfff0;  // goes over: the roll-over count has to stay
};

TEST_F(FullIceSessionTest, WhatTheAgentLetsPassIsTheBrowsers) {
  ConnectByAgent();
  EXPECT_TRUE(session_.TakeIceRemote());
  EXPECT_TRUE(AudioBothWays());
}

// The browser's ClientHello may be here before the pair is.
TEST_F(FullIceSessionTest, DtlsWaitsForThePair) {
  Update(browser_->Description(), trunk_);
  browser_->StartDtls(context_->fingerprint(), now_);
  for (const Bytes& hello : browser_->TakeDtls()) FromBrowser(hello, Path::Agent());
  EXPECT_THAT(TakeToBrowser(), IsEmpty());
  IceConnected();
  for (const ToBrowser& out : TakeToBrowser()) browser_->OnDtls(out.bytes, now_);
  Shuttle(Path::Agent());
  EXPECT_TRUE(browser_->dtls_connected());
}

TEST_F(FullIceSessionTest, ThereIsNoOtherWayIn) {
  ConnectByAgent();
  TakeToTrunk();
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  EXPECT_THAT(TakeToTrunk(), IsEmpty());
  Check(From(5000));
  EXPECT_THAT(TakeToBrowser(), IsEmpty()) << "checks are the agent's matter";
}

TEST_F(FullIceSessionTest, AnAgentThatHasConsentIsNeverSilent) {
  ConnectByAgent();
  now_ += 600s;
  Timer();
  EXPECT_THAT(TakeEvents<BrowserSilent>(), IsEmpty());
  EXPECT_TRUE(AudioBothWays());
}

TEST_F(FullIceSessionTest, NothingIsSentWithoutConsentAndTheSameKeysGoOnAfterwards) {
  ConnectByAgent();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(AudioBothWays());
  IceLost();
  EXPECT_EQ(TakeEvents<BrowserSilent>().size(), 1u);
  FromTrunk(PlainRtp(8, ++number_), trunk_.rtp);
  FromBrowser(browser_->Rtp(109, number_), Path::Agent());
  EXPECT_THAT(TakeToBrowser(), IsEmpty());
  EXPECT_THAT(TakeEvents<BrowserHeard>(), IsEmpty()) << "media is no consent";
  now_ += 20s;
  Timer();
  EXPECT_THAT(TakeEvents<BrowserSilent>(), IsEmpty()) << "said once";
  IceConnected();
  EXPECT_EQ(TakeEvents<BrowserHeard>().size(), 1u);
  EXPECT_TRUE(AudioBothWays());
  EXPECT_THAT(TakeEvents<BrowserConnected>(), IsEmpty());
}

TEST_F(FullIceSessionTest, ARestartKeepsKeysAndMedia) {
  ConnectByAgent();
  session_.TakeIceRemote();
  BrowserRemote renewed = browser_->Description();
  renewed.ice_ufrag = "renewed1";
  renewed.ice_pwd = "renewedrenewedrenewedrenewed";
  UpdateSession update{
      .session = SessionId{7}, .browser = renewed, .trunk = std::nullopt, .payloads = std::nullopt};
  update.restart = kFresh;
  session_.Update(update, now_);
  EXPECT_TRUE(AudioBothWays()) << "on the pair of before";
  EXPECT_EQ(session_.TakeIceRemote()->restart, kFresh);
  IceConnected();
  EXPECT_TRUE(AudioBothWays());
  EXPECT_THAT(TakeEvents<BrowserConnected>(), IsEmpty());
}

TEST_F(FullIceSessionTest, NoWayInTimeEndsTheCall) {
  Update(browser_->Description(), trunk_);
  now_ += AnchorSession::kConnectTimeout;
  Timer();
  const auto failed = TakeEvents<SessionFailed>();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].fault, SessionFault::kBrowserGone);
  EXPECT_EQ(failed[0].reason, "ICE found no way between browser and gateway");
}

TEST_F(FullIceSessionTest, AnAgentThatIsGoneFailsTheSessionOnce) {
  ConnectByAgent();
  session_.OnIceFailed();
  session_.OnIceFailed();
  Timer();
  EXPECT_EQ(TakeEvents<SessionFailed>().size(), 1u);
}

}  // namespace
}  // namespace lastmile::media
