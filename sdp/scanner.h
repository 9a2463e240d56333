#ifndef LASTMILE_SDP_SCANNER_H_
#define LASTMILE_SDP_SCANNER_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lastmile::sdp {

// token of RFC 8866 section 9: visible ASCII without the separators "(),/:;<=>?@[\] and double
// quote.
constexpr bool IsTokenChar(char c) {
  const auto u = static_cast<unsigned char>(c);
  if (u <= 0x20 || u >= 0x7f) return false;
  constexpr std::string_view kSeparators = "\"(),/:;<=>?@[\\]";
  return kSeparators.find(c) == std::string_view::npos;
}

constexpr bool IsToken(std::string_view text) {
  for (char c : text) {
    if (!IsTokenChar(c)) return false;
  }
  return !text.empty();
}

constexpr bool IsVisible(std::string_view text) {
  for (char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return !text.empty();
}

// Decimal digits only, no sign, at most `max`.
inline std::optional<uint64_t> ToNumber(std::string_view text, uint64_t max) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number > max) return std::nullopt;
  return number;
}

// Walks over one value word by word and knows where it stands. Words are separated by one or more
// spaces: real senders write two, or one at the end.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { SkipSpaces(); }

  // The next word, empty at the end. start() is then its offset.
  std::string_view Word() {
    start_ = next_;
    const size_t space = text_.find(' ', next_);
    next_ = space == std::string_view::npos ? text_.size() : space;
    const std::string_view word = text_.substr(start_, next_ - start_);
    SkipSpaces();
    return word;
  }
  // All that has not been read, without spaces in front.
  std::string_view Rest() {
    start_ = next_;
    next_ = text_.size();
    return text_.substr(start_);
  }
  bool done() const { return next_ == text_.size(); }
  size_t start() const { return start_; }
  size_t next() const { return next_; }

 private:
  void SkipSpaces() {
    while (next_ < text_.size() && text_[next_] == ' ') ++next_;
  }

  std::string_view text_;
  size_t start_ = 0;
  size_t next_ = 0;
};

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_SCANNER_H_
