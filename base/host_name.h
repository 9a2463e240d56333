#ifndef LASTMILE_BASE_HOST_NAME_H_
#define LASTMILE_BASE_HOST_NAME_H_

#include <string>
#include <string_view>

// Names of hosts and domains as text. ASCII only, whatever the locale. Thread: any.
namespace lastmile {

// Case says nothing in DNS (RFC 4343): names are compared like this.
std::string LowerCaseName(std::string name);

// At most 253 of a-z, 0-9, '-' and '.': in lower case, and nothing a reader could stop at (a zero
// byte) or take for a pattern.
bool IsHostName(std::string_view name);

}  // namespace lastmile

#endif  // LASTMILE_BASE_HOST_NAME_H_
