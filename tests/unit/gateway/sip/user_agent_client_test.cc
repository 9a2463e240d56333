#include <gmock/gmock.h>

#include "tests/unit/gateway/sip/ua_support.h"

// Our requests against a scripted peer.
namespace lastmile::sip {
namespace {

using ::testing::ElementsAre;

class ClientTest : public ::testing::Test {
 protected:
  void Call() {
    InviteRequest request = MakeInvite();
    request.extras.headers = {{"Supported", "timer, replaces"}, {"Session-Expires", "1800"}};
    id = t.ua.Invite(t.flow, std::move(request), t.now);
    invite = t.Sent("INVITE");
  }
  void Receive(int status, const char* tag = "fork") {
    t.Receive(Solo::Answer(invite, status, tag));
  }
  // Accepted and ACKed.
  void Establish() {
    Call();
    Receive(200);
    t.Take<InviteAccepted>();
    t.ua.Ack(id, {}, t.now);
    t.Sent("ACK");
  }
  void ExpectRejected(int status) {
    const auto rejected = t.Take<InviteRejected>();
    EXPECT_EQ(rejected.dialog, id);
    EXPECT_EQ(rejected.status, status);
  }
  // BYE is the next thing sent; the peer accepts it.
  void FinishBye() { t.Receive(Solo::Answer(t.Sent("BYE"), 200)); }

