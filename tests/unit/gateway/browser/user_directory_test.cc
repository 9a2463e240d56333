#include "gateway/browser/user_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lastmile::browser {
namespace {

using Status = Lookup::Status;
using Verdict = UserAnswer::Verdict;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class UserDirectoryTest : public ::testing::Test {
 protected:
  Status Find(const std::string& name) { return directory.Find(name, now).status; }
  void Answer(const std::string& name, Verdict verdict, const std::string& ha1 = "") {
    directory.OnAnswer(
        {.name = name, .verdict = verdict, .user = {.name = "", .ha1 = ha1, .caller_id = ""}}, now);
  }
  void Learn(const std::string& name, const std::string& ha1) {
    EXPECT_EQ(Find(name), Status::kPending);
    EXPECT_THAT(directory.TakeLookups(), ElementsAre(name));
    Answer(name, Verdict::kFound, ha1);
    EXPECT_THAT(directory.TakeSettled(), ElementsAre(name));
  }
  std::string HashOf(const std::string& name) {
    const Lookup found = directory.Find(name, now);
    return found.user ? found.user->ha1 : "";
  }

  UserDirectory directory{{}, LookupOptions{}};
  TimePoint now{1h};
};

TEST(UserDirectoryOfTheFile, KnowsEverybodyAtOnceAndAsksNobody) {
  UserDirectory directory({{.name = "alice", .ha1 = "x", .caller_id = ""}}, std::nullopt);
  EXPECT_EQ(directory.Find("alice", TimePoint{1h}).user->ha1, "x");
  EXPECT_EQ(directory.Find("bob", TimePoint{1h}).status, Status::kNobody);
  EXPECT_THAT(directory.TakeLookups(), IsEmpty());
  EXPECT_EQ(directory.next_timeout(), kNever);
}

TEST_F(UserDirectoryTest, AUserIsLookedUpOnceHoweverManyWait) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Find("alice"), Status::kPending);
  EXPECT_THAT(directory.TakeLookups(), ElementsAre("alice"));
  Answer("alice", Verdict::kFound, "hash");
  EXPECT_THAT(directory.TakeSettled(), ElementsAre("alice"));
  const Lookup found = directory.Find("alice", now);
  EXPECT_EQ(found.status, Status::kUser);
  EXPECT_EQ(found.user->name, "alice");
  EXPECT_EQ(found.user->ha1, "hash");
  EXPECT_FALSE(found.is_refreshing);
  EXPECT_THAT(directory.TakeLookups(), IsEmpty());
}

TEST_F(UserDirectoryTest, ItIsKnownForItsTtl) {
  Learn("alice", "old");
  now += 60s - 1ns;
  EXPECT_EQ(HashOf("alice"), "old");
  EXPECT_THAT(directory.TakeLookups(), IsEmpty());
}

TEST_F(UserDirectoryTest, AnOldEntryServesWhileItIsLookedUpAgain) {
  Learn("alice", "old");
  now += 60s;
  for (int i = 0; i < 3; ++i) {
    const Lookup found = directory.Find("alice", now);
    EXPECT_EQ(found.status, Status::kUser);
    EXPECT_EQ(found.user->ha1, "old");
    EXPECT_TRUE(found.is_refreshing);
  }
  EXPECT_THAT(directory.TakeLookups(), ElementsAre("alice"));
  Answer("alice", Verdict::kFound, "new");
  EXPECT_EQ(HashOf("alice"), "new");
}

TEST_F(UserDirectoryTest, AfterTheGraceItIsWaitedFor) {
  Learn("alice", "old");
  now += 60s + UserDirectory::kGrace;
  EXPECT_EQ(Find("alice"), Status::kPending);
  EXPECT_THAT(directory.TakeLookups(), ElementsAre("alice"));
  Answer("alice", Verdict::kNotFound);
  EXPECT_EQ(Find("alice"), Status::kNobody);
}

TEST_F(UserDirectoryTest, NobodyIsKnownToBeNobodyForLess) {
  EXPECT_EQ(Find("mallory"), Status::kPending);
  Answer("mallory", Verdict::kNotFound);
  directory.TakeLookups();
  now += 10s - 1ns;
  EXPECT_EQ(Find("mallory"), Status::kNobody);
  EXPECT_THAT(directory.TakeLookups(), IsEmpty());
  now += 1ns;
  EXPECT_EQ(Find("mallory"), Status::kPending);
  EXPECT_THAT(directory.TakeLookups(), ElementsAre("mallory"));
}

