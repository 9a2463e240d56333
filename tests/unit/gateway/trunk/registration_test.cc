#include "gateway/trunk/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Registrations of users at PBXs, against a scripted PBX and on a clock of their own.
namespace lastmile::trunk {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;

std::string UserName(size_t i) { return "user" + std::to_string(i); }

class RegistrationsTest : public ::testing::Test {
 protected:
  struct Sent {
    TimePoint at;
    Registrations::Register request;
  };

  void Make(size_t users) {
    std::vector<Registrations::Account> accounts;
    for (size_t i = 0; i < users; ++i) {
      Registrations::Account account{
          .pbx = {.user = UserName(i),
                  .trunk = "office",
                  .aor = std::to_string(200 + i),
                  .host = "pbx.example",
                  .credentials = {"auth" + std::to_string(200 + i), "secret"}},
          .trunk = 0,
          .contact = {}};
      account.contact.host = "198.51.100.1";
      accounts.push_back(std::move(account));
    }
    registrations = std::make_unique<Registrations>(std::move(accounts), random);
  }
  void Take() {
    for (Registrations::Register& next : registrations->TakeRequests()) {
      sent.push_back({now, std::move(next)});
      if (answers_at_once) Answer(sent.back().request, 200);
    }
  }
  // Lets the time pass, timers at their very time.
  void Wait(Duration duration) {
    const TimePoint end = now + duration;
    while (registrations->next_timeout() <= end) {
      now = std::max(now, registrations->next_timeout());
      registrations->OnTimer(now);
      Take();
    }
    now = end;
  }
  // The only REGISTER of the time that `duration` is.
  Registrations::Register Next(Duration duration = 1s) {
    sent.clear();
    Wait(duration);
    EXPECT_EQ(sent.size(), 1u);
    return sent.empty() ? Registrations::Register{} : sent.front().request;
  }
  bool Quiet(Duration duration) {
    sent.clear();
    Wait(duration);
    return sent.empty();
  }
  static sip::Message ResponseTo(const Registrations::Register& request, int status) {
    sip::Message response = sip::MakeResponse(request.request, status, "", "pbx");
    if (status == 200) {
      response.contacts = request.request.contacts;
      response.contacts[0].params.Set("expires", "600");
    }
    return response;
  }
  static sip::Message Challenge(const Registrations::Register& request, bool stale = false) {
    sip::Message response = ResponseTo(request, 401);
    sip::AuthHeader challenge{.scheme = "Digest", .params = {}, .token = ""};
    challenge.params.Set("realm", "pbx.example");
    challenge.params.Set("nonce", "n" + std::to_string(request.request.cseq.number));
    challenge.params.Set("qop", "auth");
    if (stale) challenge.params.Set("stale", "true");
    response.www_authenticates = {challenge};
    return response;
  }
  void Answer(const Registrations::Register& request, const sip::Message& response) {
    registrations->OnAnswered(request.account, response.status, &response, now);
  }
  void Answer(const Registrations::Register& request, int status) {
    Answer(request, ResponseTo(request, status));
  }
  void Register() {
    Make(1);
    registrations->SetPresent("user0", true, now);
    Answer(Next(), 200);
    EXPECT_EQ(registrations->gauges().registered, 1u);
  }
  // The most REGISTERs in any window of a second.
  size_t Peak() const {
    size_t peak = 0;
    size_t first = 0;
    for (size_t i = 0; i < sent.size(); ++i) {
      while (sent[i].at - sent[first].at > 1s) ++first;
      peak = std::max(peak, i - first + 1);
    }
    return peak;
  }

