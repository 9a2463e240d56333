#include <gmock/gmock.h>

#include "tests/unit/gateway/sip/ua_support.h"

// Two user agents against each other: calls as a whole, and every race that two ends can have.
namespace lastmile::sip {
namespace {

using ::testing::ElementsAre;

class PairTest : public ::testing::Test {
 protected:
  // The call of `from` up to the peer's IncomingInvite.
  void Place(TestUa& from, TestUa& to) {
    ours = from.ua.Invite(flow, MakeInvite(), pair.now);
    pair.Run();
    theirs = to.Take<IncomingInvite>().dialog;
  }
  void Ring() {
    pair.b.ua.RespondInvite(theirs, 180, {}, pair.now);
    pair.Run();
    EXPECT_EQ(pair.a.Take<InviteProgress>().response.status, 180);
  }
  void Answer() {
    pair.b.ua.RespondInvite(theirs, 200, Body("answer"), pair.now);
    pair.Run();
    EXPECT_EQ(pair.a.Take<InviteAccepted>().response.body, "answer");
    pair.a.ua.Ack(ours, {}, pair.now);
    pair.Run();
    EXPECT_EQ(pair.b.Take<InviteAcked>().dialog, theirs);
  }
  void Establish() {
    Place(pair.a, pair.b);
    Answer();
  }

