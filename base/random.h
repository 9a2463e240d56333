#ifndef LASTMILE_BASE_RANDOM_H_
#define LASTMILE_BASE_RANDOM_H_

#include <cstdint>
#include <random>
#include <string>

#include "base/bytes.h"

namespace lastmile {

// Where sans-IO cores get unpredictable bytes from. Thread: each core's own source.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void Fill(MutableByteView out) = 0;

  uint64_t Next64();
  // Letters and digits only: a token of RFC 3261, an ice-char of RFC 8839. 5.95 bits a character.
  std::string Token(size_t length);
};

// The kernel's generator (getrandom). Thread: any.
class SystemRandom final : public RandomSource {
 public:
  void Fill(MutableByteView out) override;
};

// The same bytes for the same seed: for tests and replays, never for keys.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  void Fill(MutableByteView out) override;

 private:
  std::mt19937_64 engine_;
};

}  // namespace lastmile

#endif  // LASTMILE_BASE_RANDOM_H_
