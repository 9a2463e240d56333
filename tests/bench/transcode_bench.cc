// What transcoding costs: the CPU of one direction for 20 ms of a voice, packet in to packet out.
#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "media_anchor/codec/resampler.h"
#include "media_anchor/codec/transcoder.h"
#include "tests/support/codec_line.h"

namespace lastmile::media {
namespace {

using test::Samples;

constexpr Duration kFrame = 20ms;

// How many such streams a core has time for; transcode_report.py adds two of them up to a call.
void Count(benchmark::State& state) {
  const double seconds = std::chrono::duration<double>(kFrame).count();
  state.counters["streams_a_core"] =
      benchmark::Counter(seconds, benchmark::Counter::kIsIterationInvariantRate);
}

// The voice is long enough that it does not stay in the cache as a whole.
void Transcode(benchmark::State& state, AudioCodec in, AudioCodec out) {
  const auto transcoder = test::MakeTranscoder(test::PlanOf(in, out));
  const auto packets = test::Packetize(in, test::MakeSpeech(10s, 1));
  std::array<uint8_t, Transcoder::kMaxPacket> room;
  RtpHeader header = packets[0].header;
  TimePoint now = packets[0].at;
  size_t next = 0;
  for (auto _ : state) {
    transcoder->OnPacket(header, packets[next++ % packets.size()].payload, now, room);
    while (transcoder->Pop(now, room)) {
    }
    ++header.sequence;
    header.timestamp += RtpClockOf(in) / 50;
    now += kFrame;
  }
  Count(state);
}

// Opus to PCMU as it would be with a resampler behind the decoder, without a jitter buffer.
void DecodeAtFullRate(benchmark::State& state) {
  const auto payloads = test::EncodeAll(AudioCodec::kOpus, test::MakeSpeech(10s, 1));
  const auto decoder = AudioDecoder::Create(AudioCodec::kOpus, 48000);
  const auto resampler = Resampler::Create(48000, 8000);
  const auto encoder = AudioEncoder::Create(AudioCodec::kPcmu, 8000);
  Samples full(5760);
  Samples narrow(160);
  Bytes room(AudioEncoder::kMaxSize);
  size_t next = 0;
  for (auto _ : state) {
    decoder->Decode(payloads[next++ % payloads.size()], full);
    resampler->Process(Pcm(full).first(960), narrow);
    benchmark::DoNotOptimize(encoder->Encode(narrow, room));
  }
  Count(state);
}

// And PCMU to Opus.
void EncodeAtFullRate(benchmark::State& state) {
  const auto payloads = test::EncodeAll(AudioCodec::kPcmu, test::MakeSpeech(10s, 1));
  const auto decoder = AudioDecoder::Create(AudioCodec::kPcmu, 8000);
  const auto resampler = Resampler::Create(8000, 48000);
  const auto encoder = AudioEncoder::Create(AudioCodec::kOpus, 48000);
  Samples full(960);
  Samples narrow(960);
  Bytes room(AudioEncoder::kMaxSize);
  size_t next = 0;
  for (auto _ : state) {
    decoder->Decode(payloads[next++ % payloads.size()], narrow);
    resampler->Process(Pcm(narrow).first(160), full);
    benchmark::DoNotOptimize(encoder->Encode(full, room));
  }
  Count(state);
}

void Register() {
  for (const AudioCodec in : test::kCodecs) {
    for (const AudioCodec out : test::kCodecs) {
      const std::string name = test::NameOf(in) + "/" + test::NameOf(out);
      benchmark::RegisterBenchmark(name.c_str(), Transcode, in, out)->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::RegisterBenchmark("opus/pcmu/over_48_khz", DecodeAtFullRate)
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("pcmu/opus/over_48_khz", EncodeAtFullRate)
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace lastmile::media

int main(int argc, char** argv) {
  lastmile::media::Register();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
