#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/trunk/trunk_edge.h"

// Accounts of trunks themselves: registered at their carriers, and answering nobody else.
namespace lastmile::trunk {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class TrunkRegistration : public ::testing::Test {
 protected:
  static Trunk TrunkAt(const std::string& name, std::vector<std::string> hosts) {
    Trunk trunk{.name = name, .host = hosts.front(), .session_timer = SessionTimers::kNone};
    for (const std::string& host : hosts) {
      trunk.servers.push_back(
          {.host = host, .port = 5060, .priority = static_cast<uint16_t>(trunk.servers.size())});
    }
    trunk.auth = sip::Credentials{
        .user = "user-" + name, .password = "secret of " + name, .realm = name + ".example"};
    trunk.register_expires = 600;
    return trunk;
  }
  void Make(std::vector<Trunk> trunks) {
    sent.clear();
    edge = std::make_unique<TrunkEdge>(
        TrunkOptions{.trunks = std::move(trunks), .local_host = "198.51.100.1"}, random);
  }
  void Pump() {
    edge->TakeEvents(now);
    for (const TrunkOutput& output : edge->TakeOutputs()) {
      if (const auto* open = std::get_if<OpenStream>(&output)) {
        const std::string at = open->endpoint.address.ToString();
        flows[at] = open->flow;
        peers[open->flow] = at;
        edge->OnStreamOpen(open->flow, open->endpoint, now);
      } else if (const auto* send = std::get_if<SendBytes>(&output)) {
        if (send->bytes.starts_with("\r\n")) continue;
        everything += send->bytes;
        sent[peers[send->flow]].push_back(*sip::Parse(send->bytes));
      }
    }
  }
  void Wait(Duration duration) {
    const TimePoint end = now + duration;
    Pump();
    while (edge->next_timeout() <= end) {
      now = std::max(now, edge->next_timeout());
      edge->OnTimer(now);
      Pump();
    }
    now = end;
  }
  sip::Message Next(const std::string& at) {
    if (sent[at].empty()) return {};
    sip::Message message = std::move(sent[at].front());
    sent[at].pop_front();
    return message;
  }
  void Answer(const std::string& at, const sip::Message& request, int status,
              std::vector<sip::Header> headers = {}) {
    sip::Message response = sip::MakeResponse(request, status, "", "theirs");
    response.extra = std::move(headers);
    if (status < 300) {
      response.contacts = request.contacts;
      if (response.contacts.empty()) response.contacts.emplace_back().uri.host = at;
    }
    edge->OnStreamBytes(flows[at], AsBytes(sip::Print(response)), now);
    Pump();
    Wait(50ms);
  }
  void Challenge(const std::string& at, const sip::Message& request, const std::string& realm,
                 const std::string& algorithm = "MD5") {
    Answer(at, request, 401,
           {{"WWW-Authenticate", "Digest realm=\"" + realm +
                                     "\", nonce=\"n1\", qop=\"auth\", "
                                     "algorithm=" +
                                     algorithm}});
  }

