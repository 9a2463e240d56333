#ifndef LASTMILE_WS_UTF8_H_
#define LASTMILE_WS_UTF8_H_

#include <string_view>

namespace lastmile::ws {

// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF). Thread: any, no state.
bool IsUtf8(std::string_view text);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_UTF8_H_
