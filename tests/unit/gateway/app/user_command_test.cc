#include "gateway/app/user_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

#include "gateway/sip/digest.h"
#include "gateway/users/sqlite_users.h"

namespace lastmile::app {
namespace {

using Action = UserCommand::Action;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UserCommandTest : public ::testing::Test {
 protected:
  UserCommandTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lastmile-user-XXXXXX");
    folder = mkdtemp(pattern.data());
    config.file = "lastmile.yaml";
    config.domain = "gw.example";
    config.user_source.emplace().sqlite = folder / "users.db";
  }
  ~UserCommandTest() override { std::filesystem::remove_all(folder); }

  int Run(const UserCommand& command, const std::string& input, bool terminal = false) {
    std::istringstream in(input);
    std::ostringstream out, err;
    const int status = RunUser(command, config, terminal, in, out, err);
    said = out.str();
    complaint = err.str();
    return status;
  }
  browser::User Stored(const std::string& name) {
    const auto user = users::SqliteUsers::OpenToRead(config.user_source->sqlite)->Find(name);
    EXPECT_TRUE(user && *user);
    return user && *user ? **user : browser::User{};
  }

  std::filesystem::path folder;
  Config config;
  std::string said;
  std::string complaint;
};

TEST_F(UserCommandTest, AddMakesTheFileAndStoresHashesAlone) {
  EXPECT_EQ(
      Run({.name = "alice", .caller_id = "+15550001001", .tenant = "acme"}, "secret\r\nmore\n"), 0);
  EXPECT_EQ(said, "added alice in " + config.user_source->sqlite + "\n");
  EXPECT_THAT(complaint, IsEmpty());
  const browser::User alice = Stored("alice");
  EXPECT_EQ(alice.ha1, sip::Ha1("alice", "gw.example", "secret"));
  EXPECT_EQ(alice.ha1_sha256,
            sip::Ha1("alice", "gw.example", "secret", sip::DigestAlgorithm::kSha256));
  EXPECT_EQ(alice.caller_id, "+15550001001");
  EXPECT_EQ(alice.tenant, "acme");
}

TEST_F(UserCommandTest, PasswdChangesWhatAddHasStored) {
  EXPECT_EQ(Run({.name = "alice", .caller_id = "1"}, "secret\n"), 0);
  EXPECT_EQ(Run({.action = Action::kPasswd, .name = "alice"}, "changed"), 0);
  EXPECT_THAT(said, HasSubstr("changed the password of alice"));
  EXPECT_EQ(Stored("alice").ha1, sip::Ha1("alice", "gw.example", "changed"));
  EXPECT_EQ(Stored("alice").caller_id, "1");
}

TEST_F(UserCommandTest, NobodyIsAddedTwiceOrChangedWithoutBeingThere) {
  EXPECT_EQ(Run({.action = Action::kPasswd, .name = "alice"}, "x\n"), 1);
  EXPECT_THAT(complaint, HasSubstr("cannot open"));
  EXPECT_FALSE(std::filesystem::exists(config.user_source->sqlite));
  EXPECT_EQ(Run({.name = "alice"}, "secret\n"), 0);
  EXPECT_EQ(Run({.name = "alice"}, "other\n"), 1);
  EXPECT_THAT(complaint, HasSubstr("there is a user alice already"));
  EXPECT_EQ(Stored("alice").ha1, sip::Ha1("alice", "gw.example", "secret"));
  EXPECT_EQ(Run({.action = Action::kPasswd, .name = "bob"}, "x\n"), 1);
  EXPECT_EQ(complaint, "lastmile: there is no user bob\n");
}

TEST_F(UserCommandTest, ATerminalIsAskedTwice) {
  EXPECT_EQ(Run({.name = "alice"}, "secret\nsecret\n", true), 0);
  EXPECT_EQ(complaint, "Password: \nOnce more: \n");
  EXPECT_EQ(Run({.name = "bob"}, "secret\nsecrte\n", true), 1);
  EXPECT_THAT(complaint, HasSubstr("the two passwords are not the same"));
}

TEST_F(UserCommandTest, WhatCannotBeAPasswordOrANameIsToldInASentence) {
  EXPECT_EQ(Run({.name = "alice"}, ""), 1);
  EXPECT_EQ(complaint, "lastmile: there is no password on standard input\n");
  EXPECT_EQ(Run({.name = "alice"}, "\n"), 1);
  EXPECT_EQ(complaint, "lastmile: a password must not be empty\n");
  EXPECT_EQ(Run({.name = "al:ice"}, "secret\n"), 1);
  EXPECT_EQ(complaint, "lastmile: the name of a user has no blank and no colon\n");
  EXPECT_EQ(Run({.name = std::string(200, 'a')}, "secret\n"), 1);
  EXPECT_THAT(complaint, HasSubstr("1 to 128 bytes"));
}

TEST_F(UserCommandTest, WithoutAFileOfUsersItIsTheConfigurationThatIsWrong) {
  config.user_source.reset();
  EXPECT_EQ(Run({.name = "alice"}, "secret\n"), 2);
  EXPECT_EQ(complaint, "lastmile: lastmile.yaml has no `users: { source: sqlite:PATH }`\n");
}

}  // namespace
}  // namespace lastmile::app
