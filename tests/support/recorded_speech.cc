#include "tests/support/recorded_speech.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace lastmile::media::test {
namespace {

constexpr size_t kFrame = kSourceRate / 50;
constexpr size_t kHead = 44;  // of a RIFF file with nothing but its format and its samples

template <class Number>
Number At(const std::string& bytes, size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

// Of one channel, 16 bits and kSourceRate.
Samples ReadWav(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  if (bytes.size() < kHead || bytes.substr(8, 8) != "WAVEfmt " || bytes.substr(36, 4) != "data" ||
      At<uint16_t>(bytes, 22) != 1 || At<uint32_t>(bytes, 24) != kSourceRate ||
      At<uint16_t>(bytes, 34) != 16) {
    return {};
  }
  const size_t size = std::min<size_t>(At<uint32_t>(bytes, 40), bytes.size() - kHead);
  Samples samples(size / sizeof(int16_t));
  std::memcpy(samples.data(), bytes.data() + kHead, samples.size() * sizeof(int16_t));
  return samples;
}

}  // namespace

Samples ReadRecordedSpeech() {
  Samples all;
  for (const char* name : {"Front_Left", "Front_Center", "Front_Right", "Side_Left", "Side_Right",
                           "Rear_Left", "Rear_Center", "Rear_Right"}) {
    const Samples one = ReadWav(std::string(kRecordedSpeech) + "/" + name + ".wav");
    if (one.empty()) return {};
    all.insert(all.end(), one.begin(), one.end());
  }
  all.resize(all.size() / kFrame * kFrame);
  return all;
}

}  // namespace lastmile::media::test