  SeededRandom random{5};
  std::unique_ptr<Registrations> registrations;
  std::vector<Sent> sent;
  bool answers_at_once = false;
  TimePoint now{1h};
};

TEST_F(RegistrationsTest, TheFirstBrowserOfAUserRegistersItAtItsPbx) {
  Make(2);
  EXPECT_TRUE(Quiet(1h));
  registrations->SetPresent("user1", true, now);
  registrations->SetPresent("a user without an account", true, now);
  const auto next = Next();
  EXPECT_EQ(next.account, 1u);
  const sip::Message& request = next.request;
  EXPECT_EQ(request.method, "REGISTER");
  EXPECT_EQ(request.request_uri.ToString(), "sip:pbx.example");
  EXPECT_EQ(request.to.ToString(), "<sip:201@pbx.example>");
  EXPECT_EQ(request.from.uri, request.to.uri);
  EXPECT_EQ(request.expires, Registrations::kExpires);
  ASSERT_EQ(request.contacts.size(), 1u);
  EXPECT_EQ(request.contacts[0].uri.host, "198.51.100.1");
  EXPECT_EQ(request.contacts[0].uri, registrations->account(1).contact);
  Answer(next, 200);
  EXPECT_EQ(registrations->gauges().registered, 1u);
}

TEST_F(RegistrationsTest, TheContactNamesTheAccountAndNothingElse) {
  Make(2);
  const std::string part = registrations->account(1).contact.user;
  EXPECT_EQ(part.find("201"), std::string::npos);
  EXPECT_EQ(part.find("user1"), std::string::npos);
  EXPECT_EQ(registrations->Find(0, part), 1u);
  EXPECT_EQ(registrations->Find(0, "201"), 1u);
  EXPECT_EQ(registrations->Find(1, part), Registrations::kNone) << "another trunk";
  EXPECT_EQ(registrations->Find(0, "user1"), Registrations::kNone);
  // After a restart it is the same, and the PBX has one Contact instead of two.
  Make(2);
  EXPECT_EQ(registrations->account(1).contact.user, part);
  EXPECT_NE(registrations->account(0).contact.user, part);
}

TEST_F(RegistrationsTest, AChallengeIsAnsweredAndLaterOnesInAdvance) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  const auto first = Next();
  EXPECT_TRUE(first.request.authorizations.empty());
  Answer(first, Challenge(first));
  const auto second = Next();
  EXPECT_EQ(second.request.call_id, first.request.call_id);
  EXPECT_EQ(second.request.cseq.number, first.request.cseq.number + 1);
  ASSERT_EQ(second.request.authorizations.size(), 1u);
  EXPECT_EQ(*second.request.authorizations[0].params.Find("username"), "auth200");
  Answer(second, 200);
  const auto refresh = Next(510s);
  ASSERT_EQ(refresh.request.authorizations.size(), 1u);
  EXPECT_EQ(*refresh.request.authorizations[0].params.Find("nc"), "00000002");
  // Its nonce is too old, and the server does not even say so.
  Answer(refresh, Challenge(refresh));
  Answer(Next(), 200);
  EXPECT_EQ(registrations->gauges().registered, 1u);
}

TEST_F(RegistrationsTest, AStaleNonceIsReplacedOnce) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  auto request = Next();
  Answer(request, Challenge(request));
  request = Next();
  Answer(request, Challenge(request, true));
  request = Next();
  Answer(request, Challenge(request, true));
  EXPECT_TRUE(Quiet(10min));
}

TEST_F(RegistrationsTest, AWrongPasswordIsNotTriedAgainForLong) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  auto request = Next();
  Answer(request, Challenge(request));
  request = Next();
  Answer(request, Challenge(request));
  EXPECT_EQ(registrations->gauges().registered, 0u);
  // Nor when the page is loaded again.
  registrations->SetPresent("user0", false, now);
  Wait(1min);
  registrations->SetPresent("user0", true, now);
  EXPECT_TRUE(Quiet(Registrations::kRefusedRetry / 2 - 1min));
  Next(Registrations::kRefusedRetry);
}

TEST_F(RegistrationsTest, WhomThePbxForbidsIsNotTriedAgainForLong) {
  for (int status : {403, 404}) {
    Make(1);
    registrations->SetPresent("user0", true, now);
    Answer(Next(), status);
    EXPECT_TRUE(Quiet(Registrations::kRefusedRetry / 2 - 1s));
    Next(Registrations::kRefusedRetry);
  }
}

TEST_F(RegistrationsTest, TheGrantOfTheContactCountsThenThatOfTheHeader) {
  struct Row {
    const char* of_contact;
    std::optional<uint32_t> of_header;
    uint32_t seconds;
  };
  for (const Row& row : {Row{"100", 900, 100}, Row{nullptr, 900, 900},
                         Row{nullptr, std::nullopt, Registrations::kExpires}, Row{"1", 900, 10}}) {
    Make(1);
    registrations->SetPresent("user0", true, now);
    const auto request = Next();
    sip::Message ok = ResponseTo(request, 200);
    ok.contacts[0].params.list.clear();
    if (row.of_contact) ok.contacts[0].params.Set("expires", row.of_contact);
    // Another phone of the same extension: its time is no matter.
    ok.contacts.insert(ok.contacts.begin(), ok.contacts[0]);
    ok.contacts[0].uri.user = "deskphone";
    ok.contacts[0].params.Set("expires", "33");
    ok.expires = row.of_header;
    Answer(request, ok);
    const TimePoint answered = now;
    const auto life = std::chrono::seconds(row.seconds);
    Next(life);
    EXPECT_THAT(sent.front().at - answered, AllOf(Ge(life / 2), Le(life * 17 / 20 + 21ms)));
  }
}

