// How the work grows with the input, counted and not timed: allocations, and the bytes of them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <new>

#include "sdp/codecs.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace {
thread_local size_t allocations = 0;
thread_local size_t allocated_bytes = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  allocated_bytes += size;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace lastmile::sdp {
namespace {

struct Work {
  size_t allocations = 0;
  size_t bytes = 0;
};
template <class F>
Work WorkOf(F&& run) {
  const Work before{allocations, allocated_bytes};
  run();
  return {allocations - before.allocations, allocated_bytes - before.bytes};
}

void Normalise(const std::string& text) {
  auto browser = BrowserLeg(1).TakeOffer(text);
  auto trunk = TrunkLeg(1).TakeOffer(text);
  const auto codecs = browser ? browser->codecs : trunk ? trunk->codecs : std::vector<Codec>();
  if (codecs.empty()) return;
  TrunkLeg leg(2);
  leg.BuildOffer(TrunkLocal(codecs));
  const auto parsed = Parse(text);
  Print(*parsed);
  Explain(*parsed, leg.last_build().tree, leg.last_build().trail, Towards::kTrunk).ToJson();
}

std::string Repeat(std::string text, size_t bytes, const std::function<std::string(size_t)>& more) {
  for (size_t i = 0; text.size() < bytes; ++i) text += more(i);
  return text;
}

// Texts that stay within the bounds on lines and attributes at every size.
struct Shape {
  const char* name;
  std::function<std::string(size_t bytes)> make;
};
std::vector<Shape> Shapes() {
  const std::string chromium = Capture("chromium-156-audio-offer.sdp");
  const std::string filler(70, 'x');
  const auto tail = [=](const std::string& what) {
    return [=](size_t bytes) {
      return Repeat(chromium, bytes, [&](size_t i) {
        return "a=" + what + std::to_string(i) + " " + filler + "\r\n";
      });
    };
  };
  return {
      {"unknown attributes", tail("x-own:")},
      {"candidates", tail("candidate:1 1 udp 1 192.0.2.1 9 typ host ")},
      {"formats", tail("rtpmap:")},
      {"feedback", tail("rtcp-fb:* nack ")},
      {"fingerprints", tail("fingerprint:sha-256 ")},
      {"keys", tail("crypto:1 AES_CM_128_HMAC_SHA1_80 inline:")},
      {"words of one line",
       [=](size_t bytes) {
         return Repeat(chromium + "a=group:BUNDLE", std::min(bytes, kMaxLineBytes),
                       [](size_t i) { return " " + std::to_string(i); });
       }},
  };
}

TEST(Scaling, WorkGrowsWithTheLengthAndNotWithItsSquare) {
  for (const Shape& shape : Shapes()) {
    SCOPED_TRACE(shape.name);
    const std::string half = shape.make(kMaxTextBytes / 2);
    const std::string whole = shape.make(kMaxTextBytes - 200);
    ASSERT_TRUE(Parse(half));
    ASSERT_TRUE(Parse(whole));
    const Work one = WorkOf([&] { Normalise(half); });
    const Work two = WorkOf([&] { Normalise(whole); });
    ASSERT_GT(one.allocations, 0u);
    // Twice the text; four times the work would be its square.
    EXPECT_LE(two.allocations, one.allocations * 5 / 2);
    EXPECT_LE(two.bytes, one.bytes * 5 / 2);
    EXPECT_LE(two.bytes, 200 * kMaxTextBytes);
  }
}

TEST(Scaling, ReadingAndPrintingAllocateByTheLine) {
  const std::string text = Shapes().front().make(kMaxTextBytes - 200);
  size_t lines = 0;
  for (char c : text) lines += c == '\n' ? 1 : 0;
  std::optional<SessionDescription> parsed;
  const Work reading = WorkOf([&] { parsed = *Parse(text); });
  EXPECT_LE(reading.allocations, 3 * lines);
  EXPECT_LE(WorkOf([&] { Print(*parsed); }).allocations, 40u);
}

TEST(Scaling, AMegabyteIsRefusedBeforeAnyOfItIsRead) {
  const std::string bomb = "v=0\r\na=x:" + std::string(1 << 20, 'x');
  for (const auto& take : {+[](const std::string& text) { return !Parse(text); },
                           +[](const std::string& text) { return !BrowserLeg(1).TakeOffer(text); },
                           +[](const std::string& text) { return !TrunkLeg(1).TakeOffer(text); }}) {
    bool refused = false;
    const Work work = WorkOf([&] { refused = take(bomb); });
    EXPECT_TRUE(refused);
    EXPECT_LE(work.allocations, 20u);
    EXPECT_LE(work.bytes, 16u * 1024);
  }
  EXPECT_EQ(Parse(bomb).error().ToString(),
            "line 1, column 1: the description has 1048585 bytes, more than the 32768 that are "
            "read");
}

}  // namespace
}  // namespace lastmile::sdp
