#include "gateway/trunk/invite_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lastmile::trunk {
namespace {

sip::Message Invite() {
  sip::Message invite;
  invite.method = "INVITE";
  invite.call_id = "abc";
  invite.cseq = {2, "INVITE"};
  invite.body = std::string(200, 'x');
  return invite;
}

TEST(InviteBudget, NothingIsSaidOfAnInviteThatFitsNorOfWhatHasNoBudget) {
  EXPECT_EQ(DescribeOverBudget(Invite(), 1300, 1300), "");
  sip::Message other = Invite();
  other.method = "MESSAGE";
  EXPECT_EQ(DescribeOverBudget(other, 1301, 1300), "");
  const sip::Message response = sip::MakeResponse(Invite(), 200, "OK", "tag");
  EXPECT_EQ(DescribeOverBudget(response, 1301, 1300), "");
}

TEST(InviteBudget, SaysWhatMadeAnInviteLong) {
  EXPECT_EQ(DescribeOverBudget(Invite(), 1301, 1300),
            "an INVITE of 1301 bytes is over its budget of 1300: 1101 are its head, 200 its SDP; "
            "call-id=abc cseq=2");
}

TEST(InviteBudget, SaysThatCredentialsAreInTheHead) {
  sip::Message invite = Invite();
  invite.proxy_authorizations.emplace_back();
  EXPECT_THAT(DescribeOverBudget(invite, 901, 900),
              testing::HasSubstr("701 are its head with credentials, 200 its SDP"));
}

TEST(InviteBudget, DoesNotNameTheCallIdOfADialogThatTheCarrierMayHaveBegun) {
  sip::Message invite = Invite();
  invite.to.params.Set("tag", "theirs");
  EXPECT_THAT(DescribeOverBudget(invite, 1301, 1300), testing::EndsWith("; inside a dialog"));
}

}  // namespace
}  // namespace lastmile::trunk
