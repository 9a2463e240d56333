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

// Calls that go on to a trunk's next server, and how the servers are found.
namespace lastmile::trunk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Servers at 192.0.2.N: what each gets, and whether it takes connections.
class TrunkFailover : public ::testing::Test {
 protected:
  void Make(std::vector<ConfiguredServer> servers, Duration keepalive = 0s) {
    TrunkOptions options;
    options.local_host = "198.51.100.1";
    options.trunks.push_back({.name = "acme",
                              .host = servers.front().host,
                              .servers = std::move(servers),
                              .keepalive = keepalive,
                              .session_timer = SessionTimers::kNone});
    edge = std::make_unique<TrunkEdge>(std::move(options), random);
  }
  // Three of falling priority.
  void MakeThree() {
    Make({{.host = "192.0.2.1", .port = 5060, .priority = 1},
          {.host = "192.0.2.2", .port = 5060, .priority = 2},
          {.host = "192.0.2.3", .port = 5060, .priority = 3}});
  }
  void Pump() {
    for (bool again = true; again;) {
      again = false;
      for (TrunkEvent& event : edge->TakeEvents(now)) {
        again = true;
        if (auto* agent = std::get_if<sip::UserAgentEvent>(&event)) events.push_back(*agent);
      }
      for (const TrunkOutput& output : edge->TakeOutputs()) {
        again = true;
        Apply(output);
      }
    }
  }
  void Apply(const TrunkOutput& output) {
    if (const auto* open = std::get_if<OpenStream>(&output)) {
      const std::string at = open->endpoint.address.ToString();
      opened.push_back(at);
      hosts[at] = open->host;
      flows[at] = open->flow;
      peers[open->flow] = at;
      if (refuses[at]) {
        edge->OnStreamClosed(open->flow, now);
      } else if (!swallows[at]) {
        edge->OnStreamOpen(open->flow, open->endpoint, now);
      }
    } else if (const auto* send = std::get_if<SendBytes>(&output)) {
      if (send->bytes.starts_with("\r\n")) return;
      const std::string at = peers[send->flow];
      if (!refuses[at] && !swallows[at]) sent[at].push_back(*sip::Parse(send->bytes));
    } else if (const auto* close = std::get_if<CloseStream>(&output)) {
      closed.push_back(peers[close->flow]);
    } else if (const auto* look_up = std::get_if<LookUp>(&output)) {
      look_ups.push_back(*look_up);
    } else if (const auto* check = std::get_if<CheckStream>(&output)) {
      edge->OnStreamChecked(check->flow, stalls[peers[check->flow]], now);
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
  sip::DialogId Call() {
    const auto dialog =
        edge->PlaceCall({.trunk = "acme", .number = "600", .caller = "1", .offer = "o"}, now);
    Pump();
    return dialog;
  }
  // The oldest request that this server has got.
  sip::Message Next(const std::string& at) {
    if (sent[at].empty()) return {};
    sip::Message message = std::move(sent[at].front());
    sent[at].pop_front();
    return message;
  }
  void Answer(const std::string& at, const sip::Message& request, int status,
              std::vector<sip::Header> headers = {}) {
    sip::Message response = sip::MakeResponse(request, status, "", status > 100 ? at : "");
    if (status > 100 && status < 300) {
      response.contacts.emplace_back();
      response.contacts.back().uri.host = at;
    }
    response.extra = std::move(headers);
    edge->OnStreamBytes(flows[at], AsBytes(sip::Print(response)), now);
    Pump();
  }
  void Lose(const std::string& at) {
    edge->OnStreamClosed(flows[at], now);
    Pump();
  }
  // Answers every open look-up of that kind.
  void Names(DnsType type, const DnsAnswer& answer) {
    for (const LookUp& look_up : std::exchange(look_ups, {})) {
      if (look_up.type == type) {
        edge->OnLookedUp(look_up.id, answer, now);
      } else {
        look_ups.push_back(look_up);
      }
    }
    Pump();
  }
  const sip::InviteRejected* Rejection() const {
    for (const auto& event : events) {
      if (const auto* rejected = std::get_if<sip::InviteRejected>(&event)) return rejected;
    }
    return nullptr;
  }

  SeededRandom random{1};
  std::unique_ptr<TrunkEdge> edge;
  TimePoint now{};
  std::map<std::string, bool> refuses;
  std::map<std::string, bool> swallows;
  std::map<std::string, bool> stalls;
  std::map<std::string, sip::FlowId> flows;
  std::map<sip::FlowId, std::string> peers;
  std::map<std::string, std::string> hosts;
  std::map<std::string, std::deque<sip::Message>> sent;
  std::vector<std::string> opened;
  std::vector<std::string> closed;
  std::vector<LookUp> look_ups;
  std::vector<sip::UserAgentEvent> events;
};

TEST_F(TrunkFailover, ARefusedConnectionLeadsToTheNextServerUnderTheSameDialog) {
  MakeThree();
  refuses["192.0.2.1"] = true;
  const auto dialog = Call();
  const sip::Message invite = Next("192.0.2.2");
  EXPECT_EQ(invite.method, "INVITE");
  EXPECT_EQ(invite.request_uri.host, "192.0.2.2");
  EXPECT_THAT(events, IsEmpty());
  Answer("192.0.2.2", invite, 180);
  Answer("192.0.2.2", invite, 200);
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(std::get<sip::InviteAccepted>(events[1]).dialog, dialog);
  edge->user_agent().Ack(dialog, {}, now);
  Pump();
  EXPECT_EQ(Next("192.0.2.2").method, "ACK");
}

TEST_F(TrunkFailover, CodesOfTheTrunkAreReasonsAndOthersAreNot) {
  MakeThree();
  Call();
  const sip::Message first = Next("192.0.2.1");
  Answer("192.0.2.1", first, 100);
  Answer("192.0.2.1", first, 503);
  EXPECT_EQ(Next("192.0.2.1").method, "ACK");
  const sip::Message second = Next("192.0.2.2");
  EXPECT_NE(second.vias[0].params.Find("branch"), nullptr);
  EXPECT_NE(*second.vias[0].params.Find("branch"), *first.vias[0].params.Find("branch"));
  Answer("192.0.2.2", second, 486);
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_EQ(Rejection()->status, 486);
  EXPECT_THAT(sent["192.0.2.3"], IsEmpty());
}

TEST_F(TrunkFailover, AfterAn18xTheCallStaysWhereItIs) {
  MakeThree();
  Call();
  const sip::Message invite = Next("192.0.2.1");
  Answer("192.0.2.1", invite, 183);
  Answer("192.0.2.1", invite, 503);
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_EQ(Rejection()->status, 503);
  EXPECT_EQ(Rejection()->warning, "");
  EXPECT_THAT(sent["192.0.2.2"], IsEmpty());
}

TEST_F(TrunkFailover, WhenAllFailTheCallerIsToldWhatEachServerSaid) {
  MakeThree();
  refuses["192.0.2.2"] = true;
  Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 500);
  Lose("192.0.2.3");
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_EQ(Rejection()->status, 503);
  EXPECT_EQ(Rejection()->warning,
            "no server of the trunk took the call: server 1 answered 500; server 2 takes no "
            "connection; server 3 lost the connection");
  events.clear();
  Call();  // the first one only had an error: it is asked again
  EXPECT_EQ(Next("192.0.2.1").method, "ACK");
  EXPECT_EQ(Next("192.0.2.1").method, "INVITE");
}

TEST_F(TrunkFailover, ThereAreFourTriesAtMost) {
  std::vector<ConfiguredServer> servers;
  for (int i = 1; i <= 6; ++i) {
    servers.push_back({.host = "192.0.2." + std::to_string(i),
                       .port = 5060,
                       .priority = static_cast<uint16_t>(i)});
    refuses[servers.back().host] = true;
  }
  Make(servers);
  Call();
  EXPECT_THAT(opened, SizeIs(TrunkEdge::kMaxTries));
  ASSERT_NE(Rejection(), nullptr);
}

TEST_F(TrunkFailover, AConnectionThatAcknowledgesNothingIsLeftAfterASecond) {
  MakeThree();
  Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 486);
  events.clear();
  stalls["192.0.2.1"] = true;
  Call();
  Wait(999ms);
  EXPECT_THAT(sent["192.0.2.2"], IsEmpty());
  Wait(1ms);
  EXPECT_EQ(Next("192.0.2.2").method, "INVITE");
  EXPECT_THAT(closed, ElementsAre("192.0.2.1"));
  // The next call does not even try.
  Call();
  EXPECT_EQ(Next("192.0.2.2").method, "INVITE");
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(TrunkFailover, ASlowCarrierThatSaid100IsWaitedFor) {
  MakeThree();
  Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 100);
  Wait(30s);
  EXPECT_THAT(sent["192.0.2.2"], IsEmpty());
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(TrunkFailover, ALate2xxOfATryThatWasGivenUpIsAckedAndByed) {
  MakeThree();
  const auto dialog = Call();
  const sip::Message silent = Next("192.0.2.1");
  Wait(TrunkEdge::kUnheardTimeout);
  const sip::Message second = Next("192.0.2.2");
  ASSERT_EQ(second.method, "INVITE");
  Answer("192.0.2.2", second, 200);
  edge->user_agent().Ack(dialog, {}, now);
  Answer("192.0.2.1", silent, 200);
  EXPECT_EQ(Next("192.0.2.1").method, "ACK");
  EXPECT_EQ(Next("192.0.2.1").method, "BYE");
  EXPECT_EQ(Next("192.0.2.2").method, "ACK");
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(std::get<sip::InviteAccepted>(events[0]).dialog, dialog);
  EXPECT_EQ(edge->user_agent().gauges().dialogs, 2U);  // one waits for the answer to its BYE
}

TEST_F(TrunkFailover, AGivenUpTryThatRingsAfterAllIsCancelled) {
  MakeThree();
  Call();
  const sip::Message silent = Next("192.0.2.1");
  Wait(TrunkEdge::kUnheardTimeout);
  Answer("192.0.2.1", silent, 180);
  EXPECT_EQ(Next("192.0.2.1").method, "CANCEL");
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(TrunkFailover, AllSilentServersEndTheCallWithinTenSeconds) {
  Make({{.host = "192.0.2.1", .port = 5060, .priority = 1},
        {.host = "192.0.2.2", .port = 5060, .priority = 2}});
  Call();
  Wait(2 * TrunkEdge::kUnheardTimeout);
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_EQ(Rejection()->status, 503);
  EXPECT_THAT(Rejection()->warning, HasSubstr("server 1 gave no answer; server 2 gave no answer"));
}

TEST_F(TrunkFailover, ACancelledCallGoesNowhereElse) {
  MakeThree();
  const auto dialog = Call();
  edge->Cancel(dialog, {}, now);
  Lose("192.0.2.1");
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_THAT(sent["192.0.2.2"], IsEmpty());
}

TEST_F(TrunkFailover, ARetryAfterLeavesAServerAlone) {
  MakeThree();
  Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 503, {{"Retry-After", "10"}});
  EXPECT_EQ(Next("192.0.2.2").method, "INVITE");
  Next("192.0.2.1");  // the ACK
  Wait(9s);
  Call();
  EXPECT_THAT(sent["192.0.2.1"], IsEmpty());
  Wait(1s);
  Call();
  EXPECT_EQ(Next("192.0.2.1").method, "INVITE");
}

TEST_F(TrunkFailover, TheOnlyServerIsWaitedForAndCalledAgainAfterItFailed) {
  Make({{.host = "192.0.2.1", .port = 5060}});
  refuses["192.0.2.1"] = true;
  Call();
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_EQ(Rejection()->status, 503);
  events.clear();
  refuses["192.0.2.1"] = false;
  Call();
  Wait(20s);
  EXPECT_EQ(Next("192.0.2.1").method, "INVITE");
  EXPECT_THAT(events, IsEmpty());
}

TEST_F(TrunkFailover, DialogsOfALostServerGoOnOverAnother) {
  MakeThree();
  const auto dialog = Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 200);
  edge->user_agent().Ack(dialog, {}, now);
  Pump();
  EXPECT_EQ(Next("192.0.2.1").method, "ACK");
  refuses["192.0.2.1"] = true;
  Lose("192.0.2.1");
  Call();  // finds the server gone
  EXPECT_EQ(Next("192.0.2.2").method, "INVITE");
  edge->Bye(dialog, {}, now);
  Pump();
  EXPECT_EQ(Next("192.0.2.2").method, "ACK") << "the first may have been lost";
  EXPECT_EQ(Next("192.0.2.2").method, "BYE");
}

