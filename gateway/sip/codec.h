#ifndef LASTMILE_GATEWAY_SIP_CODEC_H_
#define LASTMILE_GATEWAY_SIP_CODEC_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/sip/message.h"

// Text to Message and back. Behind it: our strict pre-check (precheck.h), then sofia-sip's grammar.
// The body is never parsed here. Thread: any one at a time per process is not required: pure.
namespace lastmile::sip {

inline constexpr size_t kMaxMessageSize = 64 * 1024;

struct ParseError {
  int status = 400;    // 400, 413 (too large), 505 (not SIP/2.0), 416 ...
  std::string reason;  // a sentence; names the header, never repeats the peer's bytes
  // What could be read in spite of the error, enough to answer a request with `status` on the same
  // connection. Absent: nothing sensible can be answered (also never to a response or an ACK).
  std::optional<Message> answerable;
};

// `text` is one whole message: a WebSocket frame or what the Framer cut out of a stream. Over a
// WebSocket a missing Content-Length means "to the end"; one that is wrong is an error.
Result<Message, ParseError> Parse(std::string_view text);

// A URI by itself: of a configuration file, or of a parameter that names one (Digest's uri).
Result<Uri> ParseUri(std::string_view text);

// The value of a header that holds one address, with or without brackets (Refer-To). Its URI may
// have headers.
Result<NameAddr> ParseNameAddr(const std::string& value);

// CRLF line ends, exact Content-Length, compact order: start line, Via, From, To, Call-ID, CSeq,
// the rest. Values that would break a line (CR, LF, NUL) cannot get out: they are replaced by a
// space.
std::string Print(const Message& message);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_CODEC_H_
