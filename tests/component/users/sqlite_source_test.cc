#include "gateway/users/sqlite_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/component/users/answers.h"

namespace lastmile::users {
namespace {

using ::testing::HasSubstr;

const std::string kMd5(32, 'a');
const std::string kSha256(64, 'b');

class SqliteSourceTest : public ::testing::Test {
 protected:
  SqliteSourceTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lastmile-users-XXXXXX");
    folder = mkdtemp(pattern.data());
    path = folder / "users.db";
  }
  ~SqliteSourceTest() override {
    sqlite3_close(writer);
    std::filesystem::remove_all(folder);
  }

  // By another program, as it were.
  void Execute(const std::string& sql) {
    if (!writer) {
      ASSERT_EQ(sqlite3_open(path.c_str(), &writer), SQLITE_OK);
    }
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(writer, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  }
  void MakeUsers() {
    auto users = SqliteUsers::OpenToWrite(path);
    ASSERT_TRUE(users) << users.error().message;
    EXPECT_TRUE(
        *users->Add({.name = "alice", .ha1 = kMd5, .caller_id = "+15550001001", .tenant = "acme"}));
  }
  std::string WhyNot() {
    const auto started = SqliteSource(path, answers.mailbox).Start();
    return started ? "" : started.error().message;
  }

  std::filesystem::path folder;
  std::filesystem::path path;
  sqlite3* writer = nullptr;
  Answers answers;
};

TEST_F(SqliteSourceTest, FindsUsersAndTellsWhoIsNone) {
  MakeUsers();
  Execute("INSERT INTO users VALUES ('bob', NULL, '" + std::string(64, 'B') + "', NULL, NULL)");
  SqliteSource source(path, answers.mailbox);
  ASSERT_TRUE(source.Start());
  auto heard = answers.Ask(source, {"alice", "bob", "nobody", "Alice", "' OR 1=1 --"});
  EXPECT_EQ(heard["alice"].verdict, Verdict::kFound);
  EXPECT_EQ(heard["alice"].user.ha1, kMd5);
  EXPECT_EQ(heard["alice"].user.caller_id, "+15550001001");
  EXPECT_EQ(heard["alice"].user.tenant, "acme");
  EXPECT_EQ(heard["bob"].user.tenant, "");
  EXPECT_EQ(heard["bob"].user.ha1, "");
  EXPECT_EQ(heard["bob"].user.ha1_sha256, kSha256);
  for (const char* name : {"nobody", "Alice", "' OR 1=1 --"}) {
    EXPECT_EQ(heard[name].verdict, Verdict::kNotFound) << name;
  }
}

TEST_F(SqliteSourceTest, WhatIsNoHashIsLeftOut) {
  MakeUsers();
  Execute("UPDATE users SET ha1 = 'secret', ha1_sha256 = '" + kSha256 + "'");
  SqliteSource source(path, answers.mailbox);
  ASSERT_TRUE(source.Start());
  const UserAnswer answer = answers.Ask(source, "alice");
  EXPECT_EQ(answer.verdict, Verdict::kFound);
  EXPECT_EQ(answer.user.ha1, "");
  EXPECT_EQ(answer.user.ha1_sha256, kSha256);
}

TEST_F(SqliteSourceTest, TenThousandUsersAreFoundAtOnce) {
  MakeUsers();
  Execute(
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
      "INSERT INTO users SELECT 'user' || i, '" +
      kMd5 + "', NULL, i, NULL FROM n");
  SqliteSource source(path, answers.mailbox);
  ASSERT_TRUE(source.Start());
  for (int first = 0; first < 10000; first += 500) {
    std::vector<std::string> names;
    for (int i = first; i < first + 500; ++i) names.push_back("user" + std::to_string(i));
    for (const auto& [name, answer] : answers.Ask(source, names)) {
      EXPECT_EQ(answer.verdict, Verdict::kFound);
      EXPECT_EQ("user" + answer.user.caller_id, name);
    }
  }
}

TEST_F(SqliteSourceTest, AChangeIsSeenByTheNextLookUp) {
  MakeUsers();
  SqliteSource source(path, answers.mailbox);
  ASSERT_TRUE(source.Start());
  EXPECT_EQ(answers.Ask(source, "alice").user.ha1, kMd5);
  Execute("UPDATE users SET ha1 = '" + std::string(32, 'c') + "' WHERE name = 'alice'");
  EXPECT_EQ(answers.Ask(source, "alice").user.ha1, std::string(32, 'c'));
}

TEST_F(SqliteSourceTest, AFileInThePlaceOfTheOldOneIsOpened) {
  MakeUsers();
  SqliteSource source(path, answers.mailbox);
  ASSERT_TRUE(source.Start());
  EXPECT_EQ(answers.Ask(source, "alice").verdict, Verdict::kFound);
  const auto other = folder / "new.db";
  auto users = SqliteUsers::OpenToWrite(other);
  EXPECT_TRUE(*users->Add({.name = "bob", .ha1 = kMd5, .caller_id = ""}));
  std::filesystem::rename(other, path);
  EXPECT_EQ(answers.Ask(source, "alice").verdict, Verdict::kNotFound);
  EXPECT_EQ(answers.Ask(source, "bob").verdict, Verdict::kFound);
  std::filesystem::remove(path);
  EXPECT_EQ(answers.Ask(source, "bob").verdict, Verdict::kFailed);
}

TEST_F(SqliteSourceTest, ALockedFileFailsAndIsReadAgainLater) {
  MakeUsers();
  SqliteSource source(path, answers.mailbox);
  ASSERT_TRUE(source.Start());
  Execute("BEGIN EXCLUSIVE");
  const TimePoint asked = MonotonicNow();
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("user" + std::to_string(i));
  for (const auto& [name, answer] : answers.Ask(source, names)) {
    EXPECT_EQ(answer.verdict, Verdict::kFailed) << name;
  }
  EXPECT_LT(MonotonicNow() - asked, 5s) << "not half a second each";
  Execute("COMMIT");
  EXPECT_EQ(answers.Ask(source, "alice").verdict, Verdict::kFound);
}

TEST_F(SqliteSourceTest, WhatIsMissingIsToldAtTheStart) {
  EXPECT_THAT(WhyNot(), HasSubstr("cannot open " + path.string()));
  Execute("CREATE TABLE people (name TEXT)");
  EXPECT_THAT(WhyNot(), HasSubstr("no such table: users"));
  Execute("CREATE TABLE users (name TEXT PRIMARY KEY, ha1 TEXT)");
  EXPECT_THAT(WhyNot(), HasSubstr("no such column: ha1_sha256"));
  Execute("DROP TABLE users; CREATE TABLE users (name, ha1, ha1_sha256, caller_id, tenant, more)");
  EXPECT_EQ(WhyNot(), "");
}

TEST_F(SqliteSourceTest, WhatIsNoDatabaseIsTold) {
  FILE* file = fopen(path.c_str(), "w");
  fputs("alice:secret and so on, for longer than the head of a database is", file);
  fclose(file);
  EXPECT_THAT(WhyNot(), HasSubstr("file is not a database"));
}

TEST_F(SqliteSourceTest, AFileIsForItsOwnerAndANameIsThereOnce) {
  MakeUsers();
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  auto users = SqliteUsers::OpenToWrite(path);
  ASSERT_TRUE(users);
  EXPECT_FALSE(*users->Add({.name = "alice", .ha1 = kMd5, .caller_id = ""}));
  EXPECT_FALSE(*users->ChangePassword({.name = "bob", .ha1 = kMd5, .caller_id = ""}));
  EXPECT_TRUE(*users->ChangePassword(
      {.name = "alice", .ha1 = "", .caller_id = "ignored", .ha1_sha256 = kSha256}));
  const auto alice = SqliteUsers::OpenToRead(path)->Find("alice");
  ASSERT_TRUE(alice && *alice);
  EXPECT_EQ((*alice)->ha1, "");
  EXPECT_EQ((*alice)->ha1_sha256, kSha256);
  EXPECT_EQ((*alice)->caller_id, "+15550001001");
}

}  // namespace
}  // namespace lastmile::users
