#include <gmock/gmock.h>

#include "tests/unit/gateway/sip/ua_support.h"

// Challenges to requests of ours that belong to an account, by a scripted peer.
namespace lastmile::sip {
namespace {

using ::testing::Contains;

class AccountsTest : public ::testing::Test {
 protected:
  void Call() {
    InviteRequest request = MakeInvite();
    request.account = account;
    id = t.ua.Invite(t.flow, std::move(request), t.now);
    invite = t.Sent("INVITE");
  }
  // An answered call of ours, or one of the peer's.
  void Establish() {
    Call();
    t.Receive(Solo::Answer(invite, 200));
    t.Take<InviteAccepted>();
    t.ua.Ack(id, {}, t.now);
    t.Sent("ACK");
  }
  void EstablishInbound() {
    t.Receive(MakePeerRequest("INVITE", 1, "z9hG4bKin"));
    t.Sent(100);
    id = t.Take<IncomingInvite>().dialog;
    t.ua.SetAccount(id, account);
    t.ua.RespondInvite(id, 200, Body("answer"), t.now);
    const Message ok = t.Sent(200);
    t.Receive(MakePeerRequest("ACK", 1, "z9hG4bKack", ok.to.tag()));
    t.Take<InviteAcked>();
  }
  static Message Challenge(const Message& request, int status, bool stale = false) {
    Message response = Solo::Answer(request, status);
    AuthHeader challenge{.scheme = "Digest", .params = {}, .token = ""};
    challenge.params.Set("realm", "pbx");
    challenge.params.Set("nonce", "nonce of " + request.vias.at(0).branch());
    challenge.params.Set("qop", "auth");
    if (stale) challenge.params.Set("stale", "true");
    (status == 407 ? response.proxy_authenticates : response.www_authenticates) = {challenge};
    return response;
  }
  // The next request has to be this one again, with credentials for the challenge.
  Message Again(const Message& refused, const std::string& method) {
    Message again = t.Sent(method);
    EXPECT_EQ(again.call_id, refused.call_id);
    EXPECT_EQ(again.from, refused.from);
    EXPECT_EQ(again.to, refused.to);
    EXPECT_EQ(again.body, refused.body);
    EXPECT_NE(again.vias, refused.vias);
    EXPECT_EQ(again.cseq.number, refused.cseq.number + 1);
    const auto& list =
        again.authorizations.empty() ? again.proxy_authorizations : again.authorizations;
    EXPECT_EQ(list.size(), 1u);
    if (list.size() == 1) {
      EXPECT_EQ(*list[0].params.Find("nonce"), "nonce of " + refused.vias.at(0).branch());
      EXPECT_EQ(*list[0].params.Find("username"), "201");
    }
    return again;
  }