TEST_F(RegistrationsTest, A423IsObeyedOnce) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  auto request = Next();
  sip::Message brief = ResponseTo(request, 423);
  brief.extra = {{"Min-Expires", "1800"}};
  Answer(request, brief);
  request = Next();
  EXPECT_EQ(request.request.expires, 1800u);
  brief.extra = {{"Min-Expires", "3600"}};
  Answer(request, brief);
  EXPECT_TRUE(Quiet(Registrations::kFirstRetry / 2 - 1ms));
}

TEST_F(RegistrationsTest, FailuresAreRetriedLessAndLessOften) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  Duration most = Registrations::kFirstRetry;
  auto request = Next();
  for (int i = 0; i < 12; ++i) {
    const TimePoint failed = now;
    if (i % 2 == 0) {
      Answer(request, 500);
    } else {
      registrations->OnAnswered(request.account, 503, nullptr, now);
    }
    sent.clear();
    while (sent.empty()) Wait(100ms);
    EXPECT_THAT(sent.front().at - failed, AllOf(Ge(most / 2), Le(most + 21ms))) << i;
    request = sent.front().request;
    most = std::min(2 * most, Registrations::kLastRetry);
  }
  Answer(request, 200);
  EXPECT_EQ(registrations->gauges().registered, 1u);
}

TEST_F(RegistrationsTest, APbxMaySayWhenToComeBack) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  const auto request = Next();
  sip::Message busy = ResponseTo(request, 503);
  busy.extra = {{"Retry-After", "120 (maintenance)"}};
  Answer(request, busy);
  EXPECT_TRUE(Quiet(120s - 1ms));
  Next(30s);
}

TEST_F(RegistrationsTest, APageThatIsLoadedAgainChangesNothing) {
  Register();
  registrations->SetPresent("user0", false, now);
  EXPECT_TRUE(Quiet(Registrations::kGrace - 1ms));
  registrations->SetPresent("user0", true, now);
  EXPECT_TRUE(Quiet(1min));
  EXPECT_EQ(registrations->gauges().registered, 1u);
}

TEST_F(RegistrationsTest, TheLastBrowserGoneUnregisters) {
  Register();
  registrations->SetPresent("user0", false, now);
  EXPECT_TRUE(Quiet(Registrations::kGrace - 1ms));
  auto leaving = Next();
  EXPECT_EQ(leaving.request.expires, 0u);
  EXPECT_EQ(leaving.request.contacts.at(0).uri, registrations->account(0).contact);
  Answer(leaving, Challenge(leaving));
  leaving = Next();
  EXPECT_EQ(leaving.request.expires, 0u);
  EXPECT_EQ(leaving.request.authorizations.size(), 1u);
  Answer(leaving, 200);
  EXPECT_EQ(registrations->gauges().registered, 0u);
  EXPECT_EQ(registrations->gauges().under_way, 0u);
  EXPECT_TRUE(Quiet(1h));
}

TEST_F(RegistrationsTest, OneRegisterAtATime) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  auto request = Next();
  // It goes, and comes, and goes, while the PBX thinks.
  registrations->SetPresent("user0", false, now);
  Wait(Registrations::kGrace);
  registrations->SetPresent("user0", true, now);
  registrations->SetPresent("user0", false, now);
  EXPECT_TRUE(Quiet(Registrations::kGrace));
  Answer(request, 200);
  request = Next();
  EXPECT_EQ(request.request.expires, 0u);
  registrations->SetPresent("user0", true, now);
  EXPECT_TRUE(Quiet(1s));
  Answer(request, 200);
  request = Next();
  EXPECT_EQ(request.request.expires, Registrations::kExpires);
  Answer(request, 200);
  EXPECT_EQ(registrations->gauges().registered, 1u);
}

