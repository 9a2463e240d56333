#ifndef LASTMILE_BASE_LOG_H_
#define LASTMILE_BASE_LOG_H_

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace lastmile {

// Sets up the process's log on standard error: one line per state change, decision or fault, with
// call= and leg= and the reason; nothing per packet. Call once from main before any thread starts;
// spdlog::info() and its siblings may then be used on any thread. An unknown level means "info".
void InitLog(std::string_view level);

// Marks a value that must not appear in a log as it is: numbers, user parts, addresses, keys.
// Prints as the first two characters and the length: enough to tell two apart, not to use one.
template <class T>
struct Redacted {
  const T& value;
};
template <class T>
Redacted(const T&) -> Redacted<T>;

std::string RedactText(std::string_view text);

}  // namespace lastmile

template <class T>
struct fmt::formatter<lastmile::Redacted<T>> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const lastmile::Redacted<T>& redacted, Context& context) const {
    std::string text;
    if constexpr (requires { redacted.value.ToString(); }) {
      text = redacted.value.ToString();
    } else {
      text = redacted.value;
    }
    return fmt::formatter<std::string>::format(lastmile::RedactText(text), context);
  }
};

#endif  // LASTMILE_BASE_LOG_H_
