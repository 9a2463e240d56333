#ifndef LASTMILE_GATEWAY_SIP_NAMES_H_
#define LASTMILE_GATEWAY_SIP_NAMES_H_

#include <algorithm>
#include <string>
#include <string_view>

// Header names, host names and option tags compare without case (RFC 3261 section 7.3.1). ASCII
// only, whatever the locale says. Private to the user agent. Thread: any, pure.
namespace lastmile::sip {

inline char LowerAscii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool SameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, LowerAscii, LowerAscii);
}

inline std::string LowerName(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), LowerAscii);
  return lower;
}

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_NAMES_H_
