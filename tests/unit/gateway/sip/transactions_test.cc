#include "gateway/sip/transactions.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/sip/ua_support.h"

namespace lastmile::sip {
namespace {

constexpr uint64_t kOwner = 7;
constexpr uint64_t kStranger = 66;

// Every timer at two values of T1.
class TransactionsTest : public ::testing::TestWithParam<Duration> {
 protected:
  TimePoint At(int in_t1) const { return start + in_t1 * GetParam(); }
  // Nothing ends before `in_t1` times T1; `id` ends then.
  void ExpectEndsAt(TransactionId id, int in_t1) {
    EXPECT_EQ(layer.next_timeout(), At(in_t1));
    EXPECT_EQ(layer.PopExpired(At(in_t1) - 1ns), std::nullopt);
    EXPECT_EQ(layer.PopExpired(At(in_t1)), id);
    EXPECT_EQ(layer.size(), 0u);
    EXPECT_EQ(layer.next_timeout(), kNever);
  }
  Message TakeSent() {
    if (out.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return {};
    }
    Message message = out.front().message;
    EXPECT_EQ(out.front().flow, flow);
    out.erase(out.begin());
    return message;
  }

  Message Ours(const char* method) {
    Message request = MakePeerRequest(method, 1, "z9hG4bKours");
    request.vias.front().sent_by = "gw.example:5060";
    request.routes.push_back(MakeAddr("", "proxy.example"));
    return request;
  }
  TransactionId Send(const char* method) {
    const TransactionId id = layer.Send(flow, kOwner, Ours(method), start);
    EXPECT_EQ(TakeSent().method, method);
    return id;
  }
  TransactionId Accept(const Message& request) {
    EXPECT_FALSE(layer.Absorb(kOwner, request));
    return layer.Accept(flow, kOwner, request, start);
  }
  void Respond(TransactionId id, const Message& request, int status, TimePoint now) {
    layer.Respond(id, MakeResponse(request, status, "", "ours"), now);
  }

