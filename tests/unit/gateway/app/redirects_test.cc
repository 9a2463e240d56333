#include "gateway/app/redirects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

sip::Message Moved(const std::vector<std::string>& contacts, int status = 302) {
  std::string text = "SIP/2.0 " + std::to_string(status) +
                     " Moved\r\n"
                     "Via: SIP/2.0/TCP gw.example;branch=z9hG4bKa\r\n"
                     "From: <sip:a@gw.example>;tag=1\r\nTo: <sip:600@acme.example>;tag=2\r\n"
                     "Call-ID: c\r\nCSeq: 1 INVITE\r\n";
  for (const std::string& contact : contacts) text += "Contact: " + contact + "\r\n";
  return *sip::Parse(text + "Content-Length: 0\r\n\r\n");
}

// Every number the targets lead to, then the sentence at the end.
std::vector<std::string> All(Redirects& targets) {
  SeededRandom random(1);
  const Router router({.routes = {{.name = "far", .to = "^9", .trunks = {{"other"}}},
                                  {.name = "all", .to = "^\\+?[0-9]+$", .trunks = {{"acme"}}}}},
                      nullptr, random);
  std::vector<std::string> all;
  for (;;) {
    auto number = targets.Next(router, {"alice", ""}, "acme");
    all.push_back(number ? *number : number.error());
    if (!number) return all;
  }
}
std::vector<std::string> All(const std::vector<std::string>& contacts) {
  Redirects targets("600");
  targets.Add(Moved(contacts));
  return All(targets);
}

TEST(Redirects, TargetsAreCalledInTheOrderOfTheirPreference) {
  auto numbers =
      All({"<sip:601@a.example>;q=0.2", "<sip:602@a.example>;q=0.9", "<sip:603@b.example>",
           "<sip:604@b.example>;q=0.9", "<sip:605@b.example>;q=none"});
  numbers.pop_back();
  EXPECT_EQ(numbers, (std::vector<std::string>{"603", "605", "602", "604", "601"}));
}

TEST(Redirects, OnlyTheUserPartCounts) {
  auto numbers = All({"<sips:%2B15551234@10.0.0.1:9999;transport=udp;maddr=203.0.113.1>",
                      "<tel:+15555678;npdi>", "Somebody <sip:602@evil.example?Route=%3Csip:x%3E>"});
  numbers.pop_back();
  EXPECT_EQ(numbers, (std::vector<std::string>{"+15551234", "+15555678", "602"}));
}

TEST(Redirects, WhatCannotBeCalledIsSaid) {
  EXPECT_THAT(All(std::vector<std::string>{}).at(0), HasSubstr("does not say where to"));
  EXPECT_THAT(All({"<sip:a.example>"}).at(0), HasSubstr("does not say where to"));
  EXPECT_THAT(All({"<mailto:a@b.example>"}).at(0), HasSubstr("does not say where to"));
  EXPECT_THAT(All({"<sip:600@other.example>"}).at(0), HasSubstr("tried already"));
  EXPECT_THAT(All({"<sip:premium@a.example>"}).at(0), HasSubstr("no route leads to"));
  EXPECT_THAT(All({"<sip:911@a.example>"}).at(0), HasSubstr("another trunk"));
}

TEST(Redirects, FiveTargetsAreTheMost) {
  Redirects targets("600");
  targets.Add(Moved({"<sip:1@a.example>", "<sip:2@a.example>", "<sip:2@a.example>",
                     "<sip:3@a.example>", "<sip:4@a.example>", "<sip:5@a.example>"}));
  EXPECT_EQ(All(targets).size(), 5u);
  targets.Add(Moved({"<sip:6@a.example>", "<sip:7@a.example>"}));
  const auto rest = All(targets);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0], "6");
  EXPECT_THAT(rest[1], HasSubstr("more often"));
}

// --- in a call ---

constexpr uint64_t kAlice = 1;

class RedirectedCallTest : public ::testing::Test {
 protected:
  static CallManagerOptions Options(bool follow) {
    CallManagerOptions options = GatewayInMemory::DefaultOptions();
    options.trunk.trunks[0].follow_redirects = follow;
    return options;
  }
  void Answer(const sip::Message& to, int status, const std::vector<std::string>& contacts = {}) {
    sip::Message response = gw.TrunkAnswer(to, status, "");
    response.to.params.Set("tag", "of-" + to.request_uri.user);
    response.contacts = Moved(contacts).contacts;
    gw.FromTrunk(response);
    const sip::Message ack = gw.ToTrunk();
    EXPECT_EQ(ack.method, "ACK");
    EXPECT_EQ(ack.call_id, to.call_id);
  }
  sip::Message Next(const std::string& number) {
    sip::Message invite = gw.ToTrunk();
    EXPECT_EQ(invite.method, "INVITE");
    EXPECT_EQ(invite.request_uri.user, number);
    EXPECT_EQ(invite.request_uri.host, "198.51.100.9");
    EXPECT_EQ(invite.to.uri.user, number);
    return invite;
  }
  void ExpectTheEnd(int status, int cause, const std::string& sentence) {
    const sip::Message final_answer = gw.ToBrowser(kAlice);
    EXPECT_EQ(final_answer.status, status);
    EXPECT_TRUE(final_answer.contacts.empty());
    EXPECT_THAT(*final_answer.FindExtra("Reason"), HasSubstr("cause=" + std::to_string(cause)));
    if (!sentence.empty()) {
      EXPECT_THAT(*final_answer.FindExtra("Warning"), HasSubstr(sentence));
    }
    EXPECT_THAT(sip::Print(final_answer), Not(HasSubstr("elsewhere")));
    EXPECT_TRUE(gw.TrunkIsQuiet());
    gw.Wait(70s);
    EXPECT_TRUE(gw.IsEmpty());
  }

