#ifndef LASTMILE_SDP_PARSER_H_
#define LASTMILE_SDP_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sdp/model.h"

namespace lastmile::sdp {

// Bounds of what is read at all. A peer that needs more is not one this gateway can serve.
inline constexpr size_t kMaxTextBytes = 32 * 1024;
inline constexpr size_t kMaxLineBytes = 8 * 1024;  // without its end
inline constexpr size_t kMaxLines = 1024;
inline constexpr size_t kMaxMediaSections = 8;
inline constexpr size_t kMaxAttributes = 512;  // of all levels together

// Where and why reading stopped. Line and column are 1-based, a column is a byte.
struct ParseError {
  uint32_t line = 0;
  uint32_t column = 0;
  std::string message;  // a sentence; never the peer's raw bytes

  std::string ToString() const;  // "line 5, column 37: ..."
};

// RFC 8866 section 9, strict where structure depends on it (line shape, v=, m=), keeping everything
// else as it is for the typed views to judge. Accepts CRLF, LF, a missing last line end and empty
// lines at the end. Time linear in the text. Pure. Thread: any.
Result<SessionDescription, ParseError> Parse(std::string_view text);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_PARSER_H_
