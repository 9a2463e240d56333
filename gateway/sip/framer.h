#ifndef LASTMILE_GATEWAY_SIP_FRAMER_H_
#define LASTMILE_GATEWAY_SIP_FRAMER_H_

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace lastmile::sip {

// Cuts a TCP or TLS byte stream into SIP messages by Content-Length (RFC 3261 section 18.3) and
// answers keep-alives (RFC 5626 section 4.4.1). One rule, no guessing: a head over 16 KiB, a message
// over kMaxMessageSize, a Content-Length that is missing, repeated with another value, signed or not
// a number ends the stream. Sans-IO. Thread: its owner's.
class Framer {
 public:
  struct Output {
    std::vector<std::string> messages;  // whole, in order
    int pings = 0;                      // CRLFCRLF received: answer each with CRLF
    int pongs = 0;                      // CRLF received between messages
  };
  // On an error the stream must be closed; messages complete before it are in `out`. The error may
  // carry the head of the offending message, so that it can be answered with 400 first.
  struct FrameError {
    std::string reason;
    std::string head;
  };
  Result<void, FrameError> Push(ByteView bytes, Output& out);

 private:
  std::string buffer_;
  size_t scanned_ = 0;  // bytes of buffer_ known to hold no end of head
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_FRAMER_H_