  GatewayInMemory gw{Options(true)};
};

TEST_F(RedirectedCallTest, ATrunkWhoseRedirectsAreRefusedIsNotFollowed) {
  GatewayInMemory fresh(Options(false));
  std::swap(gw.now, fresh.now);
  const auto dialled = fresh.Dial(kAlice, "alice", "600");
  sip::Message response = fresh.TrunkAnswer(dialled.trunk_invite, 302, "");
  response.contacts = Moved({"<sip:601@elsewhere.example>"}).contacts;
  fresh.FromTrunk(response);
  EXPECT_EQ(fresh.ToTrunk().method, "ACK");
  EXPECT_TRUE(fresh.TrunkIsQuiet());
  const sip::Message final_answer = fresh.ToBrowser(kAlice);
  EXPECT_EQ(final_answer.status, 480);
  EXPECT_THAT(*final_answer.FindExtra("Reason"), HasSubstr("cause=302"));
  EXPECT_THAT(*final_answer.FindExtra("Warning"), HasSubstr("not followed"));
  EXPECT_THAT(sip::Print(final_answer), Not(HasSubstr("elsewhere")));
}

TEST_F(RedirectedCallTest, TheSecondNumberAnswersInADialogOfItsOwn) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  Answer(dialled.trunk_invite, 302, {"<sip:601@elsewhere.example>"});
  const sip::Message second = Next("601");
  EXPECT_NE(second.call_id, dialled.trunk_invite.call_id);
  EXPECT_NE(second.from.tag(), dialled.trunk_invite.from.tag());
  EXPECT_EQ(second.body, dialled.trunk_invite.body);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  EXPECT_EQ(gw.sessions.size(), 1u);
  gw.FromTrunk(gw.TrunkAnswer(second, 200, testing::TrunkSdp("0 101")));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
}

TEST_F(RedirectedCallTest, ANumberThatIsBusyIsFollowedByTheNextOne) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  Answer(dialled.trunk_invite, 300,
         {"<sip:602@elsewhere.example>;q=0.5", "<sip:601@elsewhere.example>"});
  Answer(Next("601"), 486);
  Answer(Next("602"), 480);
  ExpectTheEnd(480, 480, "");
}

TEST_F(RedirectedCallTest, WhoDeclinesForEverybodyIsTheLast) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  Answer(dialled.trunk_invite, 300, {"<sip:601@elsewhere.example>", "<sip:602@elsewhere.example>"});
  Answer(Next("601"), 603);
  ExpectTheEnd(603, 603, "");
}

TEST_F(RedirectedCallTest, ACircleEnds) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  Answer(dialled.trunk_invite, 301, {"<sip:601@elsewhere.example>"});
  Answer(Next("601"), 301, {"<sip:600@elsewhere.example>"});
  ExpectTheEnd(480, 301, "tried already");
}

TEST_F(RedirectedCallTest, ANumberWithoutARouteIsNotCalled) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  Answer(dialled.trunk_invite, 302, {"<sip:premium@elsewhere.example>"});
  ExpectTheEnd(480, 302, "no route leads to");
}

TEST_F(RedirectedCallTest, AProxyIsNotUsed) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  Answer(dialled.trunk_invite, 305, {"<sip:601@elsewhere.example>"});
  ExpectTheEnd(480, 305, "not followed");
}

TEST_F(RedirectedCallTest, WhoHangsUpMeanwhileIsNotRedirected) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  Answer(dialled.trunk_invite, 302, {"<sip:601@elsewhere.example>"});
  const sip::Message second = Next("601");
  gw.FromTrunk(gw.TrunkAnswer(second, 100, ""));
  sip::Message cancel = dialled.invite;
  cancel.method = cancel.cseq.method = "CANCEL";
  cancel.body.clear();
  cancel.content_type.clear();
  gw.FromBrowser(kAlice, cancel);
  const sip::Message at_trunk = gw.ToTrunk();
  EXPECT_EQ(at_trunk.method, "CANCEL");
  EXPECT_EQ(at_trunk.call_id, second.call_id);
  Answer(second, 302, {"<sip:602@elsewhere.example>"});
  EXPECT_TRUE(gw.TrunkIsQuiet());
}

}  // namespace
}  // namespace lastmile::app
