#include <gtest/gtest.h>

#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

class IceRestartSessionTest : public SessionTest {
 protected:
  const IceCredentials fresh_{"freshone", "zyxwvutsrqponmlkjihgfedc"};

  void Restart(std::optional<BrowserRemote> browser) {
    UpdateSession update{.session = SessionId{7},
                         .browser = std::move(browser),
                         .trunk = std::nullopt,
                         .payloads = std::nullopt};
    update.restart = fresh_;
    session_.Update(update, now_);
  }
  void CheckAs(const std::string& username, const std::string& pwd, const Path& path,
               bool nominate) {
    FromBrowser(test::BuildCheck({.username = username, .pwd = pwd, .use_candidate = nominate}),
                path);
  }
  // Sends one packet each way; the path it took to the browser, nothing if one did not arrive.
  std::optional<Path> AudioBothWays(const Path& from) {
    TakeToBrowser();
    TakeToTrunk();
    FromBrowser(browser_->Rtp(109, ++number_), from);
    FromTrunk(PlainRtp(8, number_), trunk_.rtp);
    const auto out = TakeToTrunk();
    const auto in = TakeToBrowser();
    if (out.size() != 1 || in.size() != 1 || !browser_->DecryptRtp(in[0].bytes)) return {};
    const uint16_t sequence = LoadBe16(&out[0].bytes[2]);
    EXPECT_EQ(sequence, static_cast<uint16_t>(last_sequence_.value_or(sequence - 1) + 1));
    last_sequence_ = sequence;
    return in[0].path;
  }

  uint16_t number_ = 0xfff0;  // goes over: the roll-over count has to stay
  std::optional<uint16_t> last_sequence_;
};

TEST_F(IceRestartSessionTest, MediaFollowsTheNominationFromUdpToTcpAndBack) {
  Connect(From(5000));
  Path tcp = From(5000);
  tcp.tcp = TcpId{1};
  EXPECT_EQ(AudioBothWays(From(5000)), From(5000));
  Check(tcp, false);
  EXPECT_EQ(AudioBothWays(From(5000)), From(5000)) << "checked, not nominated";
  Check(tcp, true);
  EXPECT_EQ(AudioBothWays(tcp), tcp);
  EXPECT_EQ(session_.browser_path(), tcp);
  // The connection is lost, and the browser makes another one.
  Path again = tcp;
  again.tcp = TcpId{2};
  const Bytes packet = browser_->Rtp(109, ++number_);
  TakeToTrunk();
  FromBrowser(packet, again);
  EXPECT_TRUE(TakeToTrunk().empty()) << "not checked yet";
  Check(again, true);
  FromBrowser(packet, again);
  EXPECT_EQ(TakeToTrunk().size(), 1u);
  ++*last_sequence_;
  EXPECT_EQ(AudioBothWays(again), again);
  Check(From(5000), true);
  EXPECT_EQ(AudioBothWays(From(5000)), From(5000));
}

TEST_F(IceRestartSessionTest, MediaFlowsOnTheOldPairUntilTheNewOneIsNominated) {
  Connect(From(5000));
  BrowserRemote renewed = browser_->Description();
  renewed.ice_ufrag = "neww";
  renewed.ice_pwd = "newwnewwnewwnewwnewwneww";
  Restart(renewed);
  EXPECT_EQ(session_.ice(), fresh_);
  EXPECT_TRUE(session_.AcceptsUfrag("gwgwgwgw"));
  for (int i = 0; i < 20; ++i) {
    now_ += 1s;
    Check(From(5000));  // consent with the old credentials
    EXPECT_EQ(AudioBothWays(From(5000)), From(5000));
  }
  CheckAs("freshone:neww", fresh_.pwd, From(6000), false);
  EXPECT_EQ(AudioBothWays(From(5000)), From(5000));
  CheckAs("freshone:neww", fresh_.pwd, From(6000), true);
  EXPECT_EQ(AudioBothWays(From(6000)), From(6000));
  EXPECT_FALSE(session_.AcceptsUfrag("gwgwgwgw"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(AudioBothWays(From(6000)), From(6000));
  EXPECT_TRUE(TakeEvents<BrowserConnected>().empty()) << "it was said";
  EXPECT_TRUE(TakeEvents<SessionFailed>().empty());
}

TEST_F(IceRestartSessionTest, TheBrowsersAnswerMayComeAfterItsChecks) {
  Connect(From(5000));
  Restart(std::nullopt);
  CheckAs("freshone:neww", fresh_.pwd, From(6000), false);
  EXPECT_EQ(AudioBothWays(From(5000)), From(5000));
  BrowserRemote renewed = browser_->Description();
  renewed.ice_ufrag = "neww";
  Update(renewed, std::nullopt);
  Check(From(5000));
  EXPECT_EQ(AudioBothWays(From(5000)), From(5000));
  CheckAs("freshone:neww", fresh_.pwd, From(6000), true);
  EXPECT_EQ(AudioBothWays(From(6000)), From(6000));
}

TEST_F(IceRestartSessionTest, ForgedChecksEndNoOldPair) {
  Connect(From(5000));
  Restart(std::nullopt);
  CheckAs("freshone:neww", "guessguessguessguessgues", From(6666), true);
  CheckAs("freshone:neww", session_.ice().pwd + "x", From(6666), true);
  EXPECT_TRUE(session_.AcceptsUfrag("gwgwgwgw"));
  EXPECT_EQ(AudioBothWays(From(5000)), From(5000));
}

TEST_F(IceRestartSessionTest, BeforeItIsConnectedTheNewCredentialsConnectIt) {
  Update(browser_->Description(), trunk_);
  Restart(std::nullopt);
  CheckAs("freshone:brow", fresh_.pwd, From(5000), true);
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  EXPECT_EQ(TakeEvents<BrowserConnected>().size(), 1u);
}

}  // namespace
}  // namespace lastmile::media