  SeededRandom random{1};
  std::unique_ptr<TrunkEdge> edge;
  TimePoint now{};
  std::map<std::string, sip::FlowId> flows;
  std::map<sip::FlowId, std::string> peers;
  std::map<std::string, std::deque<sip::Message>> sent;
  std::string everything;
};

TEST_F(TrunkRegistration, TheAccountIsRegisteredFromTheStartAndRefreshed) {
  for (const std::string algorithm : {"MD5", "SHA-256"}) {
    Make({TrunkAt("acme", {"192.0.2.1"})});
    Wait(100ms);
    const sip::Message first = Next("192.0.2.1");
    EXPECT_EQ(first.method, "REGISTER");
    EXPECT_EQ(first.to.uri.user, "user-acme");
    EXPECT_EQ(first.expires, 600U);
    EXPECT_THAT(first.authorizations, IsEmpty());
    EXPECT_FALSE(edge->status()[0].registered);
    Challenge("192.0.2.1", first, "acme.example", algorithm);
    const sip::Message second = Next("192.0.2.1");
    ASSERT_THAT(second.authorizations, SizeIs(1));
    EXPECT_EQ(*second.authorizations[0].params.Find("algorithm"), algorithm);
    Answer("192.0.2.1", second, 200);
    EXPECT_TRUE(edge->status()[0].registers);
    EXPECT_TRUE(edge->status()[0].registered);
    EXPECT_EQ(edge->registrations().registered, 0U) << "it is no user's";
    Wait(600s * 17 / 20 + 1s);
    EXPECT_EQ(Next("192.0.2.1").method, "REGISTER");
  }
}

TEST_F(TrunkRegistration, ACarrierThatAsksForLongerGetsLonger) {
  Make({TrunkAt("acme", {"192.0.2.1"})});
  Wait(100ms);
  Answer("192.0.2.1", Next("192.0.2.1"), 423, {{"Min-Expires", "3600"}});
  EXPECT_EQ(Next("192.0.2.1").expires, 3600U);
}

TEST_F(TrunkRegistration, AServerThatFailsIsFollowedByTheNext) {
  Make({TrunkAt("acme", {"192.0.2.1", "192.0.2.2"})});
  Wait(100ms);
  Answer("192.0.2.1", Next("192.0.2.1"), 503);
  Wait(Registrations::kFirstRetry);
  const sip::Message next = Next("192.0.2.2");
  EXPECT_EQ(next.method, "REGISTER");
  Answer("192.0.2.2", next, 200);
  EXPECT_TRUE(edge->status()[0].registered);
}

TEST_F(TrunkRegistration, WhyItIsNotRegisteredIsKept) {
  Make({TrunkAt("acme", {"192.0.2.1"})});
  Wait(100ms);
  EXPECT_EQ(edge->status()[0].not_registered.reason, "");
  Answer("192.0.2.1", Next("192.0.2.1"), 503);
  EXPECT_EQ(edge->status()[0].not_registered.status, 503);
  EXPECT_EQ(edge->status()[0].not_registered.reason, "answered 503");
  Wait(Registrations::kFirstRetry);
  Challenge("192.0.2.1", Next("192.0.2.1"), "acme.example");
  Challenge("192.0.2.1", Next("192.0.2.1"), "acme.example");
  EXPECT_EQ(edge->status()[0].not_registered.status, 401);
  EXPECT_EQ(edge->status()[0].not_registered.reason,
            "refused with 401: the credentials were refused");
  while (sent["192.0.2.1"].empty()) Wait(1s);
  Answer("192.0.2.1", Next("192.0.2.1"), 200);
  EXPECT_EQ(edge->status()[0].not_registered.reason, "");
}

TEST_F(TrunkRegistration, ALostConnectionIsALostRegistration) {
  Make({TrunkAt("acme", {"192.0.2.1", "192.0.2.2"})});
  Wait(100ms);
  Answer("192.0.2.1", Next("192.0.2.1"), 200);
  edge->OnStreamClosed(flows["192.0.2.1"], now);
  EXPECT_FALSE(edge->status()[0].registered);
  Wait(Registrations::kReconnectSpread + 1s);
  EXPECT_EQ(Next("192.0.2.1").method, "REGISTER");
}

TEST_F(TrunkRegistration, TheEndUnregistersIt) {
  Make({TrunkAt("acme", {"192.0.2.1"})});
  Wait(100ms);
  Answer("192.0.2.1", Next("192.0.2.1"), 200);
  edge->UnregisterAll(now);
  Wait(100ms);
  EXPECT_EQ(Next("192.0.2.1").expires, 0U);
}

// S-16.
TEST_F(TrunkRegistration, AChallengeWithAnotherTrunksRealmGetsNoCredentials) {
  Make({TrunkAt("acme", {"192.0.2.1"}), TrunkAt("other", {"192.0.2.2"})});
  Wait(100ms);
  const std::pair<std::string, std::string> peer_and_realm[] = {{"192.0.2.1", "other.example"},
                                                                {"192.0.2.2", "acme.example"}};
  for (const auto& [at, realm] : peer_and_realm) Challenge(at, Next(at), realm);
  for (const auto& [at, realm] : peer_and_realm) {
    const std::string trunk = at == "192.0.2.1" ? "acme" : "other";
    const TrunkEdge::CallRequest request{
        .trunk = trunk, .number = "600", .caller = "1", .offer = "o"};
    edge->PlaceCall(request, now);
    Pump();
    Challenge(at, Next(at), realm);  // the INVITE
    EXPECT_EQ(Next(at).method, "ACK");
    const auto dialog = edge->PlaceCall(request, now);
    Pump();
    Answer(at, Next(at), 200);
    edge->user_agent().Ack(dialog, {}, now);
    edge->Bye(dialog, {}, now);
    Pump();
    EXPECT_EQ(Next(at).method, "ACK");
    const sip::Message bye = Next(at);
    EXPECT_EQ(bye.method, "BYE");
    Challenge(at, bye, realm);
  }
  Wait(1s);
  EXPECT_THAT(everything, Not(HasSubstr("Authorization")));
  EXPECT_THAT(everything, Not(HasSubstr("secret")));
}

TEST_F(TrunkRegistration, ACallToItsContactIsForTheNumberInTo) {
  Make({TrunkAt("acme", {"192.0.2.1"})});
  Wait(100ms);
  const sip::Message registered = Next("192.0.2.1");
  sip::Message call;
  call.method = "INVITE";
  call.request_uri = registered.contacts.front().uri;
  call.vias = {{.transport = "TCP", .sent_by = "192.0.2.1"}};
  call.vias[0].params.Set("branch", "z9hG4bKcall");
  call.from.uri.host = call.to.uri.host = "carrier.example";
  call.to.uri.user = "+15550001001";
  call.from.params.Set("tag", "theirs");
  call.call_id = "call";
  call.cseq = {1, "INVITE"};
  call.contacts.emplace_back().uri.host = "192.0.2.1";
  edge->OnStreamBytes(flows["192.0.2.1"], AsBytes(sip::Print(call)), now);
  const auto events = edge->TakeEvents(now);
  ASSERT_THAT(events, SizeIs(1));
  const auto& invite = std::get<TrunkInvite>(events[0]);
  EXPECT_EQ(invite.target, "+15550001001");
  EXPECT_EQ(invite.user, "");
  // The gateway is full: the carrier is told when to come again.
  edge->Respond(invite.dialog, 503, {}, now);
  Pump();
  EXPECT_EQ(Next("192.0.2.1").status, 100);
  const sip::Message refusal = Next("192.0.2.1");
  EXPECT_EQ(refusal.status, 503);
  ASSERT_NE(refusal.FindExtra("Retry-After"), nullptr);
  EXPECT_LE(std::stoi(*refusal.FindExtra("Retry-After")), 10);
}

}  // namespace
}  // namespace lastmile::trunk
