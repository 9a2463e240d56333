#ifndef LASTMILE_WS_CONNECTION_H_
#define LASTMILE_WS_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "ws/frame.h"
#include "ws/http_request.h"
#include "ws/origin.h"
#include "ws/upgrade.h"

namespace lastmile::ws {

// What all connections of a server share. Outlives them.
struct ConnectionRules {
  size_t max_message = 0;     // bytes
  size_t max_send_queue = 0;  // bytes
  Duration ping_interval{};
  Duration handshake_timeout{};
  OriginPolicy origins;
  // Sec-WebSocket-Accept of a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
  std::string (*accept_key)(std::string_view key) = nullptr;
};

// How long a peer may leave our output unread before it is given up (S-36).
inline constexpr Duration kStallLimit = 5s;
// How long the peer's answer to our Close frame is waited for.
inline constexpr Duration kCloseLimit = 2s;
// How long the peer may still send after our last byte. Closing at once would make the kernel send
// a reset, which can overtake that last byte (RFC 9112 section 9.6).
inline constexpr Duration kLingerLimit = 1s;

// One TCP connection of a browser from its first decrypted byte: HTTP requests for the page, then
// perhaps a WebSocket (RFC 6455). Takes bytes, commands and `now`, returns bytes, events and a
// deadline. Sans-IO; thread: its owner's.
class Connection {
 public:
  // --- events, in the order in which they happened ---
  struct PageWanted {  // answer with Respond()
    std::string method;
    std::string target;
    bool keep_alive = false;
  };
  struct Refused {  // a request or a peer was turned away; for the log
    int status = 0;
    std::string_view reason;  // static
  };
  struct OpenedUp {};  // is a WebSocket now
  struct MessageIn {
    std::string text;
  };
  struct ClosedDown {  // the WebSocket's last event
    uint16_t code = kCloseAbnormal;
    std::string_view reason;  // static
  };
  using Event = std::variant<PageWanted, Refused, OpenedUp, MessageIn, ClosedDown>;

  Connection(const ConnectionRules& rules, bool tls, TimePoint now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Bytes from the peer, changed in place.
  void OnBytes(char* bytes, size_t size, TimePoint now);
  void OnTime(TimePoint now);
  // The transport is gone.
  void OnGone();

  // One text frame. Does nothing unless this is an open WebSocket. Closes with 1008 when the peer
  // has left too much unread.
  void Send(std::string_view text, TimePoint now);
  // Sends what is queued, then a Close frame. A connection that is no WebSocket is ended.
  void Close(uint16_t code, std::string_view reason, TimePoint now);

  // The answer to PageWanted: a head, then, while awaiting_body(), pieces of the body as it
  // announced.
  void Respond(std::string head, bool body_follows, TimePoint now);
  void Body(std::string piece, bool last, TimePoint now);
  bool awaiting_body() const { return state_ == State::kServing && body_follows_; }

  // Output: the bytes to write next, empty if there are none; then how many of them were taken.
  std::string_view output() const;
  void TakeOutput(size_t size, TimePoint now);

  std::vector<Event> TakeEvents();
  TimePoint deadline() const;
  // Everything is written: shut the sending side down, once, and go on reading.
  bool wants_half_close() const { return state_ == State::kLingering && queue_.empty(); }
  // Drop the transport now.
  bool done() const { return state_ == State::kDone; }
  bool is_websocket() const { return state_ == State::kOpen || state_ == State::kClosing; }

 private:
  enum class State {
    kHead,       // a request is awaited or is coming in
    kServing,    // its response is going out
    kOpen,       // a WebSocket
    kClosing,    // our Close frame is out, the peer's is awaited
    kLingering,  // nothing more will be said; the peer may read it all
    kDone,
  };

  void SetState(State next, TimePoint deadline);
  void ReadHeads(TimePoint now);
  void OnRequest(const Request& request, TimePoint now);
  void OnUpgrade(const Request& request, TimePoint now);
  void Refuse(int status, std::string_view reason, std::string_view extra, TimePoint now);
  void FinishResponse(TimePoint now);
  void ReadFrames(char* bytes, size_t size, TimePoint now);
  void OnItem(MessageReader::Item& item, TimePoint now);
  void OnPeerClose(uint16_t code, TimePoint now);
  void OnPing(std::string_view payload, TimePoint now);
  TimePoint NextPing(TimePoint now) const;
  void PingOrGiveUp(TimePoint now);
  void EndOpen(uint16_t code, std::string_view reason);
  void FailOpen(uint16_t code, std::string_view reason, State next, TimePoint now);
  void Queue(std::string bytes, TimePoint now);
  void DropUnsent();

  const ConnectionRules& rules_;
  const bool tls_;
  State state_ = State::kHead;
  TimePoint state_deadline_;
  std::vector<Event> events_;

  // HTTP.
  std::string input_;  // a head that is not complete, or what came after the one being served
  bool keep_alive_ = false;
  bool body_follows_ = false;

  // WebSocket.
  std::optional<MessageReader> reader_;
  TimePoint next_ping_ = kNever;
  int unanswered_pings_ = 0;

  // Output: whole frames or pieces of responses; of the first one, `front_taken_` bytes are gone.
  std::list<std::string> queue_;  // an idle connection has none: it weighs nothing then
  size_t front_taken_ = 0;
  size_t queued_bytes_ = 0;
  TimePoint stall_deadline_ = kNever;
  std::optional<std::string> pong_;  // the newest ping's answer, sent when the queue is empty
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_CONNECTION_H_