  Pair pair;
  FlowId flow = pair.Connect();
  DialogId ours;    // at a
  DialogId theirs;  // at b
};

TEST_F(PairTest, CallEndedByCaller) {
  Place(pair.a, pair.b);
  Ring();
  Answer();
  pair.a.ua.Bye(ours, {.headers = {{"Reason", "Q.850;cause=16"}}}, pair.now);
  pair.Run();
  const auto ended = pair.b.Take<DialogEnded>();
  EXPECT_EQ(ended.dialog, theirs);
  EXPECT_EQ(ended.end, DialogEnd::kBye);
  EXPECT_EQ(ended.reason_header, "Q.850;cause=16");
  EXPECT_THAT(pair.log, ElementsAre("> INVITE", "< 100 INVITE", "< 180 INVITE", "< 200 INVITE",
                                    "> ACK", "> BYE", "< 200 BYE"));
  ExpectNothingLeft(pair);  // at once, no timer needed
}

TEST_F(PairTest, CallEndedByCallee) {
  Establish();
  pair.b.ua.Bye(theirs, {}, pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<DialogEnded>().dialog, ours);
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, CancelWhileRinging) {
  Place(pair.a, pair.b);
  Ring();
  pair.a.ua.Cancel(ours, {.headers = {{"Reason", "SIP;cause=200"}}}, pair.now);
  pair.Run();
  EXPECT_EQ(pair.b.Take<InviteCancelled>().reason_header, "SIP;cause=200");
  EXPECT_EQ(pair.a.Take<InviteRejected>().status, 487);
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, RegisterAndOptions) {
  for (const char* method : {"REGISTER", "OPTIONS"}) {
    Message request;
    request.method = method;
    request.request_uri = MakeUri("", "b.example");
    request.from = request.to = MakeAddr("alice", "a.example");
    const ClientRequestId id = pair.a.ua.SendRequest(flow, request, pair.now);
    pair.Run();
    const auto incoming = pair.b.Take<IncomingRequest>();
    EXPECT_EQ(incoming.request.method, method);
    EXPECT_FALSE(incoming.dialog);
    pair.b.ua.Respond(incoming.id, 200, {}, pair.now);
    pair.Run();
    const auto answered = pair.a.Take<RequestAnswered>();
    EXPECT_EQ(answered.id, id);
    EXPECT_EQ(answered.status, 200);
    EXPECT_FALSE(answered.response->to.tag().empty());
  }
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, EarlyMediaThenAnswer) {
  Place(pair.a, pair.b);
  pair.b.ua.RespondInvite(theirs, 183, Body("early"), pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<InviteProgress>().response.body, "early");
  Answer();
}

TEST_F(PairTest, ChallengedInvite) {
  InviteRequest invite = MakeInvite();
  invite.account = pair.a.ua.AddAccount({"u", "p"});
  ours = pair.a.ua.Invite(flow, std::move(invite), pair.now);
  pair.Run();
  theirs = pair.b.Take<IncomingInvite>().dialog;
  pair.b.ua.RespondInvite(theirs, 401,
                          {.headers = {{"WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\""}}},
                          pair.now);
  pair.Run();
  const auto second = pair.b.Take<IncomingInvite>();
  EXPECT_EQ(second.request.cseq.number, 2u);
  ASSERT_EQ(second.request.authorizations.size(), 1u);
  EXPECT_EQ(*second.request.authorizations[0].params.Find("username"), "u");
  theirs = second.dialog;
  Answer();
  pair.a.ua.Bye(ours, {}, pair.now);
  pair.Run();
  pair.b.Take<DialogEnded>();
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, Redirect) {
  Place(pair.a, pair.b);
  pair.b.ua.RespondInvite(theirs, 302, {.headers = {{"Contact", "<sip:601@b.example>"}}}, pair.now);
  pair.Run();
  const auto rejected = pair.a.Take<InviteRejected>();
  EXPECT_EQ(rejected.status, 302);
  ASSERT_EQ(rejected.response->contacts.size(), 1u);
  EXPECT_EQ(rejected.response->contacts[0].uri.user, "601");
  ExpectNothingLeft(pair);  // reported, never followed
}

// --- races: what both sides do before Run() crosses on the way ---

TEST_F(PairTest, CancelCrossesSuccess) {
  Place(pair.a, pair.b);
  Ring();
  pair.a.ua.Cancel(ours, {}, pair.now);
  pair.b.ua.RespondInvite(theirs, 200, Body("answer"), pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<InviteRejected>().status, 487);
  EXPECT_EQ(pair.b.Take<InviteAcked>().dialog, theirs);
  EXPECT_EQ(pair.b.Take<DialogEnded>().end, DialogEnd::kBye);
  pair.Advance(32s);  // a fork could have answered as well
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, CancelCrossesFailure) {
  Place(pair.a, pair.b);
  Ring();
  pair.a.ua.Cancel(ours, {}, pair.now);
  pair.b.ua.RespondInvite(theirs, 486, {}, pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<InviteRejected>().status, 486);
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, CancelBeforeAnythingCameBack) {
  ours = pair.a.ua.Invite(flow, MakeInvite(), pair.now);
  pair.a.ua.Cancel(ours, {}, pair.now);
  pair.Run();
  pair.b.Take<IncomingInvite>();
  pair.b.Take<InviteCancelled>();
  EXPECT_EQ(pair.a.Take<InviteRejected>().status, 487);
  EXPECT_THAT(pair.log, ElementsAre("> INVITE", "< 100 INVITE", "> CANCEL", "< 200 CANCEL",
                                    "< 487 INVITE", "> ACK"));
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, ByeCrossesBye) {
  Establish();
  pair.a.ua.Bye(ours, {}, pair.now);
  pair.b.ua.Bye(theirs, {}, pair.now);
  pair.Run();
  EXPECT_THAT(std::vector(pair.log.end() - 4, pair.log.end()),
              ElementsAre("> BYE", "< BYE", "< 200 BYE", "> 200 BYE"));
  ExpectNothingLeft(pair);  // neither hears of it
}

TEST_F(PairTest, CalleeHangsUpBeforeTheAck) {
  Place(pair.a, pair.b);
  pair.b.ua.RespondInvite(theirs, 200, Body("answer"), pair.now);
  pair.b.ua.Bye(theirs, {}, pair.now);
  pair.Run();
  pair.a.Take<InviteAccepted>();
  EXPECT_TRUE(pair.a.Quiet());  // no BYE yet
  pair.a.ua.Ack(ours, {}, pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<DialogEnded>().dialog, ours);
  EXPECT_THAT(std::vector(pair.log.end() - 3, pair.log.end()),
              ElementsAre("> ACK", "< BYE", "> 200 BYE"));
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, CallerNeverAcks) {
  Place(pair.a, pair.b);
  pair.b.ua.RespondInvite(theirs, 200, Body("answer"), pair.now);
  pair.Run();
  pair.a.Take<InviteAccepted>();
  pair.Advance(32s);
  EXPECT_EQ(pair.b.Take<DialogEnded>().end, DialogEnd::kNoAck);
  EXPECT_EQ(pair.a.Take<DialogEnded>().end, DialogEnd::kBye);
  EXPECT_EQ(std::ranges::count(pair.log, "< 200 INVITE"), 11);
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, SuccessSentAgainBeforeTheAck) {
  Place(pair.a, pair.b);
  pair.b.ua.RespondInvite(theirs, 200, Body("answer"), pair.now);
  pair.Advance(1500ms);
  pair.a.Take<InviteAccepted>();
  pair.a.ua.Ack(ours, {}, pair.now);
  pair.Pump();
  pair.Advance(0s);
  pair.b.Take<InviteAcked>();
  EXPECT_EQ(std::ranges::count(pair.log, "< 200 INVITE"), 3);
  pair.Advance(60s);
  EXPECT_EQ(std::ranges::count(pair.log, "> ACK"), 1);  // the others came before Ack()
}

TEST_F(PairTest, ReinviteInfoUpdate) {
  Establish();
  for (const char* method : {"INVITE", "INFO", "UPDATE"}) {
    for (const bool caller : {true, false}) {
      TestUa& from = caller ? pair.a : pair.b;
      TestUa& to = caller ? pair.b : pair.a;
      const ClientRequestId request =
          from.ua.SendInDialog(caller ? ours : theirs, method, Body("new"), pair.now);
      pair.Run();
      const auto incoming = to.Take<IncomingRequest>();
      EXPECT_EQ(incoming.dialog, caller ? theirs : ours);
      EXPECT_EQ(incoming.request.body, "new");
      to.ua.Respond(incoming.id, 200, Body("done"), pair.now);
      pair.Run();
      const auto answered = from.Take<RequestAnswered>();
      EXPECT_EQ(answered.id, request);
      EXPECT_EQ(answered.response->body, "done");
      if (std::string_view(method) == "INVITE") to.Take<InviteAcked>();
    }
  }
  pair.a.ua.Bye(ours, {}, pair.now);
  pair.Run();
  pair.b.Take<DialogEnded>();
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, Glare) {
  Establish();
  pair.a.ua.SendInDialog(ours, "INVITE", Body("a"), pair.now);
  pair.b.ua.SendInDialog(theirs, "INVITE", Body("b"), pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<RequestAnswered>().status, 491);
  EXPECT_EQ(pair.b.Take<RequestAnswered>().status, 491);
  EXPECT_TRUE(pair.a.Quiet());
  // One of them tries again.
  pair.b.ua.SendInDialog(theirs, "INVITE", Body("b"), pair.now);
  pair.Run();
  pair.a.ua.Respond(pair.a.Take<IncomingRequest>().id, 200, Body("x"), pair.now);
  pair.Run();
  EXPECT_EQ(pair.b.Take<RequestAnswered>().status, 200);
  pair.a.Take<InviteAcked>();
}

TEST_F(PairTest, ByeCrossesReinvite) {
  Establish();
  pair.a.ua.SendInDialog(ours, "INVITE", Body("a"), pair.now);
  pair.b.ua.Bye(theirs, {}, pair.now);
  pair.Run();
  EXPECT_EQ(pair.a.Take<DialogEnded>().dialog, ours);
  EXPECT_EQ(pair.a.Take<RequestAnswered>().status, 481);
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, DuplicatesChangeNothing) {
  Establish();
  const auto sent = pair.sent();
  for (const auto& [from_a, message] : sent) {
    (from_a ? pair.b : pair.a).ua.OnMessage(flow, message, pair.now);
  }
  pair.Run();
  // The INVITE's transaction ended with its ACK, so that its copy is a new call; all else is known.
  const DialogId copy = pair.b.Take<IncomingInvite>().dialog;
  pair.b.ua.RespondInvite(copy, 486, {}, pair.now);
  pair.Advance(32s);
  EXPECT_TRUE(pair.a.Quiet());
  EXPECT_TRUE(pair.b.Quiet());
  pair.a.ua.Bye(ours, {}, pair.now);
  pair.Run();
  pair.b.Take<DialogEnded>();
  ExpectNothingLeft(pair);
}

TEST_F(PairTest, SpoofedByeOfAnotherOwner) {
  Establish();
  const FlowId stranger = pair.ConnectStranger(pair.b);
  pair.a.ua.Bye(ours, {}, pair.now);
  pair.Pump();
  const Message bye = pair.sent().back().second;  // the exact one, seen by him first
  pair.b.ua.OnMessage(stranger, bye, pair.now);
  const auto answer = pair.b.ua.TakeOutgoing();
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].message.status, 481);
  EXPECT_TRUE(pair.b.Quiet());
  pair.Run();
  pair.b.Take<DialogEnded>();
  ExpectNothingLeft(pair);
}

