#include <gmock/gmock.h>

#include "tests/unit/gateway/sip/ua_support.h"

// The requests of a scripted peer.
namespace lastmile::sip {
namespace {

using ::testing::ElementsAre;

class ServerTest : public ::testing::Test {
 protected:
  explicit ServerTest(UserAgentOptions options = TestOptions()) : t(std::move(options)) {}

  // A request of the peer with a branch of its own; in the dialog once there is one.
  Message Request(const char* method, uint32_t cseq) {
    Message request = MakePeerRequest(method, cseq, "z9hG4bK" + std::to_string(++branches_), tag);
    request.call_id = "call-" + std::to_string(calls_);
    return request;
  }
  void Ring() {
    tag.clear();
    ++calls_;
    invite = Request("INVITE", 1);
    t.Receive(invite);
    EXPECT_EQ(t.Sent(100).to.tag(), "");
    id = t.Take<IncomingInvite>().dialog;
  }
  void Answer() {
    t.ua.RespondInvite(id, 200, Body("answer"), t.now);
    ok = t.Sent(200);
    tag = ok.to.tag();
  }
  void Establish() {
    Ring();
    Answer();
    t.Receive(Request("ACK", 1));
    t.Take<InviteAcked>();
  }
  // Ends the dialog from the peer's side.
  void PeerHangsUp() {
    t.Receive(Request("BYE", 1000));
    t.Sent(200);
    t.Take<DialogEnded>();
    EXPECT_TRUE(t.Empty());
  }

  Solo t;
  DialogId id;
  std::string tag;  // ours
  Message invite;
  Message ok;

