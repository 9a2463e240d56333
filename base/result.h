#ifndef LASTMILE_BASE_RESULT_H_
#define LASTMILE_BASE_RESULT_H_

#include <expected>
#include <string>
#include <utility>

namespace lastmile {

// The plain error of a module that has no richer error type of its own. `message` is one sentence
// a person understands; it never carries a credential, a phone number or a peer's raw bytes.
struct Error {
  std::string message;
};

// A value or the reason why there is none. Never ignored: a caller handles the error or says
// explicitly why not. Modules with typed errors (sdp::ParseError, sip::ParseError) name them as E.
// Thread: any, a plain value.
template <class T, class E = Error>
class [[nodiscard]] Result : public std::expected<T, E> {
 public:
  using std::expected<T, E>::expected;
};

inline std::unexpected<Error> Fail(std::string message) {
  return std::unexpected<Error>(Error{std::move(message)});
}

}  // namespace lastmile

#endif  // LASTMILE_BASE_RESULT_H_
