#ifndef LASTMILE_GATEWAY_SIP_LEXICAL_H_
#define LASTMILE_GATEWAY_SIP_LEXICAL_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The small words of RFC 3261 section 25.1, shared by reader and printer, so that both sides mean
// the same by "token" or "escaped". ASCII only, never the locale's. Thread: any, pure.
namespace lastmile::sip {

inline constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline constexpr bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }
inline char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> chars{};
  for (int c = 0; c < 128; ++c) {
    const char letter = static_cast<char>(c);
    chars[static_cast<size_t>(c)] = IsDigit(letter) || IsAlpha(letter);
  }
  for (const char c : std::string_view("-.!%*_+`'~")) chars[static_cast<unsigned char>(c)] = true;
  return chars;
}();
inline bool IsTokenChar(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }
bool IsToken(std::string_view text);  // one character at least
// Inline because a header's name is compared with some fifty others.
inline bool EqualNoCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return ToLower(x) == ToLower(y);
         });
}
// Of a header that is a list of tokens (Supported, Allow ...): whether it has that one.
bool HasToken(const std::vector<std::string>& list, std::string_view token);
std::string LowerCase(std::string_view text);
std::string_view Trim(std::string_view text);  // blanks at both ends

// Digits only, at most `max`; nothing else: no sign, no blank.
std::optional<uint32_t> ParseNumber(std::string_view digits, uint32_t max);

// "a \"b\"" without its quotes and backslashes. Text that is no quoted string stays as it is.
std::string Unquote(std::string_view text);
// Always quoted; " and \ get a backslash.
std::string Quote(std::string_view text);

// %XX decoded; a '%' without two hexadecimal digits stays as it is.
std::string Unescape(std::string_view text);
// Letters, digits, "mark" of RFC 3261 and `also` stay; every other byte becomes %XX.
std::string Escape(std::string_view text, std::string_view also);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_LEXICAL_H_
