#include "gateway/sip/privacy.h"

#include <gtest/gtest.h>

namespace lastmile::sip {
namespace {

Message From(const std::string& user, const std::string& host) {
  Message invite;
  invite.method = "INVITE";
  invite.from.uri.user = user;
  invite.from.uri.host = host;
  return invite;
}

TEST(Privacy, AFromThatNamesNobodyAsksForIt) {
  EXPECT_TRUE(AsksForPrivacy(From("anonymous", "anonymous.invalid")));
  EXPECT_TRUE(AsksForPrivacy(From("alice", "ANONYMOUS.invalid")));
  EXPECT_TRUE(AsksForPrivacy(From("Anonymous", "gw.example")));
  EXPECT_FALSE(AsksForPrivacy(From("alice", "gw.example")));
}

TEST(Privacy, TheHeaderAsksForItWhereItHidesTheSender) {
  for (const char* value :
       {"id", "user", "header", "ID", "id;critical", "none ; id", "session, id"}) {
    Message invite = From("alice", "gw.example");
    invite.extra = {{"Privacy", value}};
    EXPECT_TRUE(AsksForPrivacy(invite)) << value;
  }
  for (const char* value : {"", "none", "session", "critical", "history", "idle", ";;,"}) {
    Message invite = From("alice", "gw.example");
    invite.extra = {{"Privacy", value}};
    EXPECT_FALSE(AsksForPrivacy(invite)) << value;
  }
}

TEST(Privacy, EveryHeaderOfThatNameCounts) {
  Message invite = From("alice", "gw.example");
  invite.extra = {{"Privacy", "none"}, {"privacy", "id"}};
  EXPECT_TRUE(AsksForPrivacy(invite));
}

}  // namespace
}  // namespace lastmile::sip
