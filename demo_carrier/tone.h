#ifndef LASTMILE_DEMO_CARRIER_TONE_H_
#define LASTMILE_DEMO_CARRIER_TONE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

// Tones of 8 kHz audio, made and recognised. Pure; thread: any.
namespace lastmile::demo_carrier {

inline constexpr int kSampleRate = 8000;

// One or two sines without a jump between the blocks.
class ToneSource {
 public:
  // `second_hz` 0: one sine only; `first_hz` 0: silence. Each sine's peak is 0.3 of full scale.
  void Set(double first_hz, double second_hz = 0);
  void Fill(std::span<int16_t> samples);

 private:
  struct Sine {
    double step = 0;  // radians a sample
    double phase = 0;
  };
  Sine first_;
  Sine second_;
};

// The frequencies of a key of a telephone (ITU-T Q.23); nullopt: no such key.
std::optional<std::pair<double, double>> DtmfPair(char digit);

// The loudest frequency of a stretch of audio, and the level of all of it.
struct Heard {
  double hz = 0;           // 0: silence
  double level_db = -127;  // root mean square below full scale (32768)
};

// Collects a second of audio at a time. The frequency comes from a windowed FFT of 8192 points with
// interpolation between its bins: a steady sine is found within 0.5 Hz.
class ToneMeter {
 public:
  // True: a second is full, `heard` is set and the next one begins.
  bool Add(int16_t sample, Heard& heard);
  // What came since the last full second, if anything did.
  Heard Take();

 private:
  std::vector<int16_t> samples_;
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_TONE_H_
