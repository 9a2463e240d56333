#include "ws/connection.h"

#include <algorithm>
#include <utility>

#include "ws/http_response.h"

namespace lastmile::ws {
namespace {

constexpr int kMaxUnansweredPings = 2;
constexpr Duration kPingSlice = 1s;
constexpr int kLeastPingSlices = 16;   // of an interval
constexpr size_t kFrameOverhead = 10;  // the longest header of a server's frame

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

Connection::Connection(const ConnectionRules& rules, bool tls, TimePoint now)
    : rules_(rules), tls_(tls), state_deadline_(now + rules.handshake_timeout) {}

void Connection::SetState(State next, TimePoint deadline) {
  state_ = next;
  state_deadline_ = deadline;
  if (next == State::kDone) {
    queue_.clear();
    queued_bytes_ = front_taken_ = 0;
    stall_deadline_ = kNever;
  }
}

void Connection::OnBytes(char* bytes, size_t size, TimePoint now) {
  switch (state_) {
    case State::kHead:
      input_.append(bytes, size);
      return ReadHeads(now);
    case State::kServing:
      // Only the next requests can come here; a client that sends more than a head's worth of
      // them without reading the answers is not a browser.
      input_.append(bytes, size);
      if (input_.size() > kMaxHeadBytes) SetState(State::kDone, kNever);
      return;
    case State::kOpen:
    case State::kClosing:
      return ReadFrames(bytes, size, now);
    case State::kLingering:
    case State::kDone:
      return;
  }
}

void Connection::ReadHeads(TimePoint now) {
  while (state_ == State::kHead && !input_.empty()) {
    const HeadResult result = ParseHead(input_);
    switch (result.kind) {
      case HeadResult::Kind::kIncomplete:
        return;
      case HeadResult::Kind::kRefused:
        return Refuse(result.status, result.reason, {}, now);
      case HeadResult::Kind::kComplete:
        OnRequest(result.request, now);
        input_.erase(0, result.consumed);
        break;
    }
  }
  if (state_ == State::kOpen) {
    std::string rest = std::exchange(input_, {});
    ReadFrames(rest.data(), rest.size(), now);
  }
}

void Connection::OnRequest(const Request& request, TimePoint now) {
  if (request.Count("Upgrade") > 0) return OnUpgrade(request, now);
  if (request.method != "GET" && request.method != "HEAD") {
    return Refuse(405, "Only GET and HEAD are possible here.", "Allow: GET, HEAD\r\n", now);
  }
  keep_alive_ = request.keep_alive();
  SetState(State::kServing, kNever);
  events_.push_back(
      PageWanted{std::string(request.method), std::string(request.target), keep_alive_});
}

void Connection::OnUpgrade(const Request& request, TimePoint now) {
  const UpgradeDecision decision = DecideUpgrade(request, rules_.origins, tls_);
  if (decision.status != 101) {
    const bool wrong_version = decision.status == 426;
    return Refuse(decision.status, decision.reason,
                  wrong_version ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : "", now);
  }
  Queue(BuildSwitchingProtocols(rules_.accept_key(decision.key)), now);
  reader_.emplace(rules_.max_message);
  next_ping_ = NextPing(now);
  SetState(State::kOpen, kNever);
  events_.push_back(OpenedUp{});
}

void Connection::Refuse(int status, std::string_view reason, std::string_view extra,
                        TimePoint now) {
  Queue(BuildResponseHead({.status = status, .content_length = reason.size() + 1, .extra = extra}),
        now);
  Queue(std::string(reason) + "\n", now);
  events_.push_back(Refused{status, reason});
  SetState(State::kLingering, now + kLingerLimit);
}

void Connection::Respond(std::string head, bool body_follows, TimePoint now) {
  if (state_ != State::kServing) return;
  body_follows_ = body_follows;
  Queue(std::move(head), now);
}

void Connection::Body(std::string piece, bool last, TimePoint now) {
  if (!awaiting_body()) return;
  body_follows_ = !last;
  Queue(std::move(piece), now);
}

void Connection::FinishResponse(TimePoint now) {
  if (!keep_alive_) return SetState(State::kLingering, now + kLingerLimit);
  SetState(State::kHead, now + rules_.handshake_timeout);
  ReadHeads(now);
}

void Connection::ReadFrames(char* bytes, size_t size, TimePoint now) {
  std::vector<MessageReader::Item> items;
  reader_->Read(bytes, size, items);
  for (MessageReader::Item& item : items) OnItem(item, now);
}

void Connection::OnItem(MessageReader::Item& item, TimePoint now) {
  const bool open = state_ == State::kOpen;
  std::visit(Overloaded{[&](MessageReader::Data& data) {
                          if (open) events_.push_back(MessageIn{std::move(data.payload)});
                        },
                        [&](const MessageReader::Ping& ping) {
                          if (open) OnPing(ping.payload, now);
                        },
                        [&](MessageReader::Pong) { unanswered_pings_ = 0; },
                        [&](MessageReader::PeerClose close) { OnPeerClose(close.code, now); },
                        [&](MessageReader::Violation wrong) {
                          if (open) {
                            FailOpen(wrong.code, wrong.reason, State::kLingering, now);
                          } else {
                            SetState(State::kLingering, now + kLingerLimit);
                          }
                        }},
             item);
}

void Connection::OnPeerClose(uint16_t code, TimePoint now) {
  if (state_ == State::kOpen) {
    DropUnsent();
    EndOpen(code, "closed by the peer");
    Queue(BuildCloseFrame(code, {}), now);
  }
  SetState(State::kLingering, now + kLingerLimit);
}

// A flood of pings costs one pong at a time: RFC 6455 section 5.5.3 asks for the newest one only.
void Connection::OnPing(std::string_view payload, TimePoint now) {
  std::string frame = BuildFrame(Opcode::kPong, payload);
  if (queue_.empty()) {
    Queue(std::move(frame), now);
  } else {
    pong_ = std::move(frame);
  }
}

// All connections of a slice of time are pinged at its begin: what is done for many at once costs
// fewer turns of the loop than one at a time. Never later than an interval after the last one.
TimePoint Connection::NextPing(TimePoint now) const {
  const Duration slice = std::min(kPingSlice, rules_.ping_interval / kLeastPingSlices);
  const Duration latest = (now + rules_.ping_interval).time_since_epoch();
  return TimePoint(latest - latest % slice);
}

void Connection::PingOrGiveUp(TimePoint now) {
  if (unanswered_pings_ >= kMaxUnansweredPings) {
    EndOpen(kCloseAbnormal, "two pings unanswered");
    return SetState(State::kDone, kNever);
  }
  ++unanswered_pings_;
  next_ping_ = NextPing(now);
  Queue(BuildFrame(Opcode::kPing, {}), now);
}

void Connection::EndOpen(uint16_t code, std::string_view reason) {
  next_ping_ = kNever;
  pong_.reset();
  events_.push_back(ClosedDown{code, reason});
}

void Connection::FailOpen(uint16_t code, std::string_view reason, State next, TimePoint now) {
  DropUnsent();
  EndOpen(code, reason);
  Queue(BuildCloseFrame(code, reason), now);
  stall_deadline_ = now + kStallLimit;  // what ran out was the time of the frames dropped here
  SetState(next, now + (next == State::kClosing ? kCloseLimit : kLingerLimit));
}

void Connection::Send(std::string_view text, TimePoint now) {
  if (state_ != State::kOpen) return;
  if (queued_bytes_ + text.size() + kFrameOverhead > rules_.max_send_queue) {
    return FailOpen(kClosePolicy, "too much unread", State::kClosing, now);
  }
  Queue(BuildFrame(Opcode::kText, text), now);
}

void Connection::Close(uint16_t code, std::string_view reason, TimePoint now) {
  switch (state_) {
    case State::kHead:
    case State::kServing:
      return SetState(State::kDone, kNever);
    case State::kOpen:
      EndOpen(code, "closed by us");
      Queue(BuildCloseFrame(code, reason), now);
      return SetState(State::kClosing, now + kCloseLimit);
    case State::kClosing:
    case State::kLingering:
    case State::kDone:
      return;
  }
}

void Connection::OnGone() {
  if (state_ == State::kOpen) EndOpen(kCloseAbnormal, "connection lost");
  SetState(State::kDone, kNever);
}

void Connection::OnTime(TimePoint now) {
  if (now >= stall_deadline_) {
    if (state_ == State::kOpen) {
      FailOpen(kClosePolicy, "left unread too long", State::kClosing, now);
    } else {
      SetState(State::kDone, kNever);
    }
  } else if (now >= state_deadline_) {
    SetState(State::kDone, kNever);
  } else if (state_ == State::kOpen && now >= next_ping_) {
    PingOrGiveUp(now);
  }
}

TimePoint Connection::deadline() const {
  return std::min({state_deadline_, stall_deadline_, next_ping_});
}

void Connection::Queue(std::string bytes, TimePoint now) {
  if (bytes.empty()) return;
  if (queue_.empty()) stall_deadline_ = now + kStallLimit;
  queued_bytes_ += bytes.size();
  queue_.push_back(std::move(bytes));
}

// A frame that has been begun must be finished, or the Close frame after it would be part of it.
void Connection::DropUnsent() {
  const bool keep_front = front_taken_ > 0;
  while (queue_.size() > (keep_front ? 1 : 0)) {
    queued_bytes_ -= queue_.back().size();
    queue_.pop_back();
  }
}

std::string_view Connection::output() const {
  if (queue_.empty()) return {};
  return std::string_view(queue_.front()).substr(front_taken_);
}

void Connection::TakeOutput(size_t size, TimePoint now) {
  front_taken_ += size;
  queued_bytes_ -= size;
  if (!queue_.empty() && front_taken_ == queue_.front().size()) {
    queue_.pop_front();
    front_taken_ = 0;
    if (pong_) {
      queued_bytes_ += pong_->size();
      queue_.push_front(*std::exchange(pong_, std::nullopt));
    }
  }
  stall_deadline_ = queue_.empty() ? kNever : now + kStallLimit;
  if (state_ == State::kServing && queue_.empty() && !body_follows_) FinishResponse(now);
}

std::vector<Connection::Event> Connection::TakeEvents() { return std::exchange(events_, {}); }

}  // namespace lastmile::ws
