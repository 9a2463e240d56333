#include <gmock/gmock.h>

#include "tests/unit/gateway/sip/ua_support.h"

// Reliable provisional responses (RFC 3262), in both roles.
namespace lastmile::sip {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class PrackTest : public ::testing::Test {
 protected:
  void Use(Prack prack) {
    FlowInfo info = MakeFlow("gw.example", 7);
    info.prack = prack;
    t.ua.AddFlow(t.flow, std::move(info));
  }

  // --- as client ---
  void Call(Prack prack = Prack::kSupported) {
    Use(prack);
    id = t.ua.Invite(t.flow, MakeInvite(), t.now);
    invite = t.Sent("INVITE");
  }
  Message Reliable(int status, uint32_t rseq, const char* fork = "fork") const {
    Message response = Solo::Answer(invite, status, fork);
    response.require = {"100rel"};
    response.extra.push_back({"RSeq", std::to_string(rseq)});
    return response;
  }
  // The PRACK that is sent next.
  Message Pracked(uint32_t rseq, const char* fork = "fork") {
    Message prack = t.Sent("PRACK");
    EXPECT_EQ(*prack.FindExtra("RAck"), std::to_string(rseq) + " 1 INVITE");
    EXPECT_EQ(prack.to.tag(), fork);
    EXPECT_EQ(prack.request_uri, MakeUri("bob", "contact.example"));
    return prack;
  }

  // --- as server ---
  // A peer's INVITE; `list` is its Require or Supported.
  void Receive(Prack prack, const char* list, const char* sdp = "offer") {
    Use(prack);
    Message request = MakePeerRequest("INVITE", 1, "z9hG4bKinvite");
    (std::string(list) == "Require" ? request.require : request.supported) = {"100rel"};
    request.body = sdp;
    if (*sdp) request.content_type = "application/sdp";
    t.Receive(request);
    t.Sent(100);
    const auto incoming = t.Take<IncomingInvite>();
    id = incoming.dialog;
    reliable = incoming.reliable;
  }
  void Respond(int status, const char* sdp = "") {
    t.ua.RespondInvite(id, status, *sdp ? Body(sdp) : Extras{}, t.now);
  }
  // The reliable 18x that is sent next; its number.
  uint32_t SentReliably(int status) {
    const Message response = t.Sent(status);
    EXPECT_THAT(response.require, ElementsAre("100rel"));
    tag = response.to.tag();
    return static_cast<uint32_t>(std::stoul(*response.FindExtra("RSeq")));
  }
  Message MakePrack(uint32_t rseq, const std::string& rack_rest = " 1 INVITE") {
    ++cseq;
    Message prack = MakePeerRequest("PRACK", cseq, "z9hG4bKp" + std::to_string(cseq), tag);
    prack.extra.push_back({"RAck", std::to_string(rseq) + rack_rest});
    return prack;
  }
  void FinishBye() { t.Receive(Solo::Answer(t.Sent("BYE"), 200)); }