TEST_F(TrunkFailover, ADialogReachesAServerThatTakesNoCalls) {
  Make({{.host = "192.0.2.1", .port = 5060}});
  const auto dialog = Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 200);
  edge->user_agent().Ack(dialog, {}, now);
  Pump();
  EXPECT_EQ(Next("192.0.2.1").method, "ACK");
  Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 503, {{"Retry-After", "100"}});
  EXPECT_EQ(Next("192.0.2.1").method, "ACK");
  events.clear();
  Call();
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_THAT(Rejection()->warning, HasSubstr("overloaded"));
  Lose("192.0.2.1");
  edge->Bye(dialog, {}, now);
  Pump();
  EXPECT_EQ(Next("192.0.2.1").method, "ACK") << "the first may have been lost";
  EXPECT_EQ(Next("192.0.2.1").method, "BYE");
}

// --- watched servers ---

TEST_F(TrunkFailover, WatchedServersAreAskedFromTheStartAndTellTheirRoundTrip) {
  Make({{.host = "192.0.2.1", .port = 5060}, {.host = "192.0.2.2", .port = 5060}}, 30s);
  refuses["192.0.2.2"] = true;
  Wait(0s);
  const sip::Message options = Next("192.0.2.1");
  EXPECT_EQ(options.method, "OPTIONS");
  now += 7ms;
  Answer("192.0.2.1", options, 200);
  const auto status = edge->status();
  ASSERT_THAT(status, SizeIs(1));
  EXPECT_EQ(status[0].servers, 2U);
  EXPECT_EQ(status[0].up_servers, 1U);
  EXPECT_EQ(status[0].rtt, 7ms);
  EXPECT_EQ(status[0].last_failure, "it takes no connection");
}

