#ifndef LASTMILE_GATEWAY_SIP_PRECHECK_H_
#define LASTMILE_GATEWAY_SIP_PRECHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/message.h"

// The strict check of a message's shape, before any grammar of a library sees a byte of it
// (RFC 3261 sections 7 and 25). Bounded time and memory. Thread: any, pure.
namespace lastmile::sip {

inline constexpr size_t kMaxLine = 8 * 1024;  // one header, unfolded; also the start line
inline constexpr size_t kMaxHeaders = 128;
inline constexpr size_t kMaxElements = 64;  // of one kind of list (Via, Contact ...) in a message
inline constexpr size_t kMaxParams = 64;    // of one element
inline constexpr uint32_t kMaxCSeq = 0x7FFFFFFF;  // RFC 3261 section 8.1.1.5

// Walks the header lines of a head: the one reader of lines that Precheck and Framer share, so that
// both agree where a header begins and ends. Lines end in CRLF; folded ones are joined with a
// space. The head must outlive the reader.
class HeadReader {
 public:
  explicit HeadReader(std::string_view head);

  std::string_view start_line() const { return start_line_; }
  bool Next();  // false: no more headers
  // Without blanks around it; empty if the line has no colon or begins with one.
  std::string_view name() const { return name_; }
  const std::string& value() const { return value_; }

 private:
  std::string_view TakeLine();

  std::string_view rest_;
  std::string_view start_line_;
  std::string_view name_;
  std::string value_;
};

// The Content-Length (or "l") of a head. None: absent. Error: signed, not a number, above
// kMaxMessageSize, or given twice with different values.
Result<std::optional<size_t>> ReadContentLength(std::string_view head);

// Printable ASCII without a blank. More than the grammar's two words: real peers put anything here,
// and it is only ever compared and echoed.
bool IsCallId(std::string_view text);

// A message cut into pieces; nothing of the values is understood but the start line and CSeq.
struct RawMessage {
  std::string method;  // requests
  std::string request_uri;
  int status = 0;  // responses; 0: a request
  std::string reason_phrase;
  CSeq cseq;
  std::vector<Header> headers;  // all, in order; known names in their long form
  std::string_view body;        // within the checked text

  const std::string* Find(std::string_view name) const;  // first of that name; without case
};

// Fills `raw` as far as it can be read, also when there is an error: a 400 has to name the Via it
// answers. Tabs become spaces, bytes that are no UTF-8 become '?', an escaped control byte in a
// quoted string becomes a space; any other control byte is an error.
std::optional<ParseError> Precheck(std::string_view text, RawMessage& raw);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_PRECHECK_H_
