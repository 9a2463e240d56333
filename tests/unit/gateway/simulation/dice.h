#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_DICE_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_DICE_H_

#include <cstddef>
#include <cstdint>

#include "base/random.h"
#include "base/time.h"

namespace lastmile::simulation {

// The one source of chance of a run, the gateway's included: the same seed, the same run.
class Dice final : public RandomSource {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}

  // splitmix64: cheap to start, which counts with many short runs.
  uint64_t Roll() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  size_t Below(size_t n) { return Roll() % n; }
  bool Chance(int percent) { return Below(100) < static_cast<size_t>(percent); }
  Duration Between(Duration least, Duration most) {
    return least +
           Duration(static_cast<int64_t>(Below(static_cast<size_t>((most - least).count()))));
  }
  template <class T, size_t N>
  const T& Of(const T (&list)[N]) {
    return list[Below(N)];
  }

  void Fill(MutableByteView out) override {
    for (size_t i = 0; i < out.size();) {
      uint64_t bits = Roll();
      for (int k = 0; k < 8 && i < out.size(); ++k, ++i, bits >>= 8) {
        out[i] = static_cast<uint8_t>(bits);
      }
    }
  }

 private:
  uint64_t state_;
};

}  // namespace lastmile::simulation

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_DICE_H_