  Solo t;
  AccountId account = t.ua.AddAccount({"201", "secret"});
  DialogId id;
  Message invite;
};

TEST_F(AccountsTest, AChallengedInviteIsRepeatedAndTheOwnerSeesOnlyTheAnswer) {
  Call();
  t.Receive(Challenge(invite, 407));
  const Message refused_ack = t.Sent("ACK");
  EXPECT_TRUE(refused_ack.proxy_authorizations.empty());
  const Message second = Again(invite, "INVITE");
  t.Receive(Solo::Answer(second, 180));
  EXPECT_EQ(t.Take<InviteProgress>().dialog, id);
  t.Receive(Solo::Answer(second, 200));
  EXPECT_EQ(t.Take<InviteAccepted>().dialog, id);
  t.ua.Ack(id, {}, t.now);
  const Message ack = t.Sent("ACK");
  EXPECT_EQ(ack.cseq, (CSeq{2, "ACK"}));
  EXPECT_EQ(ack.proxy_authorizations, second.proxy_authorizations);
  t.ua.Bye(id, {}, t.now);
  t.Receive(Solo::Answer(t.Sent("BYE"), 200));
  EXPECT_TRUE(t.Empty());
}

TEST_F(AccountsTest, WrongCredentialsAreToldOnce) {
  Call();
  t.Receive(Challenge(invite, 401));
  t.Sent("ACK");
  const Message second = Again(invite, "INVITE");
  t.Receive(Challenge(second, 401));
  t.Sent("ACK");
  const auto rejected = t.Take<InviteRejected>();
  EXPECT_EQ(rejected.status, 401);
  EXPECT_EQ(rejected.challenge_fault, "the credentials were refused");
  EXPECT_TRUE(t.Empty());
}

TEST_F(AccountsTest, AStaleNonceIsAnsweredOnceMore) {
  Call();
  t.Receive(Challenge(invite, 401));
  t.Sent("ACK");
  const Message second = Again(invite, "INVITE");
  t.Receive(Challenge(second, 401, true));
  t.Sent("ACK");
  const Message third = Again(second, "INVITE");
  t.Receive(Challenge(third, 401, true));
  t.Sent("ACK");
  EXPECT_EQ(t.Take<InviteRejected>().status, 401);
  EXPECT_TRUE(t.Empty());
}

TEST_F(AccountsTest, ACancelledCallIsNotTriedAgain) {
  Call();
  t.Receive(Solo::Answer(invite, 100));
  t.ua.Cancel(id, {}, t.now);
  const Message cancel = t.Sent("CANCEL");
  EXPECT_TRUE(cancel.authorizations.empty() && cancel.proxy_authorizations.empty());
  t.Receive(Solo::Answer(cancel, 200));
  t.Receive(Challenge(invite, 407));
  t.Sent("ACK");
  EXPECT_EQ(t.Take<InviteRejected>().status, 487);
  EXPECT_TRUE(t.Empty());
}

TEST_F(AccountsTest, TheTimeOfAChallengeCountsAsRinging) {
  Call();
  t.Advance(30s);
  t.Receive(Challenge(invite, 407));
  t.Sent("ACK");
  const Message second = Again(invite, "INVITE");
  t.Receive(Solo::Answer(second, 180));
  t.Take<InviteProgress>();
  t.Advance(150s);
  EXPECT_EQ(t.Take<InviteRejected>().status, 408);
  EXPECT_EQ(t.Sent("CANCEL").cseq.number, 2u);
}

TEST_F(AccountsTest, RequestsInADialogAreAnsweredWithItsAccount) {
  for (const bool inbound : {false, true}) {
    inbound ? EstablishInbound() : Establish();
    for (const char* method : {"INFO", "UPDATE"}) {
      const auto request = t.ua.SendInDialog(id, method, Body("x"), t.now);
      const Message first = t.Sent(method);
      t.Receive(Challenge(first, inbound ? 401 : 407));
      t.Receive(Solo::Answer(Again(first, method), 200));
      const auto answered = t.Take<RequestAnswered>();
      EXPECT_EQ(answered.id, request);
      EXPECT_EQ(answered.status, 200);
    }
    t.ua.Bye(id, {}, t.now);
    const Message bye = t.Sent("BYE");
    t.Receive(Challenge(bye, inbound ? 401 : 407));
    t.Receive(Solo::Answer(Again(bye, "BYE"), 200));
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(AccountsTest, AChallengedReinviteIsAckedWithItsOwnCredentials) {
  Establish();
  const auto request = t.ua.SendInDialog(id, "INVITE", Body("hold"), t.now);
  const Message first = t.Sent("INVITE");
  t.Receive(Challenge(first, 407));
  t.Sent("ACK");
  const Message second = Again(first, "INVITE");
  // It is still the one that is under way.
  t.ua.SendInDialog(id, "INVITE", Body("glare"), t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 491);
  t.Receive(Solo::Answer(second, 200));
  EXPECT_EQ(t.Take<RequestAnswered>().id, request);
  EXPECT_EQ(t.Sent("ACK").proxy_authorizations, second.proxy_authorizations);
}

TEST_F(AccountsTest, ACallThatEndsMeanwhileIsNotOfferedAgain) {
  Establish();
  t.ua.SendInDialog(id, "INVITE", Body("hold"), t.now);
  const Message first = t.Sent("INVITE");
  t.ua.Bye(id, {}, t.now);
  t.Receive(Solo::Answer(t.Sent("BYE"), 200));
  t.Receive(Challenge(first, 407));
  t.Sent("ACK");
  EXPECT_EQ(t.Take<RequestAnswered>().status, 407);
  EXPECT_TRUE(t.Empty());
}

TEST_F(AccountsTest, RequestsOutsideDialogsHaveTheAccountTheyAreSentWith) {
  Message message;
  message.method = "MESSAGE";
  message.request_uri = MakeUri("600", "b.example");
  message.from = message.to = MakeAddr("alice", "a.example");
  t.ua.SendRequest(t.flow, message, t.now);
  const Message anonymous = t.Sent("MESSAGE");
  t.Receive(Challenge(anonymous, 401));
  EXPECT_EQ(t.Take<RequestAnswered>().challenge_fault, "there is no account to answer with");

  t.ua.SendRequest(t.flow, message, t.now, account);
  const Message first = t.Sent("MESSAGE");
  t.Receive(Challenge(first, 401));
  const Message second = Again(first, "MESSAGE");
  t.Receive(Solo::Answer(second, 200));
  EXPECT_EQ(t.Take<RequestAnswered>().status, 200);
  // The next one needs no challenge.
  t.ua.SendRequest(t.flow, message, t.now, account);
  const Message next = t.Sent("MESSAGE");
  ASSERT_EQ(next.authorizations.size(), 1u);
  EXPECT_EQ(*next.authorizations[0].params.Find("nc"), "00000002");
  t.Receive(Solo::Answer(next, 200));
  t.Take<RequestAnswered>();
  EXPECT_TRUE(t.Empty());
}

TEST_F(AccountsTest, TheBudgetOfAnInviteCountsTheCredentialsItWillCarry) {
  InviteRequest request = MakeInvite();
  request.account = account;
  const size_t before = t.ua.InviteHeadBytes(t.flow, request);
  Call();
  t.Receive(Challenge(invite, 407));
  t.Sent("ACK");
  t.Receive(Solo::Answer(Again(invite, "INVITE"), 486));
  t.Sent("ACK");
  EXPECT_GT(t.ua.InviteHeadBytes(t.flow, request), before + 100);
  Call();
  EXPECT_EQ(*invite.proxy_authorizations.at(0).params.Find("nc"), "00000002")
      << "to measure spends none";
}

}  // namespace
}  // namespace lastmile::sip