TEST_F(UserDirectoryTest, WhileTheSourceFailsOldEntriesServeForAnHour) {
  Learn("alice", "old");
  now += 30min;
  EXPECT_EQ(Find("alice"), Status::kPending);
  Answer("alice", Verdict::kFailed);
  EXPECT_THAT(directory.TakeSettled(), ElementsAre("alice"));
  directory.TakeLookups();
  EXPECT_EQ(HashOf("alice"), "old") << "what waited goes on";
  EXPECT_FALSE(directory.Find("alice", now).is_refreshing) << "a wrong password is wrong";
  now += UserDirectory::kRetryAfterFailure;
  EXPECT_EQ(Find("alice"), Status::kPending) << "the source may be back";
  EXPECT_THAT(directory.TakeLookups(), ElementsAre("alice"));
  Answer("alice", Verdict::kFailed);
  now += 30min;
  EXPECT_EQ(Find("alice"), Status::kPending);
  Answer("alice", Verdict::kFailed);
  EXPECT_EQ(Find("alice"), Status::kUnavailable);
}

TEST_F(UserDirectoryTest, WhoIsNotKnownIsUnavailableWhileTheSourceFails) {
  EXPECT_EQ(Find("alice"), Status::kPending);
  Answer("alice", Verdict::kFailed);
  directory.TakeLookups();
  EXPECT_EQ(Find("alice"), Status::kUnavailable);
  EXPECT_THAT(directory.TakeLookups(), IsEmpty()) << "a source in trouble is not flooded";
  now += UserDirectory::kRetryAfterFailure;
  EXPECT_EQ(Find("alice"), Status::kPending);
}

TEST_F(UserDirectoryTest, ALookUpWithoutAnAnswerHasFailed) {
  EXPECT_EQ(Find("alice"), Status::kPending);
  EXPECT_EQ(directory.next_timeout(), now + UserDirectory::kLookupLimit);
  now = directory.next_timeout();
  directory.OnTimer(now);
  EXPECT_THAT(directory.TakeSettled(), ElementsAre("alice"));
  EXPECT_EQ(Find("alice"), Status::kUnavailable);
  Answer("alice", Verdict::kFound, "late");
  EXPECT_EQ(Find("alice"), Status::kUnavailable) << "it may be older than what comes next";
  EXPECT_THAT(directory.TakeSettled(), IsEmpty());
}

TEST_F(UserDirectoryTest, LookUpsUnderWayAreBounded) {
  for (size_t i = 0; i < UserDirectory::kMaxPending; ++i) {
    EXPECT_EQ(Find("user" + std::to_string(i)), Status::kPending);
  }
  EXPECT_EQ(Find("one-more"), Status::kUnavailable);
  EXPECT_EQ(directory.TakeLookups().size(), UserDirectory::kMaxPending);
  Answer("user0", Verdict::kNotFound);
  EXPECT_EQ(Find("one-more"), Status::kPending);
}

TEST_F(UserDirectoryTest, MadeUpNamesPushOutNoUser) {
  Learn("alice", "hash");
  for (size_t i = 0; i < UserDirectory::kMaxEntries + 1; ++i) {
    const std::string name = "nobody" + std::to_string(i);
    EXPECT_EQ(Find(name), Status::kPending);
    Answer(name, Verdict::kNotFound);
  }
  EXPECT_EQ(HashOf("alice"), "hash");
  EXPECT_EQ(Find("nobody0"), Status::kPending) << "the oldest of them is forgotten";
  EXPECT_EQ(Find("nobody1"), Status::kNobody);
}

TEST_F(UserDirectoryTest, ANameThatIsTooLongIsNobodys) {
  EXPECT_EQ(Find(std::string(UserDirectory::kMaxName, 'a')), Status::kPending);
  EXPECT_EQ(Find(std::string(UserDirectory::kMaxName + 1, 'a')), Status::kNobody);
  EXPECT_EQ(Find(""), Status::kNobody);
}

TEST(UserDirectoryTtl, AShortTtlHoldsForNobodyToo) {
  UserDirectory directory({}, LookupOptions{.ttl = 2s});
  TimePoint now{1h};
  EXPECT_EQ(directory.Find("mallory", now).status, Status::kPending);
  directory.OnAnswer({.name = "mallory", .verdict = Verdict::kNotFound}, now);
  now += 2s;
  EXPECT_EQ(directory.Find("mallory", now).status, Status::kPending);
}

}  // namespace
}  // namespace lastmile::browser
