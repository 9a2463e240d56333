#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/call_snapshot.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"
#include "tests/unit/gateway/log_capture.h"

// SRTP towards a trunk: where keys go, and where they must not.
namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;
const std::string kSuite = "AES_CM_128_HMAC_SHA1_80";
const std::string kCarrierKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

CallManagerOptions Options(sdp::Srtp srtp, bool over_tcp) {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  call::TrunkPolicy& policy = options.policies["acme"];
  policy.sdp.srtp = srtp;
  policy.sdp.srtp_suites = {kSuite};
  policy.srtp_over_tcp = over_tcp;
  return options;
}

std::string SecureSdp() {
  std::string sdp = testing::TrunkSdp("0 101");
  sdp.replace(sdp.find("RTP/AVP"), 7, "RTP/SAVP");
  return sdp + "a=crypto:1 " + kSuite + " inline:" + kCarrierKey + "\r\n";
}

std::string KeyIn(const std::string& sdp) {
  const size_t at = sdp.find("inline:");
  return at == std::string::npos ? "" : sdp.substr(at + 7, 40);
}

TEST(TrunkSrtp, KeysAreInNoLogNoRecordAndNotAtTheBrowser) {
  test::LogCapture log;
  GatewayInMemory gw(Options(sdp::Srtp::kRequired, true));
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  const std::string ours = KeyIn(dialled.trunk_invite.body);
  ASSERT_EQ(ours.size(), 40u);
  gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 183, SecureSdp()));
  gw.Wait(1s);
  gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 200, SecureSdp()));
  EXPECT_THAT(log.text(), HasSubstr("leg=trunk SRTP AES_CM_128_HMAC_SHA1_80"));
  for (const std::string& key : {ours, kCarrierKey}) {
    EXPECT_THAT(log.text(), Not(HasSubstr(key)));
    EXPECT_THAT(log.text(), Not(HasSubstr("inline:")));
    for (const std::string& message : gw.raw_to_browsers) {
      EXPECT_THAT(message, Not(HasSubstr(key)));
    }
  }
}

TEST(TrunkSrtp, EachCallHasKeysOfItsOwn) {
  GatewayInMemory gw(Options(sdp::Srtp::kRequired, true));
  const std::string first = KeyIn(gw.Dial(kAlice, "alice", "600").trunk_invite.body);
  const std::string second = KeyIn(gw.Dial(2, "bob", "601").trunk_invite.body);
  EXPECT_NE(first, "");
  EXPECT_NE(first, second);
}

TEST(TrunkSrtp, AnUnusableAnswerIsToldWithoutItsKey) {
  test::LogCapture log;
  GatewayInMemory gw(Options(sdp::Srtp::kRequired, true));
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  std::string answer = SecureSdp();
  answer.replace(answer.find("crypto:1"), 8, "crypto:9");
  gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 200, answer));
  EXPECT_THAT(log.text(), HasSubstr("no a=crypto of the section can be used"));
  EXPECT_THAT(log.text(), Not(HasSubstr(kCarrierKey)));
}

// A trunk of TLS that calls over TCP: everybody on the way has read its SDP.
class Inbound : public ::testing::Test {
 protected:
  sip::Message Call(sdp::Srtp srtp, bool tls, const std::string& sdp) {
    gw.emplace(Options(srtp, false));
    gw->Register(kAlice, "alice");
    gw->ConnectTrunk("198.51.100.9:40000", tls);
    invite = gw->MakeTrunkInvite("+15550001001");
    invite.body = sdp;
    gw->FromTrunk(invite);
    sip::Message response = gw->ToTrunk();
    if (response.status == 100 && gw->TrunkIsQuiet()) {
      const sip::Message ring = gw->ToBrowser(kAlice);
      sip::Message ok = sip::MakeResponse(ring, 200, "", "browser");
      ok.contacts = ring.contacts;
      ok.content_type = "application/sdp";
      ok.body = testing::BrowserSdp("active", "0 101");
      gw->FromBrowser(kAlice, ok);
    }
    while (response.status < 200 && !gw->TrunkIsQuiet()) response = gw->ToTrunk();
    return response;
  }
  std::optional<GatewayInMemory> gw;
  sip::Message invite;
};

TEST_F(Inbound, OverTlsItIsAnsweredWithAKey) {
  const sip::Message answer = Call(sdp::Srtp::kRequired, true, SecureSdp());
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(KeyIn(answer.body), "");
}

TEST_F(Inbound, OverTcpRequiredIsRefused) {
  const sip::Message answer = Call(sdp::Srtp::kRequired, false, SecureSdp());
  EXPECT_EQ(answer.status, 488);
  EXPECT_THAT(sip::Print(answer), HasSubstr("its keys only go over TLS"));
}

TEST_F(Inbound, OverTcpOptionalIsPlain) {
  const sip::Message answer = Call(sdp::Srtp::kOptional, false, testing::TrunkSdp("0 101"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, Not(HasSubstr("crypto")));
}

}  // namespace
}  // namespace lastmile::app