  const TimePoint start = TimePoint(1h);
  const FlowId flow{5};
  std::vector<OutgoingMessage> out;
  Transactions layer{GetParam(), out};
};

INSTANTIATE_TEST_SUITE_P(T1, TransactionsTest, ::testing::Values(Duration(500ms), Duration(10ms)));

// --- client INVITE ---

TEST_P(TransactionsTest, TimerBEndsAnUnansweredInvite) { ExpectEndsAt(Send("INVITE"), 64); }

TEST_P(TransactionsTest, ProvisionalResponseStopsTimerB) {
  const TransactionId id = Send("INVITE");
  EXPECT_EQ(layer.OnResponse(kOwner, MakeResponse(Ours("INVITE"), 100, "", ""), At(1)), id);
  EXPECT_EQ(layer.next_timeout(), kNever);
  EXPECT_EQ(layer.size(), 1u);
}

TEST_P(TransactionsTest, FailureIsAckedAndEndsTheInviteAtOnce) {
  const TransactionId id = Send("INVITE");
  const Message response = MakeResponse(Ours("INVITE"), 486, "", "theirs");
  EXPECT_EQ(layer.OnResponse(kOwner, response, At(1)), id);
  const Message ack = TakeSent();
  EXPECT_EQ(ack.method, "ACK");
  EXPECT_EQ(ack.vias, Ours("INVITE").vias);
  EXPECT_EQ(ack.cseq, (CSeq{1, "ACK"}));
  EXPECT_EQ(ack.to.tag(), "theirs");
  EXPECT_EQ(ack.request_uri, Ours("INVITE").request_uri);
  EXPECT_EQ(ack.routes, Ours("INVITE").routes);
  EXPECT_EQ(ack.max_forwards, 70u);
  EXPECT_EQ(layer.size(), 0u);  // D
  EXPECT_FALSE(layer.OnResponse(kOwner, response, At(2)));
  EXPECT_TRUE(out.empty());
}

TEST_P(TransactionsTest, EverySuccessIsNewsUntilTimerM) {
  const TransactionId id = Send("INVITE");
  const Message invite = Ours("INVITE");
  EXPECT_EQ(layer.OnResponse(kOwner, MakeResponse(invite, 200, "", "x"), start), id);
  EXPECT_EQ(layer.OnResponse(kOwner, MakeResponse(invite, 200, "", "y"), At(1)), id);
  EXPECT_FALSE(layer.OnResponse(kOwner, MakeResponse(invite, 180, "", "z"), At(1)));
  EXPECT_FALSE(layer.OnResponse(kOwner, MakeResponse(invite, 486, "", "z"), At(1)));
  EXPECT_TRUE(out.empty());  // the ACK is the caller's
  ExpectEndsAt(id, 64);
  EXPECT_FALSE(layer.OnResponse(kOwner, MakeResponse(invite, 200, "", "x"), At(65)));
}

TEST_P(TransactionsTest, CancelCopiesTheInvite) {
  const TransactionId id = Send("INVITE");
  const auto cancel = layer.MakeCancel(id);
  ASSERT_TRUE(cancel);
  const Message& m = cancel->message;
  EXPECT_EQ(cancel->flow, flow);
  EXPECT_EQ(m.method, "CANCEL");
  EXPECT_EQ(m.cseq, (CSeq{1, "CANCEL"}));
  EXPECT_EQ(m.vias, Ours("INVITE").vias);
  EXPECT_EQ(m.routes, Ours("INVITE").routes);
  EXPECT_EQ(m.to, Ours("INVITE").to);
  // The same branch, two transactions.
  const TransactionId second = layer.Send(flow, kOwner, m, start);
  EXPECT_EQ(layer.OnResponse(kOwner, MakeResponse(m, 200, "", "t"), At(1)), second);
  EXPECT_EQ(layer.OnResponse(kOwner, MakeResponse(Ours("INVITE"), 180, "", "t"), At(1)), id);
  EXPECT_FALSE(layer.MakeCancel(second));
}

// --- client non-INVITE ---

TEST_P(TransactionsTest, TimerFEndsARequest) { ExpectEndsAt(Send("OPTIONS"), 64); }

TEST_P(TransactionsTest, TimerFGoesOnAfterAProvisionalResponse) {
  const TransactionId id = Send("OPTIONS");
  EXPECT_EQ(layer.OnResponse(kOwner, MakeResponse(Ours("OPTIONS"), 100, "", ""), At(1)), id);
  ExpectEndsAt(id, 64);
}

TEST_P(TransactionsTest, FinalResponseEndsARequestAtOnce) {
  const TransactionId id = Send("OPTIONS");
  const Message response = MakeResponse(Ours("OPTIONS"), 404, "", "t");
  EXPECT_EQ(layer.OnResponse(kOwner, response, At(1)), id);
  EXPECT_EQ(layer.size(), 0u);  // K
  EXPECT_FALSE(layer.OnResponse(kOwner, response, At(1)));
  EXPECT_TRUE(out.empty());
}

TEST_P(TransactionsTest, ResponsesThatAreNotOursAreDropped) {
  Send("OPTIONS");
  const Message good = MakeResponse(Ours("OPTIONS"), 200, "", "t");
  Message bad = good;
  bad.vias.push_back(bad.vias.front());
  EXPECT_FALSE(layer.OnResponse(kOwner, bad, start)) << "two Vias";
  bad.vias.clear();
  EXPECT_FALSE(layer.OnResponse(kOwner, bad, start)) << "no Via";
  bad = good;
  bad.vias.front().params.Set("branch", "z9hG4bKother");
  EXPECT_FALSE(layer.OnResponse(kOwner, bad, start)) << "branch";
  bad = good;
  bad.vias.front().sent_by = "other.example";
  EXPECT_FALSE(layer.OnResponse(kOwner, bad, start)) << "sent-by";
  bad = good;
  bad.cseq.method = "INVITE";
  EXPECT_FALSE(layer.OnResponse(kOwner, bad, start)) << "method";
  EXPECT_FALSE(layer.OnResponse(kStranger, good, start)) << "owner";
  bad = good;
  bad.vias.front().sent_by = "GW.example:5060";
  EXPECT_TRUE(layer.OnResponse(kOwner, bad, start)) << "host names have no case";
}

// --- server ---

TEST_P(TransactionsTest, DuplicateInviteGetsTheLastResponse) {
  const Message invite = MakePeerRequest("INVITE", 1, "z9hG4bKa");
  const TransactionId id = Accept(invite);
  EXPECT_TRUE(layer.Absorb(kOwner, invite));
  EXPECT_TRUE(out.empty());
  for (int status : {100, 183, 486}) {
    Respond(id, invite, status, start);
    EXPECT_EQ(TakeSent().status, status);
    EXPECT_TRUE(layer.Absorb(kOwner, invite));
    EXPECT_EQ(TakeSent().status, status);
  }
  EXPECT_EQ(layer.size(), 1u);
}

TEST_P(TransactionsTest, TimerHEndsAFailureWithoutAck) {
  const Message invite = MakePeerRequest("INVITE", 1, "z9hG4bKa");
  const TransactionId id = Accept(invite);
  EXPECT_EQ(layer.next_timeout(), kNever);
  Respond(id, invite, 486, start);
  ExpectEndsAt(id, 64);
}

TEST_P(TransactionsTest, AckEndsAFailureAtOnce) {
  const Message invite = MakePeerRequest("INVITE", 1, "z9hG4bKa");
  const TransactionId id = Accept(invite);
  Respond(id, invite, 486, start);
  EXPECT_TRUE(layer.Absorb(kOwner, MakePeerRequest("ACK", 1, "z9hG4bKa")));
  EXPECT_EQ(layer.size(), 0u);  // I
  EXPECT_FALSE(layer.Absorb(kOwner, MakePeerRequest("ACK", 1, "z9hG4bKa")));
}

TEST_P(TransactionsTest, EarlyAckIsDropped) {
  const TransactionId id = Accept(MakePeerRequest("INVITE", 1, "z9hG4bKa"));
  EXPECT_TRUE(layer.Absorb(kOwner, MakePeerRequest("ACK", 1, "z9hG4bKa")));
  EXPECT_TRUE(layer.IsUnanswered(id));
}

TEST_P(TransactionsTest, SuccessStaysUntilTimerLAndPassesItsAckOn) {
  const Message invite = MakePeerRequest("INVITE", 1, "z9hG4bKa");
  const TransactionId id = Accept(invite);
  Respond(id, invite, 200, start);
  EXPECT_FALSE(layer.Absorb(kOwner, MakePeerRequest("ACK", 1, "z9hG4bKa")));
  EXPECT_FALSE(layer.IsUnanswered(id));
  TakeSent();
  Respond(id, invite, 486, start);  // a second final response is not sent
  EXPECT_TRUE(out.empty());
  ExpectEndsAt(id, 64);
}

TEST_P(TransactionsTest, FinalResponseEndsAServerRequestAtOnce) {
  const Message request = MakePeerRequest("INFO", 1, "z9hG4bKa");
  const TransactionId id = Accept(request);
  EXPECT_TRUE(layer.Absorb(kOwner, request));
  EXPECT_TRUE(out.empty());
  Respond(id, request, 200, start);
  EXPECT_EQ(TakeSent().status, 200);
  EXPECT_EQ(layer.size(), 0u);  // J
  EXPECT_EQ(layer.next_timeout(), kNever);
}

TEST_P(TransactionsTest, UnansweredServerRequestIsForgottenAfterTimerF) {
  ExpectEndsAt(Accept(MakePeerRequest("INFO", 1, "z9hG4bKa")), 64);
  EXPECT_TRUE(out.empty());
}

TEST_P(TransactionsTest, BranchSentByMethodAndOwnerMakeATransaction) {
  const Message first = MakePeerRequest("INVITE", 1, "z9hG4bKa");
  const TransactionId id = Accept(first);
  EXPECT_FALSE(layer.Absorb(kOwner, MakePeerRequest("INVITE", 1, "z9hG4bKb")));
  EXPECT_FALSE(layer.Absorb(kOwner, MakePeerRequest("INFO", 1, "z9hG4bKa")));
  EXPECT_FALSE(layer.Absorb(kStranger, first));
  EXPECT_FALSE(layer.FindCancelled(kStranger, MakePeerRequest("CANCEL", 1, "z9hG4bKa")));
  Message other = first;
  other.vias.front().sent_by = "other.example";
  EXPECT_FALSE(layer.Absorb(kOwner, other));
  other.vias.front().sent_by = "PEER.example";
  EXPECT_TRUE(layer.Absorb(kOwner, other));
  EXPECT_EQ(layer.FindCancelled(kOwner, MakePeerRequest("CANCEL", 1, "z9hG4bKa")), id);
}

TEST_P(TransactionsTest, BranchesOfRfc2543AreNoIds) {
  const Message invite = MakePeerRequest("INVITE", 1, "1");
  const TransactionId id = Accept(invite);
  EXPECT_TRUE(layer.Absorb(kOwner, invite));
  Message other = MakePeerRequest("INVITE", 1, "1");
  other.call_id = "another";
  EXPECT_FALSE(layer.Absorb(kOwner, other));
  EXPECT_FALSE(layer.Absorb(kOwner, MakePeerRequest("INVITE", 2, "1")));
  EXPECT_EQ(layer.FindCancelled(kOwner, MakePeerRequest("CANCEL", 1, "1")), id);
  Respond(id, invite, 486, start);
  EXPECT_TRUE(layer.Absorb(kOwner, MakePeerRequest("ACK", 1, "1", "ours")));
  EXPECT_EQ(layer.size(), 0u);
}

TEST_P(TransactionsTest, RequestOnTwoPathsIsMerged) {
  const TransactionId id = Accept(MakePeerRequest("INVITE", 1, "z9hG4bKa"));
  const Message copy = MakePeerRequest("INVITE", 1, "z9hG4bKb");
  EXPECT_TRUE(layer.IsMerged(kOwner, copy));
  EXPECT_FALSE(layer.IsMerged(kStranger, copy));
  EXPECT_FALSE(layer.IsMerged(kOwner, MakePeerRequest("INVITE", 2, "z9hG4bKb")));
  EXPECT_FALSE(layer.IsMerged(kOwner, MakePeerRequest("INVITE", 1, "z9hG4bKb", "tag")));
  layer.End(id);
  EXPECT_FALSE(layer.IsMerged(kOwner, copy));
}

TEST_P(TransactionsTest, LostFlowEndsWhatItCarries) {
  const TransactionId a = Send("INVITE");
  const TransactionId b = Accept(MakePeerRequest("INFO", 1, "z9hG4bKa"));
  const TransactionId other =
      layer.Accept(FlowId{6}, kOwner, MakePeerRequest("INFO", 2, "z9hG4bKc"), start);
  EXPECT_EQ(layer.RemoveFlow(flow), (std::vector<TransactionId>{a, b}));
  EXPECT_EQ(layer.RemoveFlow(flow), std::vector<TransactionId>());
  EXPECT_EQ(layer.size(), 1u);
  EXPECT_EQ(layer.RemoveFlow(FlowId{6}), std::vector<TransactionId>{other});
  EXPECT_EQ(layer.next_timeout(), kNever);
}

TEST_P(TransactionsTest, TransactionsGoWithTheirFlowToANewOwner) {
  const TransactionId ours = Send("OPTIONS");
  const Message invite = MakePeerRequest("INVITE", 1, "z9hG4bKa");
  const TransactionId theirs = Accept(invite);
  layer.ChangeOwner(flow, 8);
  EXPECT_FALSE(layer.Absorb(kOwner, invite));
  EXPECT_FALSE(layer.IsMerged(kOwner, MakePeerRequest("INVITE", 1, "z9hG4bKb")));
  EXPECT_TRUE(layer.Absorb(8, invite));
  EXPECT_EQ(layer.FindCancelled(8, MakePeerRequest("CANCEL", 1, "z9hG4bKa")), theirs);
  EXPECT_EQ(layer.OnResponse(8, MakeResponse(Ours("OPTIONS"), 200, "", "t"), start), ours);
}

}  // namespace
}  // namespace lastmile::sip
