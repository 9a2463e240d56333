// Alone in its program: it counts what is taken from the heap, by C libraries, too.
#include <gtest/gtest.h>

#include <cstddef>
#include <tuple>

#include "tests/support/codec_line.h"

// glibc's own, under the name that is left when malloc is replaced.
extern "C" void* __libc_malloc(size_t size);                 // NOLINT
extern "C" void* __libc_calloc(size_t count, size_t size);   // NOLINT
extern "C" void* __libc_realloc(void* memory, size_t size);  // NOLINT

namespace {
size_t allocations = 0;
}

extern "C" void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
extern "C" void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
extern "C" void* realloc(void* memory, size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}

namespace lastmile::media {
namespace {

class Allocations : public ::testing::TestWithParam<std::tuple<AudioCodec, AudioCodec>> {};

// With lost, doubled and late packets, pauses and events among them.
TEST_P(Allocations, APacketMakesNone) {
  const auto [in, out] = GetParam();
  TranscoderPlan plan = test::PlanOf(in, out);
  plan.events = EventTypes{.in = 101, .out = 101};
  plan.noise_in = 13;
  const auto transcoder = test::MakeTranscoder(plan);
  const auto packets = test::Packetize(in, test::MakeSpeech(9s, 1));
  std::array<uint8_t, Transcoder::kMaxPacket> room;
  Bytes event(TelephoneEvent::kSize);
  TelephoneEvent{.event = 1, .duration = 160}.Write(event);
  const Bytes noise = {60};
  size_t left = 0;
  size_t before = 0;
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i == 50) before = allocations;
    const auto& [header, payload, at] = packets[i];
    if (i % 17 == 3 || (i > 300 && i < 340)) continue;
    if (i % 100 == 60) {
      RtpHeader other = header;
      other.payload_type = i % 200 == 60 ? 101 : 13;
      left += transcoder->OnPacket(other, i % 200 == 60 ? event : noise, at, room).has_value();
    } else {
      transcoder->OnPacket(header, payload, at, room);
    }
    if (i % 23 == 0) transcoder->OnPacket(header, payload, at, room);
    while (transcoder->Pop(at, room)) ++left;
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_GT(left, 400u);
  EXPECT_GT(before, 0u);
}

INSTANTIATE_TEST_SUITE_P(Codecs, Allocations,
                         ::testing::Combine(::testing::ValuesIn(test::kCodecs),
                                            ::testing::ValuesIn(test::kCodecs)),
                         [](const auto& which) {
                           return test::NameOf(std::get<0>(which.param)) + "_to_" +
                                  test::NameOf(std::get<1>(which.param));
                         });

}  // namespace
}  // namespace lastmile::media
