#include "tests/unit/gateway/app/gateway_in_memory.h"

#include <gtest/gtest.h>

#include <utility>

namespace lastmile::app {

CallManagerOptions GatewayInMemory::DefaultOptions() {
  CallManagerOptions options;
  options.browser.domain = "gw.example";
  for (const char* name : {"alice", "bob"}) {
    options.browser.users.push_back(
        {.name = name,
         .ha1 = sip::Ha1(name, "gw.example", "secret"),
         .caller_id = name == std::string("alice") ? "+15550001001" : ""});
  }
  options.trunk.local_host = "198.51.100.1";
  options.trunk.tcp_port = 5060;
  options.trunk.trunks.push_back({.name = "acme", .host = "198.51.100.9", .port = 5070});
  options.routing.routes = {
      {.name = "all", .to = "^[0-9]+$", .trunks = {{"acme"}}},
      {.name = "main", .to = "^\\+15550001001$", .from_trunk = "*", .user = "alice"}};
  return options;
}

namespace {

sip::NameAddr Address(const std::string& user, const std::string& host) {
  sip::NameAddr address;
  address.uri.user = user;
  address.uri.host = host;
  return address;
}

}  // namespace

GatewayInMemory::GatewayInMemory(CallManagerOptions options)
    : manager(std::move(options), random) {}

void GatewayInMemory::Execute(const CallManagerOutputs& outputs) {
  records.insert(records.end(), outputs.records.begin(), outputs.records.end());
  lookups.insert(lookups.end(), outputs.lookups.begin(), outputs.lookups.end());
  for (const ws::Command& command : outputs.ws) {
    if (const auto* close = std::get_if<ws::Close>(&command)) closings.push_back(*close);
    const auto* send = std::get_if<ws::Send>(&command);
    if (!send) continue;
    raw_to_browsers.push_back(send->text);
    auto message = sip::Parse(send->text);
    ASSERT_TRUE(message) << send->text;
    to_browser_[send->conn.value].push_back(*std::move(message));
  }
  for (const trunk::TrunkOutput& output : outputs.trunk) {
    if (const auto* open = std::get_if<trunk::OpenStream>(&output)) {
      ++streams_opened;
      trunk_flow_ = open->flow;
      manager.trunk_edge().OnStreamOpen(open->flow, *Endpoint::Parse("198.51.100.9:5070"), now);
    } else if (const auto* send = std::get_if<trunk::SendBytes>(&output)) {
      raw_to_trunk.push_back(send->bytes);
      if (send->bytes.starts_with("\r\n")) continue;
      trunk_flow_ = send->flow;
      auto message = sip::Parse(send->bytes);
      ASSERT_TRUE(message) << send->bytes;
      to_trunk_.push_back(*std::move(message));
    } else if (const auto* close = std::get_if<trunk::CloseStream>(&output)) {
      manager.trunk_edge().OnStreamClosed(close->flow, now);
    }
  }
  for (const media::MediaCommand& command : outputs.media) {
    if (media::IsOpening(command) && refuse_media) {
      manager.OnMediaRefused(std::visit([](const auto& c) { return c.session; }, command), now);
    } else if (const auto* open = std::get_if<media::OpenSession>(&command)) {
      sessions.insert(open->session);
      media::SessionOpened opened{.session = open->session};
      opened.browser = {.ice_ufrag = "gwUf",
                        .ice_pwd = "gwPwgwPwgwPwgwPwgwPwgwPw",
                        .candidates = {*Endpoint::Parse("192.0.2.1:20000")},
                        .fingerprint = {"sha-256", Bytes(32, 0xab)}};
      opened.trunk = {*Endpoint::Parse("192.0.2.1:30000"), *Endpoint::Parse("192.0.2.1:30001")};
      media_events_.push_back(std::move(opened));
    } else if (const auto* bridge = std::get_if<media::OpenBridge>(&command)) {
      sessions.insert(bridge->session);
      media_events_.push_back(media::BridgeOpened{
          .session = bridge->session,
          .first = {*Endpoint::Parse("192.0.2.1:31000"), *Endpoint::Parse("192.0.2.1:31001")},
          .second = {*Endpoint::Parse("192.0.2.1:32000"), *Endpoint::Parse("192.0.2.1:32001")}});
    } else if (const auto* moved = std::get_if<media::UpdateBridge>(&command)) {
      bridge_updates.push_back(*moved);
    } else if (const auto* close = std::get_if<media::CloseSession>(&command)) {
      sessions.erase(close->session);
      media_events_.push_back(media::SessionClosed{.session = close->session});
    } else if (const auto* update = std::get_if<media::UpdateSession>(&command)) {
      updates.push_back(*update);
    } else if (const auto* digit = std::get_if<media::SendDigit>(&command)) {
      digits.push_back(*digit);
    } else if (const auto* watch = std::get_if<media::WatchMedia>(&command)) {
      watches.push_back(*watch);
    }
  }
}

void GatewayInMemory::Pump() {
  for (int round = 0; round < 100; ++round) {
    const CallManagerOutputs outputs = manager.TakeOutputs(now);
    Execute(outputs);
    if (outputs.ws.empty() && outputs.trunk.empty() && outputs.media.empty()) return;
    while (!media_events_.empty()) {
      manager.OnMedia(media_events_.front(), now);
      media_events_.pop_front();
    }
  }
  FAIL() << "the gateway never comes to rest";
}

void GatewayInMemory::AnswerLookup(const browser::UserAnswer& answer) {
  manager.OnUserAnswer(answer, now);
  Pump();
}

void GatewayInMemory::Wait(Duration duration) {
  const TimePoint end = now + duration;
  while (manager.next_timeout() <= end) {
    now = std::max(now, manager.next_timeout());
    manager.OnTimer(now);
    Pump();
  }
  now = end;
}

bool GatewayInMemory::IsEmpty() const {
  const auto gauges = manager.gauges();
  return gauges.calls == 0 && gauges.dialogs == 0 && gauges.transactions == 0 && sessions.empty();
}

// --- the browser ---

void GatewayInMemory::OpenBrowser(uint64_t conn, const std::string& peer) {
  manager.OnWs(ws::Opened{.conn = {conn}, .peer = *Endpoint::Parse(peer)}, now);
  Pump();
}

void GatewayInMemory::CloseBrowser(uint64_t conn, uint16_t code) {
  manager.OnWs(ws::Closed{.conn = {conn}, .code = code}, now);
  Pump();
}

void GatewayInMemory::FromBrowser(uint64_t conn, const std::string& text) {
  manager.OnWs(ws::Message{{conn}, text}, now);
  Pump();
}

void GatewayInMemory::FromBrowser(uint64_t conn, const sip::Message& message) {
  FromBrowser(conn, sip::Print(message));
}

sip::Message GatewayInMemory::ToBrowser(uint64_t conn) {
  auto& queue = to_browser_[conn];
  if (queue.empty()) {
    ADD_FAILURE() << "nothing for the browser";
    return {};
  }
  sip::Message message = std::move(queue.front());
  queue.pop_front();
  return message;
}

sip::Message GatewayInMemory::Ask(uint64_t conn, sip::Message request,
                                  const std::string& password) {
  FromBrowser(conn, request);
  sip::Message answer = ToBrowser(conn);
  if (answer.status == 100) answer = ToBrowser(conn);
  if (answer.status != 401 || answer.www_authenticates.empty()) return answer;
  if (request.method == "INVITE") {
    sip::Message ack = request;
    ack.method = ack.cseq.method = "ACK";
    ack.to = answer.to;
    ack.body.clear();
    ack.content_type.clear();
    FromBrowser(conn, ack);
  }
  auto credentials =
      sip::AnswerChallenge(answer.www_authenticates.front(), {request.from.uri.user, password},
                           request.method, request.request_uri.ToString(), random);
  EXPECT_TRUE(credentials);
  request.authorizations = {*credentials};
  ++request.cseq.number;
  request.vias.front().params.Set("branch", "z9hG4bK" + random.Token(12));
  FromBrowser(conn, request);
  answer = ToBrowser(conn);
  if (answer.status == 100) answer = ToBrowser(conn);
  return answer;
}

sip::Message GatewayInMemory::MakeRegister(const std::string& user, int expires) const {
  sip::Message request;
  request.method = "REGISTER";
  request.request_uri.host = "gw.example";
  sip::Via via{.transport = "WSS", .sent_by = "hidden12345.invalid"};
  via.params.Set("branch", "z9hG4bKr" + std::to_string(++cseq_));
  request.vias = {via};
  request.from = Address(user, "gw.example");
  request.from.params.Set("tag", "ft" + user);
  request.to = Address(user, "gw.example");
  request.call_id = "register-" + user;
  request.cseq = {static_cast<uint32_t>(++cseq_), "REGISTER"};
  request.max_forwards = 69;
  sip::NameAddr contact = Address("secretcontact", "hidden12345.invalid");
  contact.uri.params.Set("transport", "ws");
  contact.params.Set("reg-id", "1");
  contact.params.Set("+sip.instance", "<urn:uuid:" + user + ">");
  contact.params.Set("expires", std::to_string(expires));
  request.contacts = {contact};
  return request;
}

sip::Message GatewayInMemory::MakeInvite(const std::string& user, const std::string& target) const {
  sip::Message request = MakeRegister(user);
  request.method = "INVITE";
  request.request_uri.user = target;
  request.to = Address(target, "gw.example");
  request.call_id = "invite-" + std::to_string(++cseq_);
  request.cseq.method = "INVITE";
  request.contacts.front().params.list.clear();
  request.supported = {"timer", "ice", "replaces", "outbound"};
  request.allow = browser_allows;
  request.content_type = "application/sdp";
  request.body = testing::BrowserSdp();
  return request;
}

void GatewayInMemory::Register(uint64_t conn, const std::string& user) {
  OpenBrowser(conn);
  EXPECT_EQ(Ask(conn, MakeRegister(user), "secret").status, 200);
}

GatewayInMemory::Dialled GatewayInMemory::Dial(uint64_t conn, const std::string& user,
                                               const std::string& number) {
  Register(conn, user);
  sip::Message invite = MakeInvite(user, number);
  FromBrowser(conn, invite);
  EXPECT_EQ(ToBrowser(conn).status, 100);
  const sip::Message challenge = ToBrowser(conn);
  EXPECT_EQ(challenge.status, 401);
  sip::Message ack = invite;
  ack.method = ack.cseq.method = "ACK";
  ack.to = challenge.to;
  ack.body.clear();
  ack.content_type.clear();
  FromBrowser(conn, ack);
  invite.authorizations = {*sip::AnswerChallenge(challenge.www_authenticates.at(0),
                                                 {user, "secret"}, "INVITE",
                                                 invite.request_uri.ToString(), random)};
  ++invite.cseq.number;
  invite.vias.front().params.Set("branch", "z9hG4bKsecond");
  FromBrowser(conn, invite);
  EXPECT_EQ(ToBrowser(conn).status, 100);
  return {std::move(invite), ToTrunk()};
}

// --- the carrier ---

sip::Message GatewayInMemory::ToTrunk() {
  if (to_trunk_.empty()) {
    ADD_FAILURE() << "nothing for the trunk";
    return {};
  }
  sip::Message message = std::move(to_trunk_.front());
  to_trunk_.pop_front();
  return message;
}

void GatewayInMemory::FromTrunk(const sip::Message& message) {
  FromTrunkBytes(sip::Print(message));
}

void GatewayInMemory::FromTrunkBytes(const std::string& bytes) {
  manager.trunk_edge().OnStreamBytes(trunk_flow_, AsBytes(bytes), now);
  Pump();
}

void GatewayInMemory::CloseTrunkStream() {
  manager.trunk_edge().OnStreamClosed(trunk_flow_, now);
  Pump();
}

sip::FlowId GatewayInMemory::ConnectTrunk(const std::string& peer, bool tls) {
  trunk_flow_ = manager.trunk_edge().OnInboundStream(*Endpoint::Parse(peer), tls);
  Pump();
  return trunk_flow_;
}

sip::Message GatewayInMemory::TrunkAnswer(const sip::Message& request, int status,
                                          const std::string& sdp) const {
  sip::Message response = sip::MakeResponse(request, status, "", status > 100 ? "carrier" : "");
  if (status > 100 && status < 300) response.contacts = {Address("carrier", "198.51.100.9")};
  if (!sdp.empty()) {
    response.content_type = "application/sdp";
    response.body = sdp;
  }
  return response;
}

sip::Message GatewayInMemory::MakeTrunkInvite(const std::string& target) const {
  sip::Message request;
  request.method = "INVITE";
  request.request_uri.user = target;
  request.request_uri.host = "198.51.100.1";
  sip::Via via{.transport = "TCP", .sent_by = "198.51.100.9:5070"};
  via.params.Set("branch", "z9hG4bKt" + std::to_string(++cseq_));
  request.vias = {via};
  request.from = Address("+15559990000", "carrier.example");
  request.from.params.Set("tag", "carriertag");
  request.to = Address(target, "198.51.100.1");
  request.call_id = "carrier-" + std::to_string(++cseq_);
  request.cseq = {1, "INVITE"};
  request.max_forwards = 70;
  request.contacts = {Address("carrier", "198.51.100.9")};
  request.content_type = "application/sdp";
  request.body = testing::TrunkSdp();
  return request;
}

sip::Message GatewayInMemory::MakeTrunkRequest(const std::string& method,
                                               const sip::Message& invite,
                                               const sip::Message& response, uint32_t cseq,
                                               const std::string& sdp) const {
  sip::Message request = MakeTrunkInvite("lastmile");
  request.method = method;
  request.cseq = {cseq, method};
  request.from = invite.from;
  request.to = response.to;
  request.call_id = invite.call_id;
  request.content_type = sdp.empty() ? "" : "application/sdp";
  request.body = sdp;
  return request;
}

void GatewayInMemory::FailMedia(media::SessionFault fault) {
  ASSERT_EQ(sessions.size(), 1u);
  manager.OnMedia(media::SessionFailed{*sessions.begin(), fault, "the browser is gone"}, now);
  Pump();
}

void GatewayInMemory::FromMedia(const media::MediaEvent& event) {
  manager.OnMedia(event, now);
  Pump();
}

void GatewayInMemory::SilenceBrowser() {
  ASSERT_EQ(sessions.size(), 1u);
  manager.OnMedia(media::BrowserSilent{*sessions.begin(), "the browser is silent"}, now);
  Pump();
}

void GatewayInMemory::HearBrowser() {
  ASSERT_EQ(sessions.size(), 1u);
  manager.OnMedia(media::BrowserHeard{*sessions.begin()}, now);
  Pump();
}

}  // namespace lastmile::app