// --- loss of the flow after every single delivery of a whole call ---

// The caller of both sides: answers, ACKs and hangs up whatever the events ask for.
class AutoCall {
 public:
  explicit AutoCall(Pair& pair) : pair_(pair) {}

  void React() {
    for (TestUa* side : {&pair_.a, &pair_.b}) {
      side->Collect();
      for (; !side->events.empty(); side->events.pop_front()) On(*side, side->events.front());
    }
    pair_.Pump();
  }
  void HangUp() {
    for (const auto& [side, id] : up_) side->ua.Bye(id, {}, pair_.now);
    pair_.Pump();
  }

  bool reached_end = false;

 private:
  void On(TestUa& side, const UserAgentEvent& event) {
    UserAgent& ua = side.ua;
    const TimePoint now = pair_.now;
    if (const auto* invite = std::get_if<IncomingInvite>(&event)) {
      ua.RespondInvite(invite->dialog, 183, Body("early"), now);
      ua.RespondInvite(invite->dialog, 200, Body("answer"), now);
      up_.emplace_back(&side, invite->dialog);
    } else if (const auto* accepted = std::get_if<InviteAccepted>(&event)) {
      ua.Ack(accepted->dialog, {}, now);
      ua.SendInDialog(accepted->dialog, "INVITE", Body("hold"), now);
      up_.emplace_back(&side, accepted->dialog);
    } else if (const auto* request = std::get_if<IncomingRequest>(&event)) {
      ua.Respond(request->id, 200, Body("held"), now);
    } else if (const auto* answered = std::get_if<RequestAnswered>(&event)) {
      if (answered->status == 200) ua.Bye(answered->dialog, {}, now);
    } else if (std::holds_alternative<DialogEnded>(event)) {
      reached_end = true;
    }
  }

  Pair& pair_;
  std::vector<std::pair<TestUa*, DialogId>> up_;
};

TEST(PairFlowLoss, AtEveryStep) {
  bool whole_call = false;
  int steps = 0;
  for (; !whole_call; ++steps) {
    ASSERT_LT(steps, 50);
    SCOPED_TRACE("flow lost after " + std::to_string(steps) + " messages");
    Pair pair;
    const FlowId flow = pair.Connect();
    AutoCall call(pair);
    pair.a.ua.Invite(flow, MakeInvite(), pair.now);
    pair.Pump();
    for (int i = 0; i < steps; ++i) {
      if (!pair.Deliver(flow)) whole_call = true;
      call.React();
    }
    EXPECT_EQ(call.reached_end, whole_call || pair.log.back() == "< 200 BYE");
    pair.Disconnect(flow);
    call.React();
    pair.Advance(32s);
    call.React();
    call.HangUp();
    pair.Advance(64s);
    call.React();
    ExpectNothingLeft(pair);
  }
  EXPECT_EQ(steps, 13);  // none to eleven messages, and once more: there are no others
}

}  // namespace
}  // namespace lastmile::sip
