#include "gateway/sip/transactions.h"

#include <string_view>
#include <utility>

#include "gateway/sip/lexical.h"

namespace lastmile::sip {
namespace {

constexpr std::string_view kMagicCookie = "z9hG4bK";
constexpr int kTimeoutInT1 = 64;

// No part of a key can hold a line break: the parser takes none.
void Append(std::string& key, std::string_view part) {
  key.append(part);
  key.push_back('\n');
}

// Section 17.2.3. `method` is that of the transaction looked for: INVITE for an ACK or CANCEL.
std::string ServerKey(uint64_t owner, const Message& request, std::string_view method) {
  const Via& via = request.vias.front();
  const std::string branch = via.branch();
  std::string key;
  Append(key, std::to_string(owner));
  Append(key, method);
  Append(key, LowerCase(via.sent_by));
  Append(key, branch);
  if (branch.starts_with(kMagicCookie)) return key;
  // RFC 2543: the branch says nothing. The To tag is left out, as the ACK has one and its INVITE
  // has not.
  Append(key, request.request_uri.ToString());
  Append(key, request.from.tag());
  Append(key, request.call_id);
  Append(key, std::to_string(request.cseq.number));
  return key;
}

std::string MergeKey(uint64_t owner, const Message& request) {
  std::string key;
  Append(key, std::to_string(owner));
  Append(key, request.from.tag());
  Append(key, request.call_id);
  Append(key, std::to_string(request.cseq.number));
  Append(key, request.cseq.method);
  return key;
}

std::string ClientKey(std::string_view branch, std::string_view method) {
  std::string key;
  Append(key, branch);
  Append(key, method);
  return key;
}

Message HeadOf(const Message& request) {
  Message head;
  head.method = request.method;
  head.request_uri = request.request_uri;
  head.vias = request.vias;
  head.from = request.from;
  head.to = request.to;
  head.call_id = request.call_id;
  head.cseq = request.cseq;
  head.routes = request.routes;
  head.record_routes = request.record_routes;
  return head;
}

// ACK of a non-2xx and CANCEL: the INVITE's own Via, Route and CSeq number.
Message SameHop(const Message& invite, std::string_view method) {
  Message request = HeadOf(invite);
  request.method = method;
  request.cseq.method = method;
  request.record_routes.clear();
  request.max_forwards = kMaxForwards;
  return request;
}

}  // namespace

Transactions::Transactions(Duration t1, std::vector<OutgoingMessage>& outgoing)
    : timeout_(kTimeoutInT1 * t1), outgoing_(outgoing) {}

bool Transactions::Absorb(uint64_t owner, const Message& request) {
  const bool ack = request.method == "ACK";
  const auto found = server_keys_.find(ServerKey(owner, request, ack ? "INVITE" : request.method));
  if (found == server_keys_.end()) return false;
  const TransactionId id = found->second;
  const Server& server = servers_.at(id);
  if (ack) {
    // Peers of RFC 2543 send the ACK of a 2xx with the branch of their INVITE.
    if (server.state == State::kAccepted) return false;
    if (server.state == State::kCompleted) End(id);
    return true;
  }
  if (server.last_response) outgoing_.push_back({server.flow, *server.last_response});
  return true;
}

bool Transactions::IsMerged(uint64_t owner, const Message& request) const {
  return request.to.tag().empty() && merge_keys_.contains(MergeKey(owner, request));
}

TransactionId Transactions::FindCancelled(uint64_t owner, const Message& cancel) const {
  const auto found = server_keys_.find(ServerKey(owner, cancel, "INVITE"));
  return found == server_keys_.end() ? TransactionId{} : found->second;
}

TransactionId Transactions::Accept(FlowId flow, uint64_t owner, const Message& request,
                                   TimePoint now) {
  const TransactionId id = ids_.Next();
  Server server;
  server.flow = flow;
  server.owner = owner;
  server.request = HeadOf(request);
  AddKeys(id, server);
  by_flow_[flow].insert(id);
  if (request.method != "INVITE") timers_.Set(id, now + timeout_);  // F of the sender
  servers_.emplace(id, std::move(server));
  return id;
}

const Message* Transactions::RequestOf(TransactionId id) const {
  const auto found = servers_.find(id);
  return found == servers_.end() ? nullptr : &found->second.request;
}

bool Transactions::IsUnanswered(TransactionId id) const {
  const auto found = servers_.find(id);
  return found != servers_.end() &&
         (found->second.state == State::kTrying || found->second.state == State::kProceeding);
}

void Transactions::Respond(TransactionId id, Message response, TimePoint now) {
  if (!IsUnanswered(id)) return;
  Server& server = servers_.at(id);
  const int status = response.status;
  outgoing_.push_back({server.flow, response});
  if (status >= 200 && server.request.method != "INVITE") {
    End(id);  // J
    return;
  }
  server.last_response = std::move(response);
  if (status < 200) {
    server.state = State::kProceeding;
    return;
  }
  server.state = status < 300 ? State::kAccepted : State::kCompleted;
  timers_.Set(id, now + timeout_);  // L, H
}

TransactionId Transactions::Send(FlowId flow, uint64_t owner, const Message& request,
                                 TimePoint now) {
  const TransactionId id = ids_.Next();
  Client client;
  client.flow = flow;
  client.owner = owner;
  client.request = HeadOf(request);
  client.key = ClientKey(request.vias.front().branch(), request.method);
  client_keys_[client.key] = id;
  by_flow_[flow].insert(id);
  timers_.Set(id, now + timeout_);  // B, F
  clients_.emplace(id, std::move(client));
  outgoing_.push_back({flow, request});
  return id;
}

TransactionId Transactions::OnResponse(uint64_t owner, const Message& response, TimePoint now) {
  // More than one Via: not for us, or a forgery (section 8.1.3.3).
  if (response.vias.size() != 1) return {};
  const Via& via = response.vias.front();
  const auto found = client_keys_.find(ClientKey(via.branch(), response.cseq.method));
  if (found == client_keys_.end()) return {};
  const TransactionId id = found->second;
  Client& client = clients_.at(id);
  if (client.owner != owner || !EqualNoCase(client.request.vias.front().sent_by, via.sent_by)) {
    return {};
  }
  const bool invite = client.request.method == "INVITE";
  const bool success = response.status >= 200 && response.status < 300;
  if (client.state == State::kAccepted) return success ? id : TransactionId{};
  if (response.status < 200) {
    if (invite) timers_.Clear(id);  // B
    client.state = State::kProceeding;
  } else if (invite && success) {
    client.state = State::kAccepted;
    timers_.Set(id, now + timeout_);  // M
  } else {
    if (invite) SendAckOf(client, response);
    End(id);  // D, K
  }
  return id;
}

// Section 17.1.1.3.
void Transactions::SendAckOf(const Client& client, const Message& response) {
  Message ack = SameHop(client.request, "ACK");
  ack.to = response.to;
  outgoing_.push_back({client.flow, std::move(ack)});
}

std::optional<OutgoingMessage> Transactions::MakeCancel(TransactionId invite) const {
  const auto found = clients_.find(invite);
  if (found == clients_.end()) return std::nullopt;
  return OutgoingMessage{found->second.flow, SameHop(found->second.request, "CANCEL")};
}

void Transactions::End(TransactionId id) {
  timers_.Clear(id);
  if (const auto server = servers_.find(id); server != servers_.end()) {
    RemoveKeys(id, server->second);
    Detach(server->second.flow, id);
    servers_.erase(server);
  } else if (const auto client = clients_.find(id); client != clients_.end()) {
    client_keys_.erase(client->second.key);
    Detach(client->second.flow, id);
    clients_.erase(client);
  }
}

void Transactions::AddKeys(TransactionId id, Server& server) {
  server.key = ServerKey(server.owner, server.request, server.request.method);
  server_keys_[server.key] = id;
  if (!server.request.to.tag().empty()) return;
  server.merge_key = MergeKey(server.owner, server.request);
  merge_keys_[server.merge_key] = id;
}

// A key may have become another transaction's when flows changed their owner.
void Transactions::RemoveKeys(TransactionId id, const Server& server) {
  const auto key = server_keys_.find(server.key);
  if (key != server_keys_.end() && key->second == id) server_keys_.erase(key);
  const auto merge_key = merge_keys_.find(server.merge_key);
  if (merge_key != merge_keys_.end() && merge_key->second == id) merge_keys_.erase(merge_key);
}

void Transactions::ChangeOwner(FlowId flow, uint64_t owner) {
  const auto found = by_flow_.find(flow);
  if (found == by_flow_.end()) return;
  for (TransactionId id : found->second) {
    if (const auto server = servers_.find(id); server != servers_.end()) {
      RemoveKeys(id, server->second);
      server->second.owner = owner;
      AddKeys(id, server->second);
    } else if (const auto client = clients_.find(id); client != clients_.end()) {
      client->second.owner = owner;
    }
  }
}

void Transactions::Detach(FlowId flow, TransactionId id) {
  const auto found = by_flow_.find(flow);
  if (found == by_flow_.end()) return;
  found->second.erase(id);
  if (found->second.empty()) by_flow_.erase(found);
}

std::vector<TransactionId> Transactions::RemoveFlow(FlowId flow) {
  std::vector<TransactionId> ended;
  if (const auto found = by_flow_.find(flow); found != by_flow_.end()) {
    ended.assign(found->second.begin(), found->second.end());
  }
  for (TransactionId id : ended) End(id);
  return ended;
}

std::optional<TransactionId> Transactions::PopExpired(TimePoint now) {
  const std::optional<TransactionId> id = timers_.PopDue(now);
  if (id) End(*id);
  return id;
}

}  // namespace lastmile::sip
