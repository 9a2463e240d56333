#ifndef LASTMILE_WS_FRAME_H_
#define LASTMILE_WS_FRAME_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lastmile::ws {

// Close codes of RFC 6455 section 7.4.1 and its registry.
inline constexpr uint16_t kCloseNormal = 1000;
inline constexpr uint16_t kCloseGoingAway = 1001;
inline constexpr uint16_t kCloseProtocolError = 1002;
inline constexpr uint16_t kCloseNoStatus = 1005;  // never on the wire
inline constexpr uint16_t kCloseAbnormal = 1006;  // never on the wire
inline constexpr uint16_t kCloseBadData = 1007;
inline constexpr uint16_t kClosePolicy = 1008;
inline constexpr uint16_t kCloseTooBig = 1009;
inline constexpr uint16_t kCloseTryAgainLater = 1013;

inline constexpr size_t kMaxFragments = 64;  // frames a message (S-33)
inline constexpr size_t kMaxControlPayload = 125;

enum class Opcode : uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xa,
};

// One unmasked, final frame, as a server sends it (RFC 6455 section 5.2).
std::string BuildFrame(Opcode opcode, std::string_view payload);
// A Close frame; `reason` is cut to what fits into a control frame.
std::string BuildCloseFrame(uint16_t code, std::string_view reason);
// Whether an endpoint may put this code into a Close frame.
bool IsWireCloseCode(uint16_t code);

// Puts the frames of one client together into messages. Every rule of RFC 6455 section 5 is
// checked at the first byte that breaks it, and memory is bounded by what has been received of one
// message, never by a length a frame announces. Sans-IO; thread: its owner's.
class MessageReader {
 public:
  struct Data {  // a whole text or binary message
    std::string payload;
  };
  struct Ping {
    std::string payload;
  };
  struct Pong {};
  struct PeerClose {
    uint16_t code = kCloseNoStatus;
  };
  struct Violation {
    uint16_t code = kCloseProtocolError;
    std::string_view reason = {};  // static
  };
  using Item = std::variant<Data, Ping, Pong, PeerClose, Violation>;

  explicit MessageReader(size_t max_message) : max_message_(max_message) {}

  // Reads `bytes`, in which the payload is unmasked in place, and appends what they complete to
  // `out`. After a PeerClose or a Violation everything is ignored.
  void Read(char* bytes, size_t size, std::vector<Item>& out);

 private:
  using Fault = std::optional<Violation>;

  bool TakeHeader(char*& at, size_t& left, std::vector<Item>& out);
  Fault CheckFirstByte() const;
  Fault CheckLength() const;
  Fault OnHeaderComplete();
  void TakePayload(char*& at, size_t& left);
  void OnFrameComplete(std::vector<Item>& out);
  void OnControlFrame(std::vector<Item>& out);
  void OnPeerClose(std::vector<Item>& out);
  void Fail(Violation what, std::vector<Item>& out);

  bool control() const { return (opcode_ & 0x8) != 0; }
  uint8_t short_length() const { return header_[1] & 0x7f; }
  size_t extended_length_bytes() const;

  const size_t max_message_;
  bool ended_ = false;

  // The frame being read: 2 bytes, up to 8 of length, 4 of mask.
  std::array<uint8_t, 14> header_{};
  size_t header_filled_ = 0;
  bool in_payload_ = false;
  uint8_t opcode_ = 0;
  bool final_ = false;
  uint64_t payload_left_ = 0;
  std::array<uint8_t, 4> mask_{};
  size_t mask_at_ = 0;
  std::string control_;

  // The message being put together.
  bool in_message_ = false;
  bool text_ = false;
  size_t fragments_ = 0;
  std::string message_;
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_FRAME_H_
