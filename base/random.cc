#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace lastmile {

uint64_t RandomSource::Next64() {
  uint8_t bytes[8];
  Fill(bytes);
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::string RandomSource::Token(size_t length) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  // 248 = 4 * 62: bytes above it would favour the first letters.
  static constexpr uint8_t kFairBelow = 248;
  std::string token;
  token.reserve(length);
  uint8_t pool[32];
  while (token.size() < length) {
    Fill(pool);
    for (uint8_t b : pool) {
      if (b < kFairBelow && token.size() < length) token.push_back(kAlphabet[b % kAlphabet.size()]);
    }
  }
  return token;
}

void SystemRandom::Fill(MutableByteView out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = getrandom(out.data() + done, out.size() - done, 0);
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      std::abort();  // without random bytes every key would be guessable
    }
  }
}

void SeededRandom::Fill(MutableByteView out) {
  for (uint8_t& b : out) b = static_cast<uint8_t>(engine_());
}

}  // namespace lastmile
