// Opus and PCMU, both ways: what a transcoder adds to what the codecs do by themselves.
#include <gtest/gtest.h>

#include <iostream>

#include "media_anchor/codec/resampler.h"
#include "media_anchor/codec/transcoder.h"
#include "tests/support/codec_line.h"

namespace lastmile::media {
namespace {

using test::Samples;

// The same two codecs one behind the other, in one pass over all samples, by the libraries alone.
Samples PlainPass(AudioCodec in, AudioCodec out, const Samples& source) {
  const Samples between = test::DecodeAll(in, test::EncodeAll(in, source), 8000);
  const auto encoder = AudioEncoder::Create(out, 8000);
  std::vector<Bytes> payloads;
  Bytes room(AudioEncoder::kMaxSize);
  for (size_t at = 0; at + 160 <= between.size(); at += 160) {
    const size_t size = encoder->Encode(Pcm(between).subspan(at, 160), room);
    payloads.emplace_back(room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
  }
  return test::DecodeAll(out, payloads, 8000);
}

Samples Resample(const Samples& samples, uint32_t from, uint32_t to) {
  const auto resampler = Resampler::Create(from, to);
  Samples all(samples.size() / from * to + samples.size() % from * to / from);
  resampler->Process(samples, all);
  return all;
}

// The textbook's: Opus at 48 kHz and a resampler between the two.
Samples ResampledPass(AudioCodec in, AudioCodec out, const Samples& source) {
  const Samples between = test::DecodeAll(in, test::EncodeAll(in, source), NativeRateOf(in));
  const Samples other = Resample(between, NativeRateOf(in), NativeRateOf(out));
  const auto encoder = AudioEncoder::Create(out, NativeRateOf(out));
  const size_t frame = NativeRateOf(out) / 50;
  std::vector<Bytes> payloads;
  Bytes room(AudioEncoder::kMaxSize);
  for (size_t at = 0; at + frame <= other.size(); at += frame) {
    const size_t size = encoder->Encode(Pcm(other).subspan(at, frame), room);
    payloads.emplace_back(room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
  }
  return test::DecodeAll(out, payloads, 8000);
}

struct Case {
  const char* name;
  AudioCodec in;
  AudioCodec out;
  bool speech;
};

class Quality : public ::testing::TestWithParam<Case> {};

TEST_P(Quality, IsThatOfOnePassOfTheLibraries) {
  const auto& [name, in, out, speech] = GetParam();
  const Samples source = speech ? test::MakeSpeech(8s, 7) : test::MakeTone(1000, -12, 8s);
  const auto transcoder = test::MakeTranscoder(test::PlanOf(in, out));
  const auto left = test::Run(*transcoder, test::Packetize(in, source), 20ms);
  const auto through = test::SegmentalSnr(test::Hear(out, left, 8000), 8000, source);
  const auto plain = test::SegmentalSnr(PlainPass(in, out, source), 8000, source);
  const auto resampled = test::SegmentalSnr(ResampledPass(in, out, source), 8000, source);
  std::cout << name << ": through the transcoder " << through.snr << " dB, one pass " << plain.snr
            << " dB, one pass over 48 kHz " << resampled.snr << " dB\n";
  ASSERT_GT(through.segments, 200u);
  EXPECT_GE(through.snr, plain.snr - 0.05);
  EXPECT_GE(through.snr, resampled.snr - 0.05);
  EXPECT_GT(through.snr, 5);
}

INSTANTIATE_TEST_SUITE_P(
    Signals, Quality,
    ::testing::Values(Case{"opus_to_pcmu_tone", AudioCodec::kOpus, AudioCodec::kPcmu, false},
                      Case{"opus_to_pcmu_speech", AudioCodec::kOpus, AudioCodec::kPcmu, true},
                      Case{"pcmu_to_opus_tone", AudioCodec::kPcmu, AudioCodec::kOpus, false},
                      Case{"pcmu_to_opus_speech", AudioCodec::kPcmu, AudioCodec::kOpus, true}),
    [](const auto& which) { return which.param.name; });

}  // namespace
}  // namespace lastmile::media