  Solo t;
  DialogId id;
  Message invite;
  bool reliable = false;
  std::string tag;
  uint32_t cseq = 1;
};

// --- as client ---

TEST_F(PrackTest, OurInviteSaysWhatTheFlowAsksFor) {
  Call(Prack::kNone);
  EXPECT_THAT(invite.supported, IsEmpty());
  EXPECT_THAT(invite.require, IsEmpty());
  EXPECT_THAT(invite.allow, Not(Contains("PRACK")));
  Call(Prack::kSupported);
  EXPECT_THAT(invite.supported, ElementsAre("100rel"));
  EXPECT_THAT(invite.allow, Contains("PRACK"));
  Call(Prack::kRequired);
  EXPECT_THAT(invite.require, ElementsAre("100rel"));
  EXPECT_THAT(invite.supported, IsEmpty());
}

TEST_F(PrackTest, AReliable18xIsAcknowledgedOnceAndReportedOnce) {
  Call();
  t.Receive(Reliable(183, 77));
  const Message prack = Pracked(77);
  EXPECT_EQ(prack.cseq, (CSeq{2, "PRACK"}));
  EXPECT_TRUE(prack.body.empty());
  EXPECT_EQ(t.Take<InviteProgress>().response.status, 183);
  t.Receive(Reliable(183, 77));  // sent again before our PRACK was there
  EXPECT_TRUE(t.Silent());
  t.Receive(Solo::Answer(prack, 200));
  t.Receive(Reliable(180, 78));
  Pracked(78);
  EXPECT_EQ(t.Take<InviteProgress>().response.status, 180);
  EXPECT_TRUE(t.Silent());
}

TEST_F(PrackTest, ANumberOutOfOrderIsIgnoredUntilTheMissingOneCame) {
  Call();
  t.Receive(Reliable(183, 5));
  Pracked(5);
  t.Take<InviteProgress>();
  t.Receive(Reliable(180, 7));
  EXPECT_TRUE(t.Silent());
  t.Receive(Reliable(181, 6));
  Pracked(6);
  t.Receive(Reliable(180, 7));
  Pracked(7);
  EXPECT_EQ(t.Take<InviteProgress>().response.status, 181);
  EXPECT_EQ(t.Take<InviteProgress>().response.status, 180);
}

TEST_F(PrackTest, EveryForkCountsForItself) {
  Call();
  t.Receive(Reliable(183, 10, "one"));
  Pracked(10, "one");
  t.Receive(Reliable(183, 500, "two"));
  Pracked(500, "two");
  t.Receive(Reliable(180, 11, "one"));
  EXPECT_EQ(Pracked(11, "one").cseq.number, 3u);
  for (int i = 0; i < 3; ++i) t.Take<InviteProgress>();
}

TEST_F(PrackTest, WithoutRseqOrWithoutRequireItIsAnOrdinary18x) {
  Call();
  t.Receive(Reliable(183, 0));
  Message odd = Solo::Answer(invite, 183);
  odd.extra.push_back({"RSeq", "4"});
  t.Receive(odd);
  t.Take<InviteProgress>();
  t.Take<InviteProgress>();
  EXPECT_TRUE(t.Silent());
}

TEST_F(PrackTest, TowardsABrowserNothingIsAcknowledged) {
  Call(Prack::kNone);
  t.Receive(Reliable(183, 3));
  t.Take<InviteProgress>();
  EXPECT_TRUE(t.Silent());
}

TEST_F(PrackTest, ARefusedOrUnansweredPrackChangesNothing) {
  for (const int status : {481, 500, 0}) {
    Call();
    t.Receive(Reliable(183, 1));
    const Message prack = Pracked(1);
    t.Take<InviteProgress>();
    if (status == 0) {
      t.Advance(33s);
    } else {
      t.Receive(Solo::Answer(prack, status));
    }
    EXPECT_TRUE(t.Silent()) << status;
    t.Receive(Solo::Answer(invite, 200));
    t.Take<InviteAccepted>();
    t.ua.Ack(id, {}, t.now);
    EXPECT_EQ(t.Sent("ACK").cseq.number, 1u);
    t.ua.Bye(id, {}, t.now);
    EXPECT_EQ(t.outgoing.size(), 0u);
    FinishBye();
    t.Advance(64s);
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(PrackTest, TheByeCountsOnBehindThePrack) {
  Call();
  t.Receive(Reliable(183, 1));
  t.Receive(Solo::Answer(Pracked(1), 200));
  t.Take<InviteProgress>();
  t.Receive(Solo::Answer(invite, 200));
  t.Take<InviteAccepted>();
  t.ua.Ack(id, {}, t.now);
  t.Sent("ACK");
  t.ua.Bye(id, {}, t.now);
  const Message bye = t.Sent("BYE");
  EXPECT_EQ(bye.cseq.number, 3u);
  t.Receive(Solo::Answer(bye, 200));
  EXPECT_TRUE(t.Empty());
}

TEST_F(PrackTest, A422IsObeyedOnceWithTheIntervalAskedFor) {
  InviteRequest request = MakeInvite();
  request.extras.headers = {{"Session-Expires", "1800"}, {"Min-SE", "90"}};
  id = t.ua.Invite(t.flow, std::move(request), t.now);
  invite = t.Sent("INVITE");
  Message refusal = Solo::Answer(invite, 422);
  refusal.extra.push_back({"Min-SE", "3600"});
  t.Receive(refusal);
  t.Sent("ACK");
  const Message second = t.Sent("INVITE");
  EXPECT_EQ(second.call_id, invite.call_id);
  EXPECT_EQ(second.cseq.number, 2u);
  EXPECT_EQ(*second.FindExtra("Session-Expires"), "3600");
  EXPECT_EQ(*second.FindExtra("Min-SE"), "3600");
  refusal = Solo::Answer(second, 422);
  refusal.extra.push_back({"Min-SE", "7200"});
  t.Receive(refusal);
  t.Sent("ACK");
  EXPECT_EQ(t.Take<InviteRejected>().status, 422);
  EXPECT_TRUE(t.Empty());
}

TEST_F(PrackTest, A422ThatAsksForNoMoreIsAFailure) {
  for (const char* asked : {"", "90", "1800"}) {
    InviteRequest request = MakeInvite();
    request.extras.headers = {{"Session-Expires", "1800"}};
    id = t.ua.Invite(t.flow, std::move(request), t.now);
    invite = t.Sent("INVITE");
    Message refusal = Solo::Answer(invite, 422);
    if (*asked) refusal.extra.push_back({"Min-SE", asked});
    t.Receive(refusal);
    t.Sent("ACK");
    EXPECT_EQ(t.Take<InviteRejected>().status, 422);
    EXPECT_TRUE(t.Empty());
  }
}

// --- as server ---

TEST_F(PrackTest, WhichInviteGetsReliable18x) {
  struct {
    Prack prack;
    const char* list;
    bool expected;
  } const kCases[] = {{Prack::kSupported, "Require", true},
                      {Prack::kSupported, "Supported", false},
                      {Prack::kRequired, "Require", true},
                      {Prack::kRequired, "Supported", true},
                      {Prack::kNone, "Supported", false}};
  for (const auto& c : kCases) {
    Receive(c.prack, c.list);
    EXPECT_EQ(reliable, c.expected);
    Respond(180);
    EXPECT_EQ(t.Sent(180).FindExtra("RSeq") != nullptr, c.expected);
    Respond(486);
    t.Sent(486);
    Message ack = MakePeerRequest("ACK", 1, "z9hG4bKinvite");
    t.Receive(ack);
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(PrackTest, WhatCannotBeAgreedOnIsRefused) {
  Use(Prack::kNone);
  Message request = MakePeerRequest("INVITE", 1, "z9hG4bKa");
  request.require = {"100rel"};
  t.Receive(request);
  EXPECT_EQ(*t.Sent(420).FindExtra("Unsupported"), "100rel");
  Use(Prack::kRequired);
  t.Receive(MakePeerRequest("INVITE", 2, "z9hG4bKb"));
  EXPECT_THAT(t.Sent(421).require, ElementsAre("100rel"));
  EXPECT_TRUE(t.Empty());
}

TEST_F(PrackTest, ItIsSentAgainWithDoublingPausesUntilThePrack) {
  Receive(Prack::kSupported, "Require");
  Respond(180);
  const uint32_t rseq = SentReliably(180);
  t.Advance(499ms);
  EXPECT_TRUE(t.Silent());
  for (const Duration pause : {1ms, 1000ms, 2000ms, 4000ms}) {
    t.Advance(pause);
    EXPECT_EQ(SentReliably(180), rseq);
    EXPECT_TRUE(t.Silent());
  }
  t.Receive(MakePrack(rseq));
  EXPECT_EQ(t.Sent(200).cseq.method, "PRACK");
  t.Advance(60s);
  EXPECT_TRUE(t.Silent());
}

TEST_F(PrackTest, WithoutAPrackTheInviteIsRefusedAfter64T1) {
  Receive(Prack::kSupported, "Require");
  Respond(180);
  t.Advance(32s);
  EXPECT_EQ(t.Take<InviteCancelled>().dialog, id);
  Message last;
  while (last.status < 200) last = t.Sent();
  EXPECT_EQ(last.status, 504);
  t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKinvite"));
  EXPECT_TRUE(t.Empty());
}

TEST_F(PrackTest, TheNextOneWaitsForThePrackOfTheOneBefore) {
  Receive(Prack::kSupported, "Require");
  Respond(180);
  Respond(181);
  Respond(182);
  const uint32_t first = SentReliably(180);
  EXPECT_TRUE(t.Silent());
  t.Receive(MakePrack(first));
  t.Sent(200);
  EXPECT_EQ(SentReliably(181), first + 1);
  EXPECT_TRUE(t.Silent());
  t.Receive(MakePrack(first + 1));
  t.Sent(200);
  EXPECT_EQ(SentReliably(182), first + 2);
}

TEST_F(PrackTest, APrackThatFitsNothingGets481) {
  Receive(Prack::kSupported, "Require");
  Respond(180);
  const uint32_t rseq = SentReliably(180);
  t.Receive(MakePrack(rseq + 1));
  t.Sent(481);
  for (const char* rest : {" 2 INVITE", " 1 UPDATE", " 1", "", " x INVITE", " 1 INVITE x"}) {
    t.Receive(MakePrack(rseq, rest));
    t.Sent(481);
  }
  Message without = MakePrack(rseq);
  without.extra.clear();
  t.Receive(without);
  t.Sent(481);
  t.Receive(MakePrack(rseq));
  t.Sent(200);
  t.Receive(MakePrack(rseq));  // once more
  t.Sent(481);
}

TEST_F(PrackTest, A200WaitsOnlyForADescription) {
  Receive(Prack::kSupported, "Require");
  Respond(180);
  const uint32_t rseq = SentReliably(180);
  Respond(200, "answer");
  t.Sent(200);
  t.Receive(MakePrack(rseq));  // was on its way
  EXPECT_EQ(t.Sent(200).cseq.method, "PRACK");
  t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKack", tag));
  t.Take<InviteAcked>();
  EXPECT_TRUE(t.Silent());
}

TEST_F(PrackTest, A200WaitsForThePrackOfAn18xWithADescription) {
  Receive(Prack::kSupported, "Require");
  Respond(183, "answer");
  const uint32_t rseq = SentReliably(183);
  Respond(180);  // pointless by then
  Respond(200, "answer");
  Respond(486);  // a second final one
  EXPECT_TRUE(t.Silent());
  t.Receive(MakePrack(rseq));
  EXPECT_EQ(t.Sent(200).cseq.method, "PRACK");
  EXPECT_EQ(t.Sent(200).cseq.method, "INVITE");
  t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKack", tag));
  t.Take<InviteAcked>();
  EXPECT_TRUE(t.Silent());
}

TEST_F(PrackTest, A200ThatWaitsIsTakenBackByBye) {
  Receive(Prack::kSupported, "Require");
  Respond(183, "answer");
  SentReliably(183);
  Respond(200, "answer");
  t.ua.Bye(id, {}, t.now);
  t.Sent(480);
  t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKinvite"));
  EXPECT_TRUE(t.Empty());
}

TEST_F(PrackTest, A200ThatWaitsDiesWithACancelAndWithoutAPrack) {
  for (const bool cancel : {true, false}) {
    Receive(Prack::kSupported, "Require");
    Respond(183, "answer");
    SentReliably(183);
    Respond(200, "answer");
    if (cancel) {
      t.Receive(MakePeerRequest("CANCEL", 1, "z9hG4bKinvite"));
      t.Sent(200);
      t.Sent(487);
    } else {
      t.Advance(32s);
      t.outgoing.clear();
      t.ua.TakeOutgoing();
    }
    EXPECT_EQ(t.Take<InviteCancelled>().dialog, id);
    t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKinvite"));
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(PrackTest, AFailureWaitsForNothing) {
  Receive(Prack::kSupported, "Require");
  Respond(183, "answer");
  SentReliably(183);
  Respond(486);
  t.Sent(486);
  t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKinvite"));
  EXPECT_TRUE(t.Empty());
}

TEST_F(PrackTest, TheAnswerToALateOfferReachesTheCallerBeforeThe200) {
  Receive(Prack::kSupported, "Require", "");
  Respond(180, "our offer");
  const uint32_t rseq = SentReliably(180);
  Respond(200);
  Message prack = MakePrack(rseq);
  prack.content_type = "application/sdp";
  prack.body = "their answer";
  t.Receive(prack);
  const auto answer = t.Take<IncomingRequest>();
  EXPECT_EQ(answer.dialog, id);
  EXPECT_EQ(answer.request.body, "their answer");
  EXPECT_TRUE(t.Silent());
  t.ua.Respond(answer.id, 200, {}, t.now);
  EXPECT_EQ(t.Sent(200).cseq.method, "PRACK");
  EXPECT_EQ(t.Sent(200).cseq.method, "INVITE");
  t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKack", tag));
  t.Take<InviteAcked>();
}

TEST_F(PrackTest, ADescriptionInThePrackOfAn18xWithoutOneGets488) {
  Receive(Prack::kSupported, "Require");
  Respond(180);
  Message prack = MakePrack(SentReliably(180));
  prack.content_type = "application/sdp";
  prack.body = "an offer too many";
  t.Receive(prack);
  t.Sent(488);
  EXPECT_TRUE(t.Silent());
}

// --- both ---

TEST(PrackPair, AllOfItBetweenTwoOfUs) {
  Pair pair;
  pair.prack_of_a = Prack::kSupported;
  pair.prack_of_b = Prack::kRequired;
  const FlowId flow = pair.Connect();
  const DialogId call = pair.a.ua.Invite(flow, MakeInvite(), pair.now);
  pair.Run();
  const auto incoming = pair.b.Take<IncomingInvite>();
  EXPECT_TRUE(incoming.reliable);
  pair.b.ua.RespondInvite(incoming.dialog, 183, Body("early"), pair.now);
  pair.b.ua.RespondInvite(incoming.dialog, 200, Body("early"), pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<InviteProgress>().response.body, "early");
  pair.a.Take<InviteAccepted>();
  pair.a.ua.Ack(call, {}, pair.now);
  pair.Run();
  pair.b.Take<InviteAcked>();
  EXPECT_THAT(pair.log, ElementsAre("> INVITE", "< 100 INVITE", "< 183 INVITE", "> PRACK",
                                    "< 200 PRACK", "< 200 INVITE", "> ACK"));
  pair.a.ua.Bye(call, {}, pair.now);
  pair.Run();
  pair.b.Take<DialogEnded>();
  pair.Advance(64s);
  ExpectNothingLeft(pair);
}

}  // namespace
}  // namespace lastmile::sip
