#ifndef LASTMILE_GATEWAY_SIP_FRAMER_H_
#define LASTMILE_GATEWAY_SIP_FRAMER_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace lastmile::sip {

inline constexpr size_t kMaxHead = 16 * 1024;

// Cuts a TCP or TLS byte stream into SIP messages by Content-Length (RFC 3261 section 18.3) and
// answers keep-alives (RFC 5626 section 4.4.1). One rule, no guessing: a head over 16 KiB, a
// message over kMaxMessageSize, a Content-Length that is missing, repeated with another value,
// signed or not a number ends the stream. Sans-IO. Thread: its owner's.
class Framer {
 public:
  struct Output {
    std::vector<std::string> messages;  // whole, in order
    int pings = 0;                      // CRLFCRLF received: answer each with CRLF
    // CRLF received between messages. The first half of a ping counts too: what it is shows only
    // with the next bytes, and a pong has to be told at once.
    int pongs = 0;
  };
  // On an error the stream must be closed; messages complete before it are in `out`. The error may
  // carry the head of the offending message, so that it can be answered with 400 first. Every
  // further Push fails with the same reason.
  struct FrameError {
    std::string reason;
    std::string head;
  };
  // What is added to `out` does not depend on how the stream was cut into pieces.
  Result<void, FrameError> Push(ByteView bytes, Output& out);
  bool has_part() const { return !buffer_.empty(); }  // of a message that has not come whole

 private:
  enum class Step { kAgain, kNeedMore };

  Result<Step, FrameError> TakeOne(std::string_view rest, size_t& taken, Output& out);
  Result<Step, FrameError> TakeKeepAlive(std::string_view rest, size_t& taken, Output& out);
  Result<void, FrameError> ReadHead(std::string_view head);
  std::unexpected<FrameError> End(std::string reason, std::string_view head);

  std::string buffer_;
  size_t scanned_ = 0;  // bytes of the message at the front known to hold no end of head
  std::optional<size_t> expected_;  // size of the message at the front, once its head is whole
  bool half_ping_ = false;          // the byte pair before the front was a CRLF
  std::string failed_;              // the reason of the error that ended the stream
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_FRAMER_H_