TEST_F(TrunkFailover, WhyAConnectionCannotBeOpenedIsWhatStaysKnown) {
  Make({{.host = "192.0.2.1", .port = 5060}});
  swallows["192.0.2.1"] = true;
  Call();
  edge->OnStreamClosed(flows["192.0.2.1"], now, "it has a self-signed certificate");
  Pump();
  EXPECT_NE(Rejection(), nullptr);
  EXPECT_EQ(edge->status()[0].last_failure, "it has a self-signed certificate");
}

// Over TLS 1.3 a server refuses our certificate when the connection is open for us.
TEST_F(TrunkFailover, WhyAConnectionEndedUnderACallIsToldAndStaysKnown) {
  Make({{.host = "192.0.2.1", .port = 5060}});
  Call();
  edge->OnStreamClosed(flows["192.0.2.1"], now, "it wants to see a certificate of ours");
  Pump();
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_EQ(Rejection()->status, 503);
  EXPECT_EQ(Rejection()->warning,
            "no server of the trunk took the call: server 1 lost the connection");
  EXPECT_EQ(edge->status()[0].last_failure, "it wants to see a certificate of ours");
  events.clear();
  Call();
  Lose("192.0.2.1");
  EXPECT_NE(Rejection(), nullptr);
  EXPECT_EQ(edge->status()[0].last_failure, "its connection was lost") << "nobody says why";
}

