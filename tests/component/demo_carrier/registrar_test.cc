#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "base/random.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/digest.h"
#include "tests/component/demo_carrier/carrier_process.h"
#include "tests/component/demo_carrier/sip_peer.h"

namespace lastmile::demo_carrier {
namespace {

using ::testing::HasSubstr;

class DemoCarrierRegistrar : public ::testing::Test {
 protected:
  // The header that answers the challenge in `response`.
  std::string SignedFor(const SipText& response, const std::string& method,
                        const std::string& number, const std::string& password) {
    const auto message = sip::Parse(response.head + "\r\n\r\n");
    const bool proxy = response.code() == 407;
    if (!message || (proxy ? message->proxy_authenticates : message->www_authenticates).empty()) {
      ADD_FAILURE() << "no challenge in " << response.head;
      return "";
    }
    const auto answer = sip::AnswerChallenge(
        proxy ? message->proxy_authenticates[0] : message->www_authenticates[0],
        {.user = "acme", .password = password}, method,
        fmt::format("sip:{}@{}", number, carrier_.sip().ToString()), random_);
    if (!answer) {
      ADD_FAILURE() << answer.error().message;
      return "";
    }
    return (proxy ? "Proxy-Authorization: " : "Authorization: ") + answer->ToString() + "\r\n";
  }
  // The final answer to a REGISTER with that password.
  std::optional<SipText> Register(const std::string& expires, const std::string& password,
                                  int code) {
    SipPeer::Dialog dialog = peer_.NewDialog("acme");
    peer_.Send(dialog, "REGISTER", "", expires);
    const auto challenge = peer_.WaitForCode(dialog, "REGISTER", 401);
    if (!challenge) return std::nullopt;
    dialog.to_tag = "";
    peer_.Send(dialog, "REGISTER", "",
               expires + SignedFor(*challenge, "REGISTER", "acme", password));
    return peer_.WaitForCode(dialog, "REGISTER", code);
  }

  SystemRandom random_;
  CarrierProcess carrier_{{"--account", "acme:secret", "--call-user", "+15550100"}};
  SipPeer peer_{carrier_.sip()};
};

TEST_F(DemoCarrierRegistrar, TheCustomerIsCalledWhereItHasRegistered) {
  const auto answer = Register("Expires: 600\r\n", "secret", 200);
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->Header("Contact"), HasSubstr(peer_.local().ToString()));
  EXPECT_THAT(answer->Header("Contact"), HasSubstr("expires=600"));
  EXPECT_TRUE(carrier_.WaitForLine({"register state=bound", peer_.local().ToString()}));
  carrier_.Signal(SIGUSR1);
  const auto invite = peer_.WaitForRequest("INVITE");
  ASSERT_TRUE(invite);
  EXPECT_THAT(invite->start_line,
              HasSubstr("sip:+15550100@" + peer_.local().ToString() + ";transport=tcp"));
  peer_.Respond(*invite, "486 Busy Here", "peer");
  EXPECT_TRUE(peer_.WaitForRequest("ACK"));

  ASSERT_TRUE(Register("Expires: 0\r\n", "secret", 200));
  EXPECT_TRUE(carrier_.WaitForLine({"register state=gone"}));
}

TEST_F(DemoCarrierRegistrar, AShortRegistrationIsToldTheLeast) {
  const auto answer = Register("Expires: 30\r\n", "secret", 423);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->Header("Min-Expires"), "60");
}

TEST_F(DemoCarrierRegistrar, AWrongPasswordIsChallengedAgain) {
  EXPECT_TRUE(Register("Expires: 600\r\n", "wrong", 401));
}

TEST_F(DemoCarrierRegistrar, CallsAreSignedIn) {
  SipPeer::Dialog dialog = peer_.NewDialog("602");
  peer_.Send(dialog, "INVITE");
  const auto challenge = peer_.WaitForCode(dialog, "INVITE", 407);
  ASSERT_TRUE(challenge);
  peer_.Send(dialog, "ACK");
  dialog.to_tag = "";
  peer_.Send(dialog, "INVITE", "", SignedFor(*challenge, "INVITE", "602", "secret"));
  EXPECT_TRUE(peer_.WaitForCode(dialog, "INVITE", 486));
  peer_.Send(dialog, "ACK");
}

}  // namespace
}  // namespace lastmile::demo_carrier
