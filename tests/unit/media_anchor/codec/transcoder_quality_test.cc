// Opus and PCMU, both ways: what a transcoder adds to what the codecs do by themselves.
#include <gtest/gtest.h>

#include <iostream>

#include "media_anchor/codec/resampler.h"
#include "media_anchor/codec/transcoder.h"
#include "tests/support/codec_line.h"
#include "tests/support/recorded_speech.h"

namespace lastmile::media {
namespace {

using test::Samples;

std::vector<Bytes> EncodeAt(AudioCodec codec, uint32_t rate, const Samples& samples) {
  const auto encoder = AudioEncoder::Create(codec, rate);
  const size_t frame = rate / 50;
  std::vector<Bytes> payloads;
  Bytes room(AudioEncoder::kMaxSize);
  for (size_t at = 0; at + frame <= samples.size(); at += frame) {
    const size_t size = encoder->Encode(Pcm(samples).subspan(at, frame), room);
    payloads.emplace_back(room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
  }
  return payloads;
}

// The same two codecs one behind the other, in one pass over all samples, by the libraries alone.
std::vector<Bytes> PlainPass(AudioCodec in, AudioCodec out, const Samples& source) {
  return EncodeAt(out, 8000, test::DecodeAll(in, test::EncodeAll(in, source), 8000));
}

Samples Resample(const Samples& samples, uint32_t from, uint32_t to) {
  const auto resampler = Resampler::Create(from, to);
  Samples all(samples.size() / from * to + samples.size() % from * to / from);
  resampler->Process(samples, all);
  return all;
}

// The textbook's: Opus at 48 kHz and a resampler between the two.
std::vector<Bytes> ResampledPass(AudioCodec in, AudioCodec out, const Samples& source) {
  const Samples between = test::DecodeAll(in, test::EncodeAll(in, source), NativeRateOf(in));
  return EncodeAt(out, NativeRateOf(out), Resample(between, NativeRateOf(in), NativeRateOf(out)));
}

// dB. Opus knows to decode at 8 kHz, but it is a hundredth of a dB better on a recording to decode
// at 48 kHz and to resample, which costs more.
constexpr double kHardlyLess = 0.05;

enum class Signal { kTone, kVoice, kRecording };

Samples Make(Signal signal) {
  switch (signal) {
    case Signal::kTone:
      return test::MakeTone(1000, -12, 8s);
    case Signal::kVoice:
      return test::MakeSpeech(8s, 7);
    case Signal::kRecording:
      return test::Narrow(test::ReadRecordedSpeech());
  }
  return {};
}

struct Case {
  const char* name;
  AudioCodec in;
  AudioCodec out;
  Signal signal;
};

class Quality : public ::testing::TestWithParam<Case> {};

TEST_P(Quality, IsThatOfOnePassOfTheLibraries) {
  const auto& [name, in, out, signal] = GetParam();
  const Samples source = Make(signal);
  if (source.empty()) GTEST_SKIP() << "no " << test::kRecordedSpeech << ": is alsa-utils there?";
  const auto transcoder = test::MakeTranscoder(test::PlanOf(in, out));
  const auto left = test::PayloadsOf(test::Run(*transcoder, test::Packetize(in, source), 20ms));
  auto plain = PlainPass(in, out, source);
  auto resampled = ResampledPass(in, out, source);
  // The end of the source waits in the jitter buffer yet.
  ASSERT_GE(left.size(), plain.size() - 4);
  plain.resize(left.size());
  resampled.resize(left.size());
  const auto snr = [&](const std::vector<Bytes>& payloads) {
    return test::SegmentalSnr(test::DecodeAll(out, payloads, 8000), 8000, source).snr;
  };
  std::cout << name << ": through the transcoder " << snr(left) << " dB, one pass " << snr(plain)
            << " dB, one pass over 48 kHz " << snr(resampled) << " dB\n";
  EXPECT_TRUE(left == plain) << "not the same bytes";
  EXPECT_GE(snr(left), snr(plain));
  EXPECT_GE(snr(left), snr(resampled) - (signal == Signal::kRecording ? kHardlyLess : 0));
  EXPECT_GT(snr(left), 5);
}

INSTANTIATE_TEST_SUITE_P(
    Signals, Quality,
    ::testing::Values(
        Case{"opus_to_pcmu_tone", AudioCodec::kOpus, AudioCodec::kPcmu, Signal::kTone},
        Case{"opus_to_pcmu_speech", AudioCodec::kOpus, AudioCodec::kPcmu, Signal::kVoice},
        Case{"opus_to_pcmu_recording", AudioCodec::kOpus, AudioCodec::kPcmu, Signal::kRecording},
        Case{"pcmu_to_opus_tone", AudioCodec::kPcmu, AudioCodec::kOpus, Signal::kTone},
        Case{"pcmu_to_opus_speech", AudioCodec::kPcmu, AudioCodec::kOpus, Signal::kVoice},
        Case{"pcmu_to_opus_recording", AudioCodec::kPcmu, AudioCodec::kOpus, Signal::kRecording}),
    [](const auto& which) { return which.param.name; });

}  // namespace
}  // namespace lastmile::media