// --- names ---

TEST_F(TrunkFailover, ACallWaitsForTheFirstLookUp) {
  Make({{.host = "sip.acme.example"}});
  Call();
  Wait(0s);
  EXPECT_THAT(opened, IsEmpty());
  ASSERT_THAT(look_ups, SizeIs(1));
  EXPECT_EQ(look_ups[0].name, "sip.acme.example");
  Names(DnsType::kNaptr, {.status = DnsStatus::kNoRecord});
  Names(DnsType::kSrv,
        {.status = DnsStatus::kFound, .ttl = 60s, .services = {{1, 0, 5070, "a.acme.example"}}});
  Names(DnsType::kAddress,
        {.status = DnsStatus::kFound, .ttl = 60s, .addresses = {*IpAddress::Parse("192.0.2.9")}});
  const sip::Message invite = Next("192.0.2.9");
  EXPECT_EQ(invite.request_uri.host, "sip.acme.example");
  EXPECT_EQ(invite.request_uri.port, 0);
  EXPECT_EQ(hosts["192.0.2.9"], "sip.acme.example");
}

TEST_F(TrunkFailover, ANameThatDoesNotExistFailsTheCallWithASentence) {
  Make({{.host = "sip.acme.example", .port = 5060}});
  Call();
  Wait(0s);
  Names(DnsType::kAddress, {.status = DnsStatus::kNoName, .reason = "no such name"});
  ASSERT_NE(Rejection(), nullptr);
  EXPECT_EQ(Rejection()->status, 503);
  EXPECT_THAT(Rejection()->warning, HasSubstr("no server of the trunk"));
}