TEST_F(RegistrationsTest, AUserWhoLeavesBeforeItsTurnIsNeverRegistered) {
  Make(1);
  registrations->SetPresent("user0", true, now);
  const auto request = Next();
  registrations->OnAnswered(0, 503, nullptr, now);
  registrations->SetPresent("user0", false, now);
  sent.clear();
  Wait(1h);
  EXPECT_LE(sent.size(), 2u) << "tries within the grace";
  EXPECT_EQ(registrations->next_timeout(), kNever);
}

TEST_F(RegistrationsTest, ALostConnectionIsAReasonToRegisterAgain) {
  Make(100);
  answers_at_once = true;
  for (size_t i = 0; i < 100; ++i) registrations->SetPresent(UserName(i), true, now);
  Wait(10s);
  EXPECT_EQ(registrations->gauges().registered, 100u);
  sent.clear();
  registrations->OnFlowLost(1, now);
  EXPECT_EQ(registrations->gauges().registered, 100u) << "another trunk";
  registrations->OnFlowLost(0, now);
  EXPECT_EQ(registrations->gauges().registered, 0u);
  const TimePoint lost = now;
  Wait(Registrations::kReconnectSpread + 3s);
  ASSERT_EQ(sent.size(), 100u);
  EXPECT_EQ(registrations->gauges().registered, 100u);
  EXPECT_GE(sent.back().at - lost, Registrations::kReconnectSpread * 3 / 4) << "a herd";
}

TEST_F(RegistrationsTest, AThousandBrowsersAtOnceArePaced) {
  constexpr size_t kUsers = 1000;
  Make(kUsers);
  answers_at_once = true;
  for (size_t i = 0; i < kUsers; ++i) registrations->SetPresent(UserName(i), true, now);
  Wait(22s);
  EXPECT_EQ(sent.size(), kUsers);
  EXPECT_EQ(registrations->gauges().registered, kUsers);
  EXPECT_LE(Peak(), 50u);

  // The refreshes of one life of a registration come over a third of it, not as they were sent.
  sent.clear();
  const TimePoint begin = now;
  Wait(600s);
  std::map<int64_t, size_t> by_minute;
  for (const Sent& one : sent) ++by_minute[(one.at - begin) / 1min];
  EXPECT_GE(sent.size(), kUsers);
  for (const auto& [minute, count] : by_minute) EXPECT_LT(count, kUsers * 2 / 5) << minute;
  EXPECT_LE(Peak(), 50u);
  Wait(1h);
  EXPECT_LE(Peak(), 50u);
  EXPECT_EQ(registrations->gauges().registered, kUsers);

  // The connection breaks: once more all of them.
  sent.clear();
  registrations->OnFlowLost(0, now);
  Wait(30s);
  EXPECT_EQ(registrations->gauges().registered, kUsers);
  EXPECT_LE(Peak(), 50u);
}

TEST_F(RegistrationsTest, WhatAnswersChallengesIsPacedAsWell) {
  constexpr size_t kUsers = 200;
  Make(kUsers);
  for (size_t i = 0; i < kUsers; ++i) registrations->SetPresent(UserName(i), true, now);
  size_t answered = 0;
  for (const TimePoint end = now + 9s; now < end;) {
    Wait(1ms);
    for (; answered < sent.size(); ++answered) {
      const auto request = sent[answered].request;
      if (request.request.authorizations.empty()) {
        Answer(request, Challenge(request));
      } else {
        Answer(request, 200);
      }
    }
  }
  EXPECT_EQ(sent.size(), 2 * kUsers);
  EXPECT_EQ(registrations->gauges().registered, kUsers);
  EXPECT_LE(Peak(), 50u);
}

TEST_F(RegistrationsTest, AtTheEndAllAreUnregisteredInTurn) {
  Make(3);
  answers_at_once = true;
  registrations->SetPresent("user0", true, now);
  registrations->SetPresent("user2", true, now);
  Wait(1s);
  sent.clear();
  registrations->UnregisterAll(now);
  EXPECT_EQ(registrations->gauges().under_way, 2u);
  Wait(1s);
  ASSERT_EQ(sent.size(), 2u);
  for (const Sent& one : sent) EXPECT_EQ(one.request.request.expires, 0u);
  EXPECT_EQ(registrations->gauges().under_way, 0u);
  EXPECT_EQ(registrations->next_timeout(), kNever);
}

}  // namespace
}  // namespace lastmile::trunk
