// What a description costs. Every operation is timed by itself, so that the percentiles are those
// of single operations and not of averages. The floor copies the same bytes and finds their line
// ends: what any reader of text has to do.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kAudioOffer = "chromium-156-audio-offer.sdp";
constexpr const char* kAudioVideoOffer = "chromium-156-audio-video-offer.sdp";
constexpr size_t kBombBytes = 1024 * 1024;

const std::vector<std::string> kPolicy = {"PCMU", "PCMA"};

[[noreturn]] void Die(std::string_view why) {
  std::cerr << "sdp_bench: " << why << '\n';
  std::exit(EXIT_FAILURE);
}

std::string Capture(std::string_view name) {
  const auto path = std::filesystem::path(LASTMILE_OWN_CORPORA) / "sdp" / name;
  std::ifstream file(path, std::ios::binary);
  if (!file) Die("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

double Percentile(std::vector<double>& samples, double share) {
  const auto at = static_cast<ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), samples.begin() + at, samples.end());
  return samples[static_cast<size_t>(at)];
}

// Times each call of `operation`; counters p50_us, p99_us and max_us.
template <typename Operation>
void Measure(benchmark::State& state, size_t bytes, Operation operation) {
  std::vector<double> microseconds;
  microseconds.reserve(state.max_iterations);
  for (auto _ : state) {
    const auto start = Clock::now();
    operation();
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    microseconds.push_back(took.count());
    state.SetIterationTime(took.count() / 1e6);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  state.counters["p50_us"] = Percentile(microseconds, 0.50);
  state.counters["p99_us"] = Percentile(microseconds, 0.99);
  state.counters["max_us"] = std::ranges::max(microseconds);
}

void Floor(benchmark::State& state, const std::string& text) {
  std::vector<char> copy(text.size());
  std::vector<std::string_view> lines;
  Measure(state, text.size(), [&] {
    std::memcpy(copy.data(), text.data(), text.size());
    benchmark::DoNotOptimize(copy.data());
    lines.clear();
    for (std::string_view rest(copy.data(), copy.size()); !rest.empty();) {
      const size_t end = std::min(rest.find('\n'), rest.size() - 1);
      lines.push_back(rest.substr(0, end + 1));
      rest.remove_prefix(end + 1);
    }
    benchmark::DoNotOptimize(lines.data());
  });
}

void ParseAndPrint(benchmark::State& state, const std::string& text) {
  Measure(state, text.size(), [&] {
    const auto parsed = Parse(text);
    if (!parsed) Die("the offer is not parsed");
    std::string printed = Print(*parsed);
    benchmark::DoNotOptimize(printed.data());
  });
}

TrunkLocalMedia TrunkLocal(std::vector<Codec> codecs) {
  return {.rtp = {IpAddress::V4(0xC6336414), 30000},
          .rtcp = {IpAddress::V4(0xC6336414), 30001},
          .codecs = std::move(codecs),
          .ptime = {}};
}

// A browser's offer as the trunk gets it: everything a new outbound call asks of the engine.
std::string ToTrunk(const std::string& text) {
  BrowserLeg browser(1);
  const auto media = browser.TakeOffer(text);
  if (!media) Die(media.error().reason);
  TrunkLeg trunk(2);
  return trunk.BuildOffer(TrunkLocal(CodecsForOffer(media->codecs, kPolicy)));
}

void Normalise(benchmark::State& state, const std::string& text) {
  size_t bytes_out = 0;
  Measure(state, text.size(), [&] {
    std::string offer = ToTrunk(text);
    benchmark::DoNotOptimize(offer.data());
    bytes_out = offer.size();
  });
  state.counters["bytes_out"] = static_cast<double>(bytes_out);
}

// The audio offer of a Chromium with so many networks that it has 2,500 bytes: the size that the
// bar is about.
std::string Offer2500() {
  constexpr size_t kBytes = 2500;
  std::string text = Capture(kAudioOffer);
  const std::string candidate =
      "a=candidate:1467250027 1 udp 2122260223 192.0.2.1 46243 typ host\r\n";
  const size_t candidates = text.find("a=candidate:");
  if (candidates == std::string::npos || text.size() > kBytes) Die("the capture has changed");
  while (text.size() < kBytes) text.insert(candidates, candidate);
  return text;
}

// The largest offer that is accepted, made to be slow: formats as many as a line holds, each of
// those that can be described looked up among as many attributes as there may be.
std::string LargestOffer() {
  std::string text =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:bRwS\r\n"
      "a=ice-pwd:bRwSbRwSbRwSbRwSbRwSbRwS\r\na=setup:actpass\r\na=fingerprint:sha-256 "
      "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:"
      "EE:FF\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0";
  const size_t formats_end = text.rfind("m=") + kMaxLineBytes - 8;
  for (size_t format = 1; text.size() < formats_end; format = (format + 1) % 128) {
    text += ' ' + std::to_string(format);
  }
  text += "\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\n";
  constexpr size_t kAttributesSoFar = 5;
  for (size_t i = kAttributesSoFar; i < kMaxAttributes; ++i) {
    text += "a=rtpmap:" + std::to_string(i % 128) + " x-codec-" + std::to_string(i) + "/8000\r\n";
  }
  return text;
}

std::string LineBomb() { return "v=0\r\na=" + std::string(kBombBytes, 'x'); }

void Refuse(benchmark::State& state, const std::string& text) {
  Measure(state, text.size(), [&] {
    const auto parsed = Parse(text);
    if (parsed) Die("the line bomb is accepted");
    benchmark::DoNotOptimize(parsed.error().line);
  });
}

using Bench = void (*)(benchmark::State&, const std::string&);

void Register(const char* name, Bench bench, std::string text) {
  benchmark::RegisterBenchmark(
      name, [bench, text = std::move(text)](benchmark::State& state) { bench(state, text); })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace
}  // namespace lastmile::sdp

int main(int argc, char** argv) {
  using namespace lastmile::sdp;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
  Register("floor/audio", Floor, Capture(kAudioOffer));
  Register("floor/audio_video", Floor, Capture(kAudioVideoOffer));
  Register("parse_print/audio", ParseAndPrint, Capture(kAudioOffer));
  Register("parse_print/audio_video", ParseAndPrint, Capture(kAudioVideoOffer));
  Register("floor/2500_bytes", Floor, Offer2500());
  Register("normalise/2500_bytes", Normalise, Offer2500());
  Register("normalise/audio", Normalise, Capture(kAudioOffer));
  Register("normalise/audio_video", Normalise, Capture(kAudioVideoOffer));
  Register("normalise/largest", Normalise, LargestOffer());
  Register("refuse/line_bomb", Refuse, LineBomb());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return EXIT_SUCCESS;
}
