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

}  // namespace
}  // namespace lastmile::sip
