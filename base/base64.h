#ifndef LASTMILE_BASE_BASE64_H_
#define LASTMILE_BASE_BASE64_H_

#include <string>
#include <string_view>

#include "base/bytes.h"

// Base64 (RFC 4648 section 4). Thread: any, pure functions.
namespace lastmile {

std::string ToBase64(ByteView bytes);  // with padding, on one line
// The bytes up to the first character that is not of the alphabet.
Bytes FromBase64(std::string_view text);

}  // namespace lastmile

#endif  // LASTMILE_BASE_BASE64_H_