  Solo t;
  DialogId id;
  Message invite;
};

TEST_F(ClientTest, InviteIsComplete) {
  Call();
  EXPECT_EQ(invite.request_uri, MakeUri("600", "b.example"));
  EXPECT_FALSE(invite.from.tag().empty());
  EXPECT_TRUE(invite.to.tag().empty());
  EXPECT_FALSE(invite.call_id.empty());
  EXPECT_EQ(invite.cseq, (CSeq{1, "INVITE"}));
  EXPECT_EQ(invite.max_forwards, 70u);
  ASSERT_EQ(invite.vias.size(), 1u);
  EXPECT_EQ(invite.vias[0].transport, "TCP");
  EXPECT_EQ(invite.vias[0].sent_by, "gw.example:5060");
  EXPECT_TRUE(invite.vias[0].branch().starts_with("z9hG4bK"));
  ASSERT_EQ(invite.contacts.size(), 1u);
  EXPECT_EQ(invite.contacts[0].uri, MakeUri("gw", "gw.example"));
  EXPECT_EQ(invite.allow, TestOptions().allow);
  EXPECT_THAT(invite.supported, ElementsAre("timer", "replaces"));
  EXPECT_EQ(*invite.FindExtra("Session-Expires"), "1800");
  EXPECT_EQ(*invite.FindExtra("User-Agent"), "Lastmile");
  EXPECT_EQ(invite.content_type, "application/sdp");
  EXPECT_EQ(invite.body, "offer");
}

TEST_F(ClientTest, TheHeadOfAnInviteIsMeasuredBeforeItIsSent) {
  InviteRequest request;
  request.request_uri = MakeUri("600", "b.example");
  request.from = MakeAddr("alice", "gw.example");
  request.to = MakeAddr("600", "b.example");
  request.extras = Body(std::string(1500, 'x'));
  const size_t head = t.ua.InviteHeadBytes(t.flow, request);
  t.ua.Invite(t.flow, std::move(request), t.now);
  EXPECT_EQ(Print(t.Sent("INVITE")).size(), head + 1500);
  EXPECT_EQ(t.ua.InviteHeadBytes({999}, {}), 0u);
}

TEST_F(ClientTest, ProgressIsReportedBut100IsNot) {
  Call();
  Receive(100, "");
  Receive(180, "");  // without a tag: no dialog, but progress
  Receive(183);
  EXPECT_EQ(t.Take<InviteProgress>().response.status, 180);
  EXPECT_EQ(t.Take<InviteProgress>().response.status, 183);
  EXPECT_TRUE(t.Silent());
}

TEST_F(ClientTest, NobodyAnswers) {
  Call();
  t.Advance(32s);
  const auto rejected = t.Take<InviteRejected>();
  EXPECT_EQ(rejected.status, 408);
  EXPECT_FALSE(rejected.response);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, ARejectedCallIsPlacedAgainUnderItsId) {
  Call();
  EXPECT_FALSE(t.ua.InviteAgain(id, t.flow, MakeInvite(), t.now)) << "it is under way";
  Receive(503);
  t.Sent("ACK");
  ExpectRejected(503);
  const Message first = invite;
  EXPECT_FALSE(t.ua.InviteAgain(id, FlowId{99}, MakeInvite(), t.now)) << "there is no such flow";
  ASSERT_TRUE(t.ua.InviteAgain(id, t.flow, MakeInvite(), t.now));
  invite = t.Sent("INVITE");
  EXPECT_NE(invite.call_id, first.call_id);
  EXPECT_NE(invite.vias[0].branch(), first.vias[0].branch());
  Receive(200);
  EXPECT_EQ(t.Take<InviteAccepted>().dialog, id);
  t.ua.Ack(id, {}, t.now);
  t.Sent("ACK");
}

TEST_F(ClientTest, WhatIsGivenUpIsOverAtOnceAndItsLateSuccessIsHungUp) {
  Call();
  EXPECT_TRUE(t.ua.IsUnheard(id));
  t.ua.GiveUp(id, t.now);
  ExpectRejected(408);
  EXPECT_FALSE(t.ua.IsUnheard(id));
  Receive(200);
  t.Sent("ACK");
  FinishBye();
  EXPECT_TRUE(t.Quiet());
  t.RunTimers(t.now + 64 * 500ms);
  EXPECT_EQ(t.ua.gauges().dialogs, 0U);
}

TEST_F(ClientTest, ACallThatWasHeardOfIsNotGivenUp) {
  Call();
  Receive(100, "");
  EXPECT_FALSE(t.ua.IsUnheard(id));
  t.ua.GiveUp(id, t.now);
  EXPECT_TRUE(t.Quiet());
}

TEST_F(ClientTest, EveryFailureEndsTheUsage) {
  for (int status : {300, 302, 404, 480, 486, 488, 491, 500, 503, 603, 699}) {
    Call();
    Receive(status);
    EXPECT_EQ(t.Sent("ACK").vias, invite.vias);
    const auto rejected = t.Take<InviteRejected>();
    EXPECT_EQ(rejected.status, status);
    EXPECT_EQ(rejected.response->contacts.size(), 1u);
    EXPECT_TRUE(t.Empty());
    t.ua.Cancel(id, {}, t.now);
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(ClientTest, AChallengeToACallWithoutAnAccountIsAFailure) {
  Call();
  Receive(401);
  t.Sent("ACK");
  const auto rejected = t.Take<InviteRejected>();
  EXPECT_EQ(rejected.status, 401);
  EXPECT_EQ(rejected.challenge_fault, "there is no account to answer with");
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, AcceptAckBye) {
  Call();
  Message ok = Solo::Answer(invite, 200);
  ok.record_routes.push_back(MakeAddr("", "proxy.example"));
  ok.record_routes.back().uri.params.Set("lr", "");
  t.Receive(ok);
  EXPECT_EQ(t.Take<InviteAccepted>().response.status, 200);
  t.Receive(ok);
  EXPECT_TRUE(t.Silent());  // the caller has not ACKed yet
  t.ua.Ack(id, Body("late answer"), t.now);
  const Message ack = t.Sent("ACK");
  EXPECT_EQ(ack.request_uri, MakeUri("bob", "contact.example"));
  EXPECT_EQ(ack.cseq, (CSeq{1, "ACK"}));
  EXPECT_EQ(ack.to.tag(), "fork");
  EXPECT_EQ(ack.routes, ok.record_routes);
  EXPECT_EQ(ack.body, "late answer");
  EXPECT_NE(ack.vias, invite.vias);
  t.ua.Ack(id, {}, t.now);
  EXPECT_TRUE(t.Silent());
  t.Receive(ok);  // the ACK was too slow
  EXPECT_EQ(t.Sent("ACK"), ack);
  t.ua.Bye(id, {.headers = {{"Reason", "Q.850;cause=16"}}}, t.now);
  const Message bye = t.Sent("BYE");
  EXPECT_EQ(bye.cseq.number, 2u);
  EXPECT_EQ(*bye.FindExtra("Reason"), "Q.850;cause=16");
  EXPECT_EQ(t.ua.gauges().dialogs, 1u);
  t.Receive(Solo::Answer(bye, 200));
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, ByeWithoutAnswerEndsAfterTimerF) {
  Establish();
  t.ua.Bye(id, {}, t.now);
  t.Sent("BYE");
  t.Advance(31s);
  EXPECT_EQ(t.ua.gauges().dialogs, 1u);
  t.Advance(1s);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, ByeBeforeAckSendsBoth) {
  Call();
  Receive(200);
  t.Take<InviteAccepted>();
  t.ua.Bye(id, {}, t.now);
  t.Sent("ACK");
  FinishBye();
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, PeersByeBeforeOurAck) {
  Call();
  Receive(200);
  t.Take<InviteAccepted>();
  Message bye = MakePeerRequest("BYE", 1, "z9hG4bKb", invite.from.tag());
  bye.call_id = invite.call_id;
  bye.from.params.Set("tag", "fork");
  t.Receive(bye);
  t.Sent(200);
  t.Sent("ACK");
  EXPECT_EQ(t.Take<DialogEnded>().end, DialogEnd::kBye);
  EXPECT_TRUE(t.Empty());
}

// --- forks ---

TEST_F(ClientTest, EveryForkRingsAndTheFirstSuccessDecides) {
  Call();
  Receive(180, "a");
  Receive(183, "b");
  Receive(180, "c");
  EXPECT_EQ(t.Take<InviteProgress>().response.to.tag(), "a");
  EXPECT_EQ(t.Take<InviteProgress>().response.to.tag(), "b");
  EXPECT_EQ(t.Take<InviteProgress>().response.to.tag(), "c");
  Receive(200, "b");
  EXPECT_EQ(t.Take<InviteAccepted>().response.to.tag(), "b");
  Receive(200, "c");
  EXPECT_EQ(t.Sent("ACK").to.tag(), "c");
  const Message bye = t.Sent("BYE");
  EXPECT_EQ(bye.to.tag(), "c");
  t.Receive(Solo::Answer(bye, 200, "c"));
  t.ua.Ack(id, {}, t.now);
  EXPECT_EQ(t.Sent("ACK").to.tag(), "b");
  Receive(200, "c");  // again: its ACK only
  EXPECT_EQ(t.Sent("ACK").to.tag(), "c");
  Receive(180, "a");
  EXPECT_TRUE(t.Silent());
  // The call ends before the last fork answers.
  t.ua.Bye(id, {}, t.now);
  FinishBye();
  Receive(200, "a");
  EXPECT_EQ(t.Sent("ACK").to.tag(), "a");
  FinishBye();
  EXPECT_EQ(t.ua.gauges().dialogs, 1u);
  t.Advance(32s);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, AForkThatAnswersAfterTheCallIsToldToo) {
  Call();
  Receive(200, "a");
  t.Take<InviteAccepted>();
  t.ua.Ack(id, {}, t.now);
  t.Sent("ACK");
  t.ua.Bye(id, {}, t.now);
  FinishBye();
  EXPECT_EQ(t.ua.gauges().dialogs, 0u);
  t.Advance(40s);
  Receive(200, "b");
  const Message ack = t.Sent("ACK");
  EXPECT_EQ(ack.to.tag(), "b");
  EXPECT_EQ(ack.from.tag(), invite.from.tag());
  EXPECT_EQ(ack.cseq, (CSeq{1, "ACK"}));
  const Message bye = t.Sent("BYE");
  EXPECT_EQ(bye.to.tag(), "b");
  EXPECT_EQ(bye.cseq, (CSeq{2, "BYE"}));
  t.Receive(Solo::Answer(bye, 200, "b"));
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, ASuccessThatAnswersNothingOfOursIsNotAcknowledged) {
  Call();
  Message stray = Solo::Answer(invite, 200, "b");
  stray.vias.front().sent_by = "somebody.example";
  stray.vias.front().params.Set("branch", "z9hG4bKother");
  t.Receive(stray);
  EXPECT_TRUE(t.Silent());
}

TEST_F(ClientTest, ForksAreBounded) {
  Call();
  for (int i = 0; i < 100; ++i) Receive(180, ("t" + std::to_string(i)).c_str());
  t.Collect();
  EXPECT_EQ(t.events.size(), 100u);
  t.events.clear();
  for (int i = 0; i < 100; ++i) Receive(200, ("t" + std::to_string(i)).c_str());
  EXPECT_EQ(t.Take<InviteAccepted>().response.to.tag(), "t0");
  EXPECT_LE(t.ua.TakeOutgoing().size(), 2 * 17u);
}

TEST_F(ClientTest, RequestsInAnEarlyDialogGoToTheForkHeardLast) {
  Call();
  Receive(183, "a");
  Receive(183, "b");
  Receive(180, "a");
  for (int i = 0; i < 3; ++i) t.Take<InviteProgress>();
  const ClientRequestId request =
      t.ua.SendInDialog(id, "PRACK", {.headers = {{"RAck", "1 1 INVITE"}}}, t.now);
  const Message prack = t.Sent("PRACK");
  EXPECT_EQ(prack.to.tag(), "a");
  EXPECT_EQ(prack.cseq.number, 2u);
  t.Receive(Solo::Answer(prack, 200));
  EXPECT_EQ(t.Take<RequestAnswered>().id, request);
}

// --- CANCEL ---

TEST_F(ClientTest, CancelWaitsForAProvisionalResponse) {
  Call();
  t.ua.Cancel(id, {.headers = {{"Reason", "SIP;cause=200"}}}, t.now);
  t.ua.Cancel(id, {}, t.now);
  EXPECT_TRUE(t.Silent());
  Receive(100, "");
  const Message cancel = t.Sent("CANCEL");
  EXPECT_EQ(cancel.vias, invite.vias);
  EXPECT_EQ(cancel.cseq, (CSeq{1, "CANCEL"}));
  EXPECT_EQ(*cancel.FindExtra("Reason"), "SIP;cause=200");
  Receive(180);
  EXPECT_TRUE(t.Silent());  // no second CANCEL, no progress
  t.Receive(Solo::Answer(cancel, 200));
  Receive(487);
  t.Sent("ACK");
  ExpectRejected(487);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, CancelCrossesEveryFinalResponse) {
  struct Row {
    int final;
    int reported;
  };
  for (const Row row : {Row{486, 486}, Row{603, 603}, Row{401, 487}, Row{407, 487}}) {
    Call();
    Receive(180);
    t.Take<InviteProgress>();
    t.ua.Cancel(id, {}, t.now);
    const Message cancel = t.Sent("CANCEL");
    Receive(row.final);
    t.Sent("ACK");
    ExpectRejected(row.reported);
    t.Receive(Solo::Answer(cancel, 481));
    EXPECT_TRUE(t.Empty()) << row.final;
  }
}

TEST_F(ClientTest, CancelCrossesSuccess) {
  Call();
  Receive(180);
  t.Take<InviteProgress>();
  t.ua.Cancel(id, {}, t.now);
  const Message cancel = t.Sent("CANCEL");
  Receive(200);
  ExpectRejected(487);
  t.Sent("ACK");
  FinishBye();
  t.Receive(Solo::Answer(cancel, 200));
  // Another fork crossed as well.
  Receive(200, "other");
  EXPECT_EQ(t.Sent("ACK").to.tag(), "other");
  FinishBye();
  t.Advance(32s);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, CancelAfterSuccessIsStillACancel) {
  for (bool seen : {false, true}) {
    Call();
    Receive(200);
    if (seen) t.Take<InviteAccepted>();
    t.ua.Cancel(id, {}, t.now);
    t.Sent("ACK");
    FinishBye();
    ExpectRejected(487);
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(ClientTest, CancelThatNobodyAnswers) {
  Call();
  Receive(180);
  t.Take<InviteProgress>();
  t.Advance(60s);
  t.ua.Cancel(id, {}, t.now);
  t.Sent("CANCEL");
  t.Advance(32s - 1ns);
  EXPECT_TRUE(t.Silent());
  t.Advance(1ns);
  ExpectRejected(487);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, CancelledInviteThatNobodyAnswersAtAll) {
  Call();
  t.ua.Cancel(id, {}, t.now);
  t.Advance(32s);
  ExpectRejected(408);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, RingTimeoutCancels) {
  Call();
  Receive(180);
  t.Take<InviteProgress>();
  t.Advance(180s - 1ns);
  EXPECT_TRUE(t.Silent());
  t.Advance(1ns);
  const Message cancel = t.Sent("CANCEL");
  ExpectRejected(408);
  t.Receive(Solo::Answer(cancel, 200));
  Receive(487);
  t.Sent("ACK");
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, RingTimeoutAndASuccessThatCrosses) {
  Call();
  Receive(180);
  t.Take<InviteProgress>();
  t.Advance(180s);
  ExpectRejected(408);
  const Message cancel = t.Sent("CANCEL");
  Receive(200);
  t.Sent("ACK");
  FinishBye();
  t.Receive(Solo::Answer(cancel, 200));
  t.Advance(32s);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, RingTimeoutAndSilence) {
  Call();
  Receive(180);
  t.Take<InviteProgress>();
  t.Advance(180s);
  ExpectRejected(408);
  t.Sent("CANCEL");
  t.Advance(32s);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, CalleeThatSendsByeWhileRingingIsCancelled) {
  Call();
  Receive(180);
  t.Take<InviteProgress>();
  Message bye = MakePeerRequest("BYE", 1, "z9hG4bKb", invite.from.tag());
  bye.call_id = invite.call_id;
  bye.from.params.Set("tag", "fork");
  t.Receive(bye);
  t.Sent(200);
  const Message cancel = t.Sent("CANCEL");
  t.Receive(Solo::Answer(cancel, 200));
  Receive(487);
  t.Sent("ACK");
  ExpectRejected(487);
  EXPECT_TRUE(t.Empty());
}

// --- other requests ---

TEST_F(ClientTest, RequestInDialog) {
  Establish();
  const ClientRequestId info = t.ua.SendInDialog(id, "INFO", Body("dtmf"), t.now);
  const Message sent = t.Sent("INFO");
  EXPECT_EQ(sent.cseq, (CSeq{2, "INFO"}));
  EXPECT_TRUE(sent.contacts.empty());
  EXPECT_EQ(sent.body, "dtmf");
  t.Receive(Solo::Answer(sent, 415));
  const auto answered = t.Take<RequestAnswered>();
  EXPECT_EQ(answered.id, info);
  EXPECT_EQ(answered.dialog, id);
  EXPECT_EQ(answered.status, 415);
  t.ua.SendInDialog(id, "INFO", {}, t.now);
  t.Sent("INFO");
  t.Advance(32s);
  const auto late = t.Take<RequestAnswered>();
  EXPECT_EQ(late.status, 408);
  EXPECT_FALSE(late.response);
}

TEST_F(ClientTest, UpdateMovesTheTarget) {
  Establish();
  t.ua.SendInDialog(id, "UPDATE", {}, t.now);
  const Message update = t.Sent("UPDATE");
  EXPECT_EQ(update.contacts.size(), 1u);
  Message ok = MakeResponse(update, 200, "", "");
  ok.contacts.push_back(MakeAddr("moved", "far.example"));
  t.Receive(ok);
  t.Take<RequestAnswered>();
  t.ua.Bye(id, {}, t.now);
  EXPECT_EQ(t.Sent("BYE").request_uri, MakeUri("moved", "far.example"));
}

TEST_F(ClientTest, ReinviteWithOfferIsAckedInside) {
  Establish();
  const ClientRequestId request = t.ua.SendInDialog(id, "INVITE", Body("hold"), t.now);
  const Message reinvite = t.Sent("INVITE");
  EXPECT_EQ(reinvite.cseq.number, 2u);
  EXPECT_EQ(reinvite.contacts.size(), 1u);
  t.Receive(Solo::Answer(reinvite, 100));
  const ClientRequestId second = t.ua.SendInDialog(id, "INVITE", {}, t.now);
  const auto busy = t.Take<RequestAnswered>();
  EXPECT_EQ(busy.id, second);
  EXPECT_EQ(busy.status, 491);
  t.Receive(Solo::Answer(reinvite, 200));
  const Message ack = t.Sent("ACK");
  EXPECT_EQ(ack.cseq, (CSeq{2, "ACK"}));
  EXPECT_EQ(t.Take<RequestAnswered>().id, request);
  t.Receive(Solo::Answer(reinvite, 200));
  EXPECT_EQ(t.Sent("ACK"), ack);
  EXPECT_TRUE(t.Silent());
  t.ua.Bye(id, {}, t.now);
  FinishBye();
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, ReinviteWithoutOfferOwesAck) {
  Establish();
  t.ua.SendInDialog(id, "INVITE", {}, t.now);
  const Message reinvite = t.Sent("INVITE");
  t.Receive(Solo::Answer(reinvite, 200));
  EXPECT_EQ(t.Take<RequestAnswered>().status, 200);
  EXPECT_TRUE(t.Silent());
  t.ua.Ack(id, Body("answer"), t.now);
  const Message ack = t.Sent("ACK");
  EXPECT_EQ(ack.cseq.number, 2u);
  EXPECT_EQ(ack.body, "answer");
}

TEST_F(ClientTest, ReinviteRefusedOrUnanswered) {
  Establish();
  t.ua.SendInDialog(id, "INVITE", Body("hold"), t.now);
  t.Receive(Solo::Answer(t.Sent("INVITE"), 491));
  t.Sent("ACK");
  EXPECT_EQ(t.Take<RequestAnswered>().status, 491);
  t.ua.SendInDialog(id, "INVITE", Body("hold"), t.now);
  t.Sent("INVITE");
  t.Advance(32s);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 408);
  EXPECT_EQ(t.ua.FlowOf(id), t.flow);  // the dialog is still there
}

TEST_F(ClientTest, ReinviteThatStaysProvisional) {
  for (const bool peer_hangs_up : {false, true}) {
    Establish();
    t.ua.SendInDialog(id, "INVITE", Body("hold"), t.now);
    const Message reinvite = t.Sent("INVITE");
    t.Receive(Solo::Answer(reinvite, 100));
    t.Advance(100s);
    if (peer_hangs_up) {
      Message bye = MakePeerRequest("BYE", 1, "z9hG4bKb", invite.from.tag());
      bye.call_id = invite.call_id;
      bye.from.params.Set("tag", "fork");
      t.Receive(bye);
      t.Sent(200);
      t.Take<DialogEnded>();
    }
    t.Advance((peer_hangs_up ? 32s : 80s) - 1ns);
    EXPECT_TRUE(t.Silent());
    t.Advance(1ns);
    EXPECT_EQ(t.Take<RequestAnswered>().status, 408);
    const Message cancel = t.Sent("CANCEL");
    EXPECT_EQ(cancel.vias, reinvite.vias);
    t.Receive(Solo::Answer(cancel, 200));
    if (!peer_hangs_up) {
      t.ua.Bye(id, {}, t.now);
      FinishBye();
    }
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(ClientTest, RequestsThatCannotBeSentAreAnswered) {
  t.ua.SendInDialog(DialogId{99}, "INFO", {}, t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 481);
  Call();
  t.ua.SendInDialog(id, "INFO", {}, t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 481);  // nobody there yet
  Receive(200);
  t.Take<InviteAccepted>();
  t.ua.SendInDialog(id, "INVITE", {}, t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 491);  // Ack is owed
  t.ua.RemoveFlow(t.flow, t.now);
  t.ua.SendInDialog(id, "INFO", {}, t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 503);
  t.ua.SendRequest(t.flow, {}, t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 503);
  const DialogId dead = t.ua.Invite(t.flow, MakeInvite(), t.now);
  const auto rejected = t.Take<InviteRejected>();
  EXPECT_EQ(rejected.dialog, dead);
  EXPECT_EQ(rejected.status, 503);
}

TEST_F(ClientTest, RequestOutsideDialogsKeepsWhatItHas) {
  Message request;
  request.method = "REGISTER";
  request.request_uri = MakeUri("", "trunk.example");
  request.from = MakeAddr("me", "trunk.example", "mine");
  request.to = MakeAddr("me", "trunk.example");
  request.call_id = "kept";
  request.cseq.number = 41;
  t.ua.SendRequest(t.flow, request, t.now);
  const Message sent = t.Sent("REGISTER");
  EXPECT_EQ(sent.call_id, "kept");
  EXPECT_EQ(sent.cseq, (CSeq{41, "REGISTER"}));
  EXPECT_EQ(sent.from.tag(), "mine");
  EXPECT_EQ(sent.max_forwards, 70u);
  ASSERT_EQ(sent.vias.size(), 1u);
  EXPECT_TRUE(sent.contacts.empty());
  t.Receive(Solo::Answer(sent, 423));
  EXPECT_EQ(t.Take<RequestAnswered>().status, 423);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, LostFlowEndsWhatIsOpen) {
  Call();
  const DialogId calling = id;
  Call();
  Receive(180);
  t.Take<InviteProgress>();
  const DialogId ringing = id;
  Establish();
  t.ua.SendInDialog(id, "INFO", {}, t.now);
  t.Sent("INFO");
  t.ua.RemoveFlow(t.flow, t.now);
  const auto first = t.Take<InviteRejected>();
  EXPECT_EQ(first.dialog, calling);
  EXPECT_EQ(first.status, 503);
  EXPECT_FALSE(first.response);
  EXPECT_EQ(t.Take<InviteRejected>().dialog, ringing);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 503);
  EXPECT_TRUE(t.Silent());
  EXPECT_EQ(t.ua.gauges().dialogs, 1u);  // the confirmed one
  EXPECT_EQ(t.ua.gauges().transactions, 0u);
  EXPECT_FALSE(t.ua.FlowOf(id));
  t.ua.Bye(id, {}, t.now);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ClientTest, AckIsRepeatedOnTheNextFlow) {
  const FlowId next{2};
  for (bool acked_before : {false, true}) {
    t.ua.AddFlow(t.flow, MakeFlow("gw.example", 7));
    Call();
    Receive(200);
    t.Take<InviteAccepted>();
    if (acked_before) {
      t.ua.Ack(id, {}, t.now);
      t.Sent("ACK");
    }
    t.ua.RemoveFlow(t.flow, t.now);
    if (!acked_before) t.ua.Ack(id, {}, t.now);
    EXPECT_TRUE(t.Silent());
    t.ua.AddFlow(next, MakeFlow("next.example", 7));
    t.ua.BindFlow(id, next);
    const Message ack = t.Sent("ACK");
    EXPECT_EQ(t.last_flow, next);
    ASSERT_EQ(ack.vias.size(), 1u);
    EXPECT_EQ(ack.vias[0].sent_by, "next.example:5060");
    t.ua.BindFlow(id, next);
    EXPECT_TRUE(t.Silent());
    EXPECT_EQ(t.ua.FlowOf(id), next);
    t.ua.Bye(id, {}, t.now);
    const Message bye = t.Sent("BYE");
    EXPECT_EQ(t.last_flow, next);
    t.ReceiveOn(next, Solo::Answer(bye, 200));
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(ClientTest, ResponsesOfAStrangerAreDropped) {
  t.ua.AddFlow(FlowId{2}, MakeFlow("m.example", 8));
  Call();
  t.ReceiveOn(FlowId{2}, Solo::Answer(invite, 200));
  Message two_vias = Solo::Answer(invite, 200);
  two_vias.vias.push_back(two_vias.vias.front());
  t.Receive(two_vias);
  t.ReceiveOn(FlowId{77}, Solo::Answer(invite, 200));
  EXPECT_TRUE(t.Silent());
  // Another connection of the same owner will do.
  t.ua.AddFlow(FlowId{3}, MakeFlow("gw.example", 7));
  t.ReceiveOn(FlowId{3}, Solo::Answer(invite, 200));
  EXPECT_EQ(t.Take<InviteAccepted>().dialog, id);
}

}  // namespace
}  // namespace lastmile::sip
