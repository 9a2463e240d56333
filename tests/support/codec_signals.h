#ifndef LASTMILE_TESTS_SUPPORT_CODEC_SIGNALS_H_
#define LASTMILE_TESTS_SUPPORT_CODEC_SIGNALS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "media_anchor/codec/pcm.h"

// Signals for tests of audio, and what is left of them. They are made at kSourceRate, of which the
// rates of all codecs are parts. Levels in dB of a sine that fills the range.
namespace lastmile::media::test {

inline constexpr uint32_t kSourceRate = 48000;
using Samples = std::vector<int16_t>;

Samples MakeTone(double hz, double level, Duration length);
// Like a voice, below 3.4 kHz: pulses of a pitch that moves through three formants that change,
// some hiss, and pauses. The same for the same seed.
Samples MakeSpeech(Duration length, uint64_t seed);
// What a telephone hears of it: below 3.4 kHz, too.
Samples Narrow(const Samples& source);
// Every n-th sample; nothing above half of `rate` is in these signals.
Samples AtRate(const Samples& source, uint32_t rate);

struct ToneFound {
  double level = 0;   // of the tone
  double purity = 0;  // its share of the power, in dB above the rest
};
ToneFound FindTone(Pcm pcm, uint32_t rate, double hz);
double LevelOf(Pcm pcm);

// Segmental SNR of what came out against the source, in dB: the mean over 20 ms pieces in which the
// source is not silent, each between -10 and 35 dB. The delay is found, to a sample of the source.
struct Compared {
  double snr = 0;
  double level_error = 0;  // mean difference of the levels of these pieces, which ears hear first
  Duration delay{};
  size_t segments = 0;
};
Compared SegmentalSnr(Pcm out, uint32_t rate, const Samples& source);

}  // namespace lastmile::media::test

#endif  // LASTMILE_TESTS_SUPPORT_CODEC_SIGNALS_H_
