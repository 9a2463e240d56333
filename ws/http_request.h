#ifndef LASTMILE_WS_HTTP_REQUEST_H_
#define LASTMILE_WS_HTTP_REQUEST_H_

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace lastmile::ws {

// Bounds on a request head (S-32): more is answered with 431.
inline constexpr size_t kMaxHeadBytes = 8 * 1024;
inline constexpr size_t kMaxHeaders = 64;

// The head of an HTTP/1.x request (RFC 9112). Every view points into the bytes given to ParseHead.
struct Request {
  struct Header {
    std::string_view name;
    std::string_view value;  // without the white space around it
  };
  std::string_view method;
  std::string_view target;  // origin-form: starts with '/', visible ASCII only
  bool http_1_1 = false;
  std::vector<Header> headers;

  // How many headers have this name (in any case).
  size_t Count(std::string_view name) const;
  // The value of the first one.
  std::optional<std::string_view> Find(std::string_view name) const;
  // Whether the comma-separated lists of all headers of this name hold `token`, in any case.
  bool HasToken(std::string_view name, std::string_view token) const;
  bool keep_alive() const;
};

// What ParseHead found.
struct HeadResult {
  enum class Kind { kIncomplete, kComplete, kRefused };
  Kind kind = Kind::kIncomplete;
  Request request;               // kComplete
  size_t consumed = 0;           // kComplete: the bytes of the head, with its empty line
  int status = 0;                // kRefused: the HTTP status to answer with
  std::string_view reason = {};  // kRefused: a sentence, static
};

// Reads one request head from the start of `bytes`. Strict: CRLF line ends only, no folding, no
// space before a colon, one Host (RFC 9112 sections 2.2, 3, 5). Refuses requests with a body.
// Thread: any, no state.
HeadResult ParseHead(std::string_view bytes);

// ASCII only.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_HTTP_REQUEST_H_