 private:
  int branches_ = 0;
  int calls_ = 0;
};

class ServerWithoutResendTest : public ServerTest {
 protected:
  static UserAgentOptions Options() {
    UserAgentOptions options = TestOptions();
    options.retransmit_2xx = false;
    return options;
  }
  ServerWithoutResendTest() : ServerTest(Options()) {}
};

class CrowdedServerTest : public ServerTest {
 protected:
  static UserAgentOptions Options() {
    UserAgentOptions options = TestOptions();
    options.max_transactions = 3;
    return options;
  }
  CrowdedServerTest() : ServerTest(Options()) {}
};

// --- responses ---

TEST_F(ServerTest, ResponsesAreComplete) {
  Ring();
  t.ua.RespondInvite(id, 183, Body("early"), t.now);
  const Message progress = t.Sent(183);
  EXPECT_EQ(progress.reason_phrase, "Session Progress");
  EXPECT_EQ(progress.vias, invite.vias);
  EXPECT_EQ(progress.from, invite.from);
  EXPECT_EQ(progress.call_id, invite.call_id);
  EXPECT_EQ(progress.cseq, invite.cseq);
  EXPECT_FALSE(progress.to.tag().empty());
  ASSERT_EQ(progress.contacts.size(), 1u);
  EXPECT_EQ(progress.contacts[0].uri, MakeUri("gw", "gw.example"));
  EXPECT_EQ(progress.body, "early");
  EXPECT_EQ(*progress.FindExtra("Server"), "Lastmile");
  t.ua.RespondInvite(id, 200, {.reason_phrase = "Fine", .headers = {{"Supported", "timer"}}},
                     t.now);
  const Message success = t.Sent(200);
  EXPECT_EQ(success.reason_phrase, "Fine");
  EXPECT_EQ(success.to, progress.to);
  EXPECT_EQ(success.contacts, progress.contacts);
  EXPECT_EQ(success.allow, TestOptions().allow);
  EXPECT_THAT(success.supported, ElementsAre("timer"));
  t.ua.RespondInvite(id, 486, {}, t.now);  // too late
  t.ua.RespondInvite(DialogId{99}, 200, {}, t.now);
  EXPECT_TRUE(t.Silent());
}

TEST_F(ServerTest, EveryFailureEndsTheUsage) {
  for (int status : {300, 302, 404, 480, 486, 488, 500, 603, 699}) {
    Ring();
    t.ua.RespondInvite(id, status, {}, t.now);
    const Message refused = t.Sent(status);
    EXPECT_FALSE(refused.to.tag().empty());
    EXPECT_TRUE(refused.contacts.empty());
    EXPECT_EQ(t.ua.gauges().dialogs, 0u);
    t.Receive(invite);
    EXPECT_EQ(t.Sent(), refused);
    Message ack = invite;
    ack.method = ack.cseq.method = "ACK";
    ack.to = refused.to;
    t.Receive(ack);
    EXPECT_TRUE(t.Empty()) << status;
  }
}

TEST_F(ServerTest, StatusOutsideItsRangeIsIgnored) {
  Ring();
  for (int status : {0, 100, 700, -1}) t.ua.RespondInvite(id, status, {}, t.now);
  t.Receive(Request("OPTIONS", 1));
  const auto options = t.Take<IncomingRequest>();
  for (int status : {0, 100, 700}) t.ua.Respond(options.id, status, {}, t.now);
  EXPECT_TRUE(t.Silent());
}

TEST_F(ServerTest, SuccessIsSentAgainUntilItsAck) {
  Ring();
  Answer();
  // T1 doubles up to T2: 0.5, 1.5, 3.5, 7.5, 11.5 ... seconds.
  for (Duration wait : {500ms, 1000ms, 2000ms, 4000ms, 4000ms}) {
    t.Advance(wait - 1ns);
    EXPECT_TRUE(t.Silent());
    t.Advance(1ns);
    EXPECT_EQ(t.Sent(), ok);
  }
  Message ack = Request("ACK", 1);
  ack.body = "late offer's answer";
  t.Receive(ack);
  EXPECT_EQ(t.Take<InviteAcked>().ack.body, "late offer's answer");
  t.Receive(ack);
  t.Advance(100s);
  EXPECT_TRUE(t.Silent());
  PeerHangsUp();
}

TEST_F(ServerTest, NoAckSendsBye) {
  Ring();
  Answer();
  t.Advance(32s);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(t.Sent(200), ok);
  const Message bye = t.Sent("BYE");
  EXPECT_EQ(bye.from.tag(), tag);
  EXPECT_EQ(bye.request_uri, MakeUri("bob", "contact.example"));
  t.Receive(Solo::Answer(bye, 200));
  t.Take<DialogEnded>();
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerWithoutResendTest, SuccessGoesOutOnceButTheDeadlineStays) {
  Ring();
  Answer();
  t.Advance(32s - 1ns);
  EXPECT_TRUE(t.Silent());
  t.Advance(1ns);
  EXPECT_EQ(t.Take<DialogEnded>().end, DialogEnd::kNoAck);
  t.Receive(Solo::Answer(t.Sent("BYE"), 200));
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, ByeWaitsForTheAck) {
  Ring();
  Answer();
  t.ua.Bye(id, {.headers = {{"Reason", "Q.850;cause=16"}}}, t.now);
  EXPECT_TRUE(t.Silent());
  t.Receive(Request("INFO", 2));
  t.Sent(481);  // gone already, but for the ACK
  t.Receive(Request("ACK", 1));
  const Message bye = t.Sent("BYE");
  EXPECT_EQ(*bye.FindExtra("Reason"), "Q.850;cause=16");
  t.Receive(Solo::Answer(bye, 200));
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, ByeWaitsForTheAckUntilTheDeadline) {
  Ring();
  Answer();
  t.ua.Bye(id, {}, t.now);
  t.Advance(32s);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(t.Sent(200), ok);
  t.Receive(Solo::Answer(t.Sent("BYE"), 200));
  EXPECT_TRUE(t.Empty());  // no event: the caller has ended it
}

TEST_F(ServerTest, PeersByeWhileOurByeWaitsForTheAck) {
  Ring();
  Answer();
  t.ua.Bye(id, {}, t.now);
  t.Receive(Request("BYE", 2));
  t.Sent(200);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, PeersByeBeforeItsAck) {
  Ring();
  Answer();
  PeerHangsUp();
}

TEST_F(ServerTest, ByesCross) {
  Establish();
  t.ua.Bye(id, {}, t.now);
  const Message ours = t.Sent("BYE");
  t.Receive(Request("BYE", 2));
  t.Sent(200);
  t.Receive(Solo::Answer(ours, 200));
  EXPECT_TRUE(t.Empty());
}

// --- CANCEL and early BYE ---

TEST_F(ServerTest, Cancel) {
  Ring();
  t.ua.RespondInvite(id, 180, {}, t.now);
  const Message ringing = t.Sent(180);
  Message cancel = invite;
  cancel.method = cancel.cseq.method = "CANCEL";
  cancel.SetExtra("Reason", "SIP;cause=200");
  t.Receive(cancel);
  EXPECT_EQ(t.Sent(200).cseq.method, "CANCEL");
  const Message terminated = t.Sent(487);
  EXPECT_EQ(terminated.cseq.method, "INVITE");
  EXPECT_EQ(terminated.to, ringing.to);
  const auto cancelled = t.Take<InviteCancelled>();
  EXPECT_EQ(cancelled.dialog, id);
  EXPECT_EQ(cancelled.reason_header, "SIP;cause=200");
  t.ua.RespondInvite(id, 200, {}, t.now);
  EXPECT_TRUE(t.Silent());
  t.Advance(32s);  // H
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, CancelAfterTheAnswer) {
  Ring();
  Answer();
  Message cancel = invite;
  cancel.method = cancel.cseq.method = "CANCEL";
  t.Receive(cancel);
  EXPECT_EQ(t.Sent(200).cseq.method, "CANCEL");
  EXPECT_TRUE(t.Silent());
  tag = ok.to.tag();
  t.Receive(Request("ACK", 1));
  t.Take<InviteAcked>();
}

TEST_F(ServerTest, CancelOfNothing) {
  t.Receive(Request("CANCEL", 1));
  t.Sent(481);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, ByeInAnEarlyDialog) {
  Ring();
  t.ua.RespondInvite(id, 180, {}, t.now);
  tag = t.Sent(180).to.tag();
  t.Receive(Request("BYE", 2));
  EXPECT_EQ(t.Sent(200).cseq.method, "BYE");
  EXPECT_EQ(t.Sent(487).cseq.method, "INVITE");
  t.Take<InviteCancelled>();
  t.Advance(32s);
  EXPECT_TRUE(t.Empty());
}

// --- what is refused before anybody looks at it ---

TEST_F(ServerTest, RefusedAtOnce) {
  struct Row {
    const char* name;
    const char* method;
    void (*change)(Message&);
    int status;
  };
  const Row rows[] = {
      {"no hops left", "OPTIONS", [](Message& m) { m.max_forwards = 0; }, 483},
      {"no hops left", "INVITE", [](Message& m) { m.max_forwards = 0; }, 483},
      {"extension", "INVITE",
       [](Message& m) {
         m.require = {"timer", "100rel", "x-foo"};
       },
       420},
      {"extension", "REGISTER",
       [](Message& m) {
         m.require = {"100rel", "x-foo"};
       },
       420},
      {"no dialog", "INVITE", [](Message& m) { m.to.params.Set("tag", "x"); }, 481},
      {"no dialog", "INFO", [](Message& m) { m.to.params.Set("tag", "x"); }, 481},
      {"no dialog", "BYE", [](Message& m) { m.to.params.Set("tag", "x"); }, 481},
      {"BYE outside", "BYE", [](Message&) {}, 481},
      {"no Contact", "INVITE", [](Message& m) { m.contacts.clear(); }, 400},
  };
  for (const Row& row : rows) {
    Message request = Request(row.method, 1);
    row.change(request);
    t.Receive(request);
    const Message response = t.Sent(row.status);
    EXPECT_FALSE(response.to.tag().empty());
    EXPECT_EQ(response.vias, request.vias);
    if (row.status == 420) {
      EXPECT_EQ(*response.FindExtra("Unsupported"), "100rel, x-foo");
    }
    EXPECT_TRUE(t.Empty()) << row.name << " " << row.method;
  }
}

TEST_F(ServerTest, KnownExtensionsAreTaken) {
  Message request = Request("REGISTER", 1);
  request.require = {"Timer", "replaces", "outbound", "path", "gruu"};
  t.Receive(request);
  t.Take<IncomingRequest>();
}

TEST_F(ServerTest, StrayAckIsDropped) {
  t.Receive(Request("ACK", 1));
  tag = "unknown";
  t.Receive(Request("ACK", 1));
  Establish();
  t.Receive(Request("ACK", 7));
  EXPECT_TRUE(t.Silent());
}

TEST_F(ServerTest, MergedRequest) {
  Ring();
  t.Receive(Request("INVITE", 1));  // the same call on another path
  t.Sent(482);
  EXPECT_TRUE(t.Silent());
}

TEST_F(ServerTest, MessageWithoutViaOrFlowIsDropped) {
  Message request = Request("OPTIONS", 1);
  t.ReceiveOn(FlowId{9}, request);
  request.vias.clear();
  t.Receive(request);
  EXPECT_TRUE(t.Empty());
}

TEST_F(CrowdedServerTest, NewRequestsAreToldToComeLater) {
  Establish();
  for (uint32_t i = 2; i <= 4; ++i) {
    t.Receive(Request("INFO", i));
    t.Take<IncomingRequest>();
  }
  t.Receive(Request("INFO", 5));
  EXPECT_NE(t.Sent(503).FindExtra("Retry-After"), nullptr);
  EXPECT_TRUE(t.Silent());
  EXPECT_EQ(t.ua.gauges().transactions, 3u);
  t.Receive(Request("BYE", 6));  // makes room
  t.Sent(200);
  for (int i = 0; i < 3; ++i) t.Sent(487);
  t.Take<DialogEnded>();
  EXPECT_TRUE(t.Empty());
}

// --- requests for the caller ---

TEST_F(ServerTest, RequestOutsideDialogs) {
  for (const char* method : {"REGISTER", "OPTIONS", "MESSAGE", "NOTIFY"}) {
    const Message request = Request(method, 1);
    t.Receive(request);
    const auto incoming = t.Take<IncomingRequest>();
    EXPECT_EQ(incoming.request, request);
    EXPECT_EQ(incoming.flow, t.flow);
    EXPECT_FALSE(incoming.dialog);
    t.Receive(request);
    EXPECT_TRUE(t.Silent());  // a duplicate
    t.ua.Respond(incoming.id, 405, {}, t.now);
    const Message response = t.Sent(405);
    EXPECT_EQ(response.allow, TestOptions().allow);
    EXPECT_FALSE(response.to.tag().empty());
    t.ua.Respond(incoming.id, 200, {}, t.now);
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(ServerTest, RequestNobodyAnswersIsForgotten) {
  Establish();
  t.Receive(Request("INFO", 2));
  const auto incoming = t.Take<IncomingRequest>();
  t.Advance(32s);
  t.ua.Respond(incoming.id, 200, {}, t.now);
  EXPECT_TRUE(t.Silent());
  PeerHangsUp();
}

TEST_F(ServerTest, CSeqMayStayButNotFall) {
  Establish();
  t.Receive(Request("INFO", 5));
  t.ua.Respond(t.Take<IncomingRequest>().id, 200, {}, t.now);
  t.Sent(200);
  t.Receive(Request("INFO", 4));
  t.Sent(500);
  t.Receive(Request("BYE", 3));
  t.Sent(500);
  t.Receive(Request("INFO", 5));
  EXPECT_EQ(t.Take<IncomingRequest>().dialog, id);
}

TEST_F(ServerTest, UpdateBeforeTheAnswer) {
  Ring();
  t.ua.RespondInvite(id, 183, {}, t.now);
  tag = t.Sent(183).to.tag();
  Message update = Request("UPDATE", 2);
  update.contacts = {MakeAddr("moved", "far.example")};
  t.Receive(update);
  const auto incoming = t.Take<IncomingRequest>();
  EXPECT_EQ(incoming.dialog, id);
  t.ua.Respond(incoming.id, 200, Body("answer"), t.now);
  const Message response = t.Sent(200);
  EXPECT_EQ(response.contacts.size(), 1u);
  EXPECT_EQ(response.to.tag(), tag);
  t.ua.SendInDialog(id, "UPDATE", {}, t.now);
  EXPECT_EQ(t.Sent("UPDATE").request_uri, MakeUri("moved", "far.example"));
}

TEST_F(ServerTest, RefusedTargetRefreshChangesNothing) {
  Establish();
  Message update = Request("UPDATE", 2);
  update.contacts = {MakeAddr("moved", "far.example")};
  t.Receive(update);
  t.ua.Respond(t.Take<IncomingRequest>().id, 488, {}, t.now);
  t.Sent(488);
  t.ua.Bye(id, {}, t.now);
  EXPECT_EQ(t.Sent("BYE").request_uri, MakeUri("bob", "contact.example"));
}

TEST_F(ServerTest, RequestsInOneDialogAreBounded) {
  Establish();
  for (uint32_t i = 2; i < 34; ++i) {
    t.Receive(Request("INFO", i));
    t.Take<IncomingRequest>();
  }
  t.Receive(Request("INFO", 34));
  t.Sent(503);
  EXPECT_TRUE(t.Silent());
}

// --- re-INVITE ---

TEST_F(ServerTest, ReinviteAnsweredAndAcked) {
  Establish();
  Message reinvite = Request("INVITE", 2);
  reinvite.contacts = {MakeAddr("moved", "far.example")};
  t.Receive(reinvite);
  t.Sent(100);
  const auto incoming = t.Take<IncomingRequest>();
  EXPECT_EQ(incoming.dialog, id);
  t.ua.Respond(incoming.id, 200, Body("answer"), t.now);
  const Message response = t.Sent(200);
  EXPECT_EQ(response.contacts.size(), 1u);
  t.Advance(500ms);
  EXPECT_EQ(t.Sent(), response);
  t.Receive(Request("ACK", 2));
  EXPECT_EQ(t.Take<InviteAcked>().dialog, id);
  t.ua.Bye(id, {}, t.now);
  const Message bye = t.Sent("BYE");
  EXPECT_EQ(bye.request_uri, MakeUri("moved", "far.example"));
  t.Receive(Solo::Answer(bye, 200));
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, ReinviteThatIsNeverAckedEndsTheDialog) {
  Establish();
  t.Receive(Request("INVITE", 2));
  t.Sent(100);
  t.ua.Respond(t.Take<IncomingRequest>().id, 200, {}, t.now);
  t.Advance(32s);
  EXPECT_EQ(t.Take<DialogEnded>().end, DialogEnd::kNoAck);
  t.Advance(32s);
  t.ua.TakeOutgoing();
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, SecondReinviteComesTooEarly) {
  Establish();
  t.Receive(Request("INVITE", 2));
  t.Sent(100);
  const auto first = t.Take<IncomingRequest>();
  t.Receive(Request("INVITE", 3));
  const Message later = t.Sent(500);
  ASSERT_NE(later.FindExtra("Retry-After"), nullptr);
  EXPECT_LE(std::stoi(*later.FindExtra("Retry-After")), 10);
  t.ua.SendInDialog(id, "INVITE", {}, t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 491);
  t.ua.Respond(first.id, 200, {}, t.now);
  t.Sent(200);
  t.Receive(Request("INVITE", 4));
  t.Sent(491);  // the ACK is missing
  t.Receive(Request("ACK", 2));
  t.Take<InviteAcked>();
  t.Receive(Request("INVITE", 4));  // again with the CSeq it had, as JsSIP does
  t.Sent(100);
  t.Take<IncomingRequest>();
}

TEST_F(ServerTest, SecondInviteWhileTheFirstIsUnanswered) {
  Ring();
  t.ua.RespondInvite(id, 180, {}, t.now);
  tag = t.Sent(180).to.tag();
  t.Receive(Request("INVITE", 2));
  t.Sent(500);
  EXPECT_TRUE(t.Silent());
}

TEST_F(ServerTest, GlareIsRefused) {
  Establish();
  t.ua.SendInDialog(id, "INVITE", Body("ours"), t.now);
  const Message ours = t.Sent("INVITE");
  t.Receive(Request("INVITE", 2));
  t.Sent(491);
  t.Receive(Solo::Answer(ours, 491, "theirs"));
  t.Sent("ACK");
  EXPECT_EQ(t.Take<RequestAnswered>().status, 491);
  t.Receive(Request("INVITE", 2));
  t.Sent(100);
  EXPECT_EQ(t.Take<IncomingRequest>().dialog, id);
}

TEST_F(ServerTest, ReinviteCancelledInside) {
  Establish();
  const Message reinvite = Request("INVITE", 2);
  t.Receive(reinvite);
  t.Sent(100);
  const auto incoming = t.Take<IncomingRequest>();
  Message cancel = reinvite;
  cancel.method = cancel.cseq.method = "CANCEL";
  t.Receive(cancel);
  t.Sent(200);
  t.Sent(487);
  t.ua.Respond(incoming.id, 200, {}, t.now);
  EXPECT_TRUE(t.Silent());
  t.Advance(32s);
  PeerHangsUp();
}

TEST_F(ServerTest, ByeAnswersWhatIsOpen) {
  for (bool ours : {false, true}) {
    Establish();
    t.Receive(Request("INVITE", 2));
    t.Sent(100);
    const auto incoming = t.Take<IncomingRequest>();
    if (ours) {
      t.ua.Bye(id, {}, t.now);
      t.Receive(Solo::Answer(t.Sent("BYE"), 200));
    } else {
      t.Receive(Request("BYE", 3));
      t.Sent(200);
      t.Take<DialogEnded>();
    }
    EXPECT_EQ(t.Sent(487).cseq, (CSeq{2, "INVITE"}));
    t.ua.Respond(incoming.id, 200, {}, t.now);
    t.Advance(32s);
    EXPECT_TRUE(t.Empty());
  }
}

// --- flows and owners ---

TEST_F(ServerTest, StrangerWithTheExactTagsGets481) {
  Establish();
  const FlowId mallory{2};
  t.ua.AddFlow(mallory, MakeFlow("m.example", 8));
  for (const char* method : {"BYE", "INVITE", "UPDATE", "INFO", "REFER"}) {
    t.ReceiveOn(mallory, Request(method, 2));
    t.Sent(481);
    EXPECT_EQ(t.last_flow, mallory);
  }
  EXPECT_TRUE(t.Silent());
  EXPECT_EQ(t.ua.FlowOf(id), t.flow);
  PeerHangsUp();  // the CSeqs he used up count for nothing
}

TEST_F(ServerTest, StrangerCannotAckOrCancel) {
  const FlowId mallory{2};
  t.ua.AddFlow(mallory, MakeFlow("m.example", 8));
  Ring();
  Message cancel = invite;
  cancel.method = cancel.cseq.method = "CANCEL";
  t.ReceiveOn(mallory, cancel);
  t.Sent(481);
  Answer();
  t.ReceiveOn(mallory, Request("ACK", 1));
  EXPECT_TRUE(t.Silent());
  t.Advance(500ms);
  t.Sent(200);  // still waits
}

TEST_F(ServerTest, FlowsWithoutOwnerAreStrangersToEachOther) {
  t.ua.AddFlow(t.flow, MakeFlow("gw.example", 0));
  t.ua.AddFlow(FlowId{2}, MakeFlow("gw.example", 0));
  Establish();
  t.ReceiveOn(FlowId{2}, Request("BYE", 2));
  t.Sent(481);
  PeerHangsUp();
}

TEST_F(ServerTest, OwnerLearntLaterKeepsWhatIsUnderWay) {
  t.ua.AddFlow(t.flow, MakeFlow("gw.example", 0));
  Ring();
  t.ua.AddFlow(t.flow, MakeFlow("gw.example", 9));
  Message cancel = invite;
  cancel.method = cancel.cseq.method = "CANCEL";
  t.Receive(cancel);
  t.Sent(200);
  t.Sent(487);
  t.Take<InviteCancelled>();
}

TEST_F(ServerTest, DialogMovesToTheNewestFlowOfItsOwner) {
  Establish();
  const FlowId next{2};
  t.ua.AddFlow(next, MakeFlow("next.example", 7));
  EXPECT_EQ(t.ua.FlowOf(id), t.flow);  // nothing came on it yet
  t.ReceiveOn(next, Request("INFO", 2));
  EXPECT_EQ(t.ua.FlowOf(id), next);
  t.Receive(Request("INFO", 3));  // was on its way on the old one
  EXPECT_EQ(t.ua.FlowOf(id), next);
  for (const FlowId on : {next, t.flow}) {
    t.ua.Respond(t.Take<IncomingRequest>().id, 200, {}, t.now);
    t.Sent(200);
    EXPECT_EQ(t.last_flow, on);
  }
  t.ua.RemoveFlow(t.flow, t.now);
  EXPECT_EQ(t.ua.FlowOf(id), next);
  t.ua.RemoveFlow(next, t.now);
  EXPECT_FALSE(t.ua.FlowOf(id));
  t.ua.BindFlow(id, FlowId{77});  // there is no such flow
  EXPECT_FALSE(t.ua.FlowOf(id));
  t.ua.AddFlow(FlowId{3}, MakeFlow("third.example", 7));
  t.ReceiveOn(FlowId{3}, Request("BYE", 4));
  t.Sent(200);
  t.Take<DialogEnded>();
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, LostFlowGivesUpUnansweredInvites) {
  Ring();
  const DialogId ringing = id;
  Establish();
  t.Receive(Request("INFO", 2));
  const auto incoming = t.Take<IncomingRequest>();
  t.Receive(Request("INVITE", 3));
  t.Sent(100);
  t.Take<IncomingRequest>();
  t.ua.RemoveFlow(t.flow, t.now);
  EXPECT_EQ(t.Take<InviteCancelled>().dialog, ringing);
  t.ua.Respond(incoming.id, 200, {}, t.now);
  EXPECT_TRUE(t.Silent());
  EXPECT_EQ(t.ua.gauges().dialogs, 1u);
  EXPECT_EQ(t.ua.gauges().transactions, 0u);
  // The re-INVITE it lost is no obstacle to the next one.
  t.ua.AddFlow(FlowId{2}, MakeFlow("gw.example", 7));
  t.ReceiveOn(FlowId{2}, Request("INVITE", 4));
  t.Sent(100);
  t.Take<IncomingRequest>();
}

TEST_F(ServerTest, LostFlowBeforeTheAck) {
  Ring();
  Answer();
  t.ua.RemoveFlow(t.flow, t.now);
  EXPECT_TRUE(t.Silent());
  t.Advance(10s);
  EXPECT_TRUE(t.Silent());
  const FlowId next{2};
  t.ua.AddFlow(next, MakeFlow("gw.example", 7));
  t.ua.BindFlow(id, next);
  t.Advance(4s);
  EXPECT_EQ(t.Sent(200), ok);
  EXPECT_EQ(t.last_flow, next);
  t.ReceiveOn(next, Request("ACK", 1));
  t.Take<InviteAcked>();
}

TEST_F(ServerTest, LostFlowAndNoAckEver) {
  Ring();
  Answer();
  t.ua.RemoveFlow(t.flow, t.now);
  t.Advance(32s);
  EXPECT_EQ(t.Take<DialogEnded>().end, DialogEnd::kNoAck);
  EXPECT_EQ(t.ua.gauges().dialogs, 1u);  // Bye is owed
  t.ua.Bye(id, {}, t.now);
  EXPECT_TRUE(t.Empty());
}

TEST_F(ServerTest, LostFlowWhileByeWaitsForTheAck) {
  Ring();
  Answer();
  t.ua.Bye(id, {}, t.now);
  t.ua.RemoveFlow(t.flow, t.now);
  t.Advance(32s);
  EXPECT_EQ(t.Take<DialogEnded>().end, DialogEnd::kNoAck);
  t.ua.Bye(id, {}, t.now);
  EXPECT_TRUE(t.Empty());
}

}  // namespace
}  // namespace lastmile::sip