TEST_F(TrunkFailover, AVanishedServerTakesNoNewCallTwoSecondsAfterItsRecord) {
  Make({{.host = "pods.example", .port = 5060}});
  const auto both = [](std::vector<std::string> addresses) {
    DnsAnswer answer{.status = DnsStatus::kFound, .ttl = 5s};
    for (const auto& text : addresses) answer.addresses.push_back(*IpAddress::Parse(text));
    return answer;
  };
  Wait(0s);
  Names(DnsType::kAddress, both({"192.0.2.1", "192.0.2.2"}));
  const auto dialog = Call();
  Answer("192.0.2.1", Next("192.0.2.1"), 200);
  edge->user_agent().Ack(dialog, {}, now);
  Pump();
  EXPECT_EQ(Next("192.0.2.1").method, "ACK");
  Wait(5s);
  Names(DnsType::kAddress, both({"192.0.2.2"}));
  Call();
  EXPECT_EQ(Next("192.0.2.2").method, "INVITE");
  edge->Bye(dialog, {}, now);  // its call goes on where it is
  Pump();
  EXPECT_EQ(Next("192.0.2.1").method, "BYE");
}

TEST_F(TrunkFailover, ANameServerThatFailsTakesNobodyOut) {
  Make({{.host = "pods.example", .port = 5060}});
  Wait(0s);
  Names(DnsType::kAddress,
        {.status = DnsStatus::kFound, .ttl = 1s, .addresses = {*IpAddress::Parse("192.0.2.1")}});
  Wait(1s);
  Names(DnsType::kAddress, {.status = DnsStatus::kFailed, .reason = "SERVFAIL"});
  Call();
  EXPECT_EQ(Next("192.0.2.1").method, "INVITE");
  Wait(ServerPool::kRetry);
  EXPECT_THAT(look_ups, SizeIs(1));
}

}  // namespace
}  // namespace lastmile::trunk
