#include "gateway/sip/framer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "gateway/sip/codec.h"
#include "tests/unit/gateway/sip/sample_messages.h"

namespace lastmile::sip {
namespace {

struct FeedResult {
  Framer::Output out;
  std::string error;
  std::string head;

  bool operator==(const FeedResult& other) const {
    return out.messages == other.out.messages && out.pings == other.out.pings &&
           out.pongs == other.out.pongs && error == other.error && head == other.head;
  }
};

// Feeds `stream` in pieces whose sizes come from `next_size`.
template <class NextSize>
FeedResult Feed(std::string_view stream, NextSize next_size) {
  Framer framer;
  FeedResult run;
  while (!stream.empty()) {
    const size_t size = std::min<size_t>(next_size(), stream.size());
    const auto pushed = framer.Push(AsBytes(stream.substr(0, size)), run.out);
    stream.remove_prefix(size);
    if (pushed) continue;
    run.error = pushed.error().reason;
    run.head = pushed.error().head;
    break;
  }
  return run;
}

FeedResult FeedWhole(std::string_view stream) {
  return Feed(stream, [] { return SIZE_MAX; });
}
FeedResult FeedBytes(std::string_view stream) {
  return Feed(stream, [] { return size_t{1}; });
}

std::string TextOf(std::string_view length, std::string_view body) {
  return "OPTIONS sip:h SIP/2.0\r\nX: 1\r\nContent-Length: " + std::string(length) + "\r\n\r\n" +
         std::string(body);
}

TEST(Framer, CutsAPipelineByContentLength) {
  std::string stream;
  for (const std::string& text : testing::AllSamples()) stream += text;
  const FeedResult run = FeedWhole(stream);
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.out.messages, testing::AllSamples());
  for (const std::string& message : run.out.messages) EXPECT_TRUE(Parse(message));
}

TEST(Framer, BodiesMayHoldAnything) {
  const std::string body("\r\n\r\nINVITE sip:x SIP/2.0\r\n\0\xFF", 29);
  const std::string stream = TextOf(std::to_string(body.size()), body) + TextOf("0", "");
  const FeedResult run = FeedBytes(stream);
  ASSERT_EQ(run.out.messages.size(), 2u);
  EXPECT_TRUE(run.out.messages[0].ends_with(body));
}

TEST(Framer, KeepAlivesBetweenMessages) {
  const FeedResult run =
      FeedWhole("\r\n\r\n" + TextOf("0", "") + "\r\n" + TextOf("0", "") + "\r\n\r\n");
  EXPECT_EQ(run.out.pings, 2);
  EXPECT_EQ(run.out.pongs, 3);  // the lone one, and the first half of each ping
  EXPECT_EQ(run.out.messages.size(), 2u);
}

TEST(Framer, ALonePongIsToldAtOnce) {
  Framer framer;
  Framer::Output out;
  EXPECT_TRUE(framer.Push(AsBytes("\r"), out));
  EXPECT_EQ(out.pongs, 0);
  EXPECT_TRUE(framer.Push(AsBytes("\n"), out));
  EXPECT_EQ(out.pongs, 1);
  EXPECT_EQ(out.pings, 0);
}

// S-24: the same answers wherever TCP cuts the stream.
TEST(Framer, AThousandMessagesCutAtEveryByteGiveTheSame) {
  std::string stream;
  std::vector<std::string> sent;
  SeededRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    const std::string body = random.Token(random.Next64() % 40);
    sent.push_back(TextOf(std::to_string(body.size()), body));
    stream += sent.back();
    if (i % 7 == 0) stream += "\r\n\r\n";
    if (i % 11 == 0) stream += "\r\n";
  }
  const FeedResult whole = FeedWhole(stream);
  EXPECT_EQ(whole.out.messages, sent);
  EXPECT_EQ(FeedBytes(stream), whole);
  for (int round = 0; round < 50; ++round) {
    EXPECT_EQ(Feed(stream, [&] { return 1 + random.Next64() % 300; }), whole);
  }
}

TEST(Framer, EveryCutInTwoGivesTheSame) {
  std::string stream = "\r\n\r\n\r\n";
  for (const std::string& text : testing::AllSamples()) stream += text + "\r\n";
  stream += TextOf("x", "");
  const FeedResult whole = FeedWhole(stream);
  EXPECT_EQ(whole.error, "Content-Length is not a number.");
  EXPECT_EQ(whole.out.messages, testing::AllSamples());
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    bool first = true;
    EXPECT_EQ(Feed(stream, [&] { return std::exchange(first, false) ? cut : stream.size(); }),
              whole)
        << cut;
  }
}

TEST(Framer, ABadLengthEndsTheStreamAndTellsTheHead) {
  for (std::string_view length : {"", "-1", "+1", "1x", "1 1", "99999999999999999999",
                                  "1\r\nContent-Length: 2", "1\r\nl: 2"}) {
    const std::string good = TextOf("1", "a");
    const std::string stream = good + TextOf(length, "ab") + good;
    const FeedResult run = FeedWhole(stream);
    EXPECT_EQ(run.out.messages, std::vector<std::string>{good}) << length;
    EXPECT_NE(run.error, "") << length;
    EXPECT_EQ(run.head, TextOf(length, "")) << length;
    EXPECT_EQ(FeedBytes(stream), run) << length;
  }
  const FeedResult missing = FeedWhole("OPTIONS sip:h SIP/2.0\r\nX: 1\r\n\r\n");
  EXPECT_EQ(missing.error, "Content-Length is missing.");
}

TEST(Framer, TheHeadCanBeAnsweredThoughTheStreamEnds) {
  std::string text = testing::SippInvite();
  const size_t at = text.find("Content-Length:   ");
  text.replace(at, 18, "Content-Length: -");
  const FeedResult run = FeedWhole(text);
  const auto parsed = Parse(run.head);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().status, 400);
  EXPECT_TRUE(parsed.error().answerable);
}

TEST(Framer, BoundsOfHeadAndMessage) {
  const auto head_of = [](size_t size) {
    std::string head = "A\r\nl:0\r\nX:";
    return head + std::string(size - head.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(FeedWhole(head_of(kMaxHead)).error, "");
  EXPECT_EQ(FeedBytes(head_of(kMaxHead)).error, "");
  EXPECT_EQ(FeedWhole(head_of(kMaxHead + 1)).error, "The head is larger than 16 KiB.");
  EXPECT_EQ(FeedBytes(head_of(kMaxHead + 1)).error, "The head is larger than 16 KiB.");

  const std::string head = TextOf("65000", "");
  EXPECT_EQ(FeedWhole(head + std::string(65000, 'x')).out.messages.size(), 1u);
  const std::string exact = TextOf(std::to_string(kMaxMessageSize - head.size()), "");
  EXPECT_EQ(FeedWhole(exact).error, "");
  EXPECT_EQ(FeedWhole(TextOf(std::to_string(kMaxMessageSize - head.size() + 1), "")).error,
            "The message is too large.");
}

TEST(Framer, ALoneCrBetweenMessagesEndsTheStream) {
  EXPECT_NE(FeedWhole("\rX").error, "");
  EXPECT_NE(FeedBytes("\r\n\rX").error, "");
}

TEST(Framer, AnEndedStreamStaysEnded) {
  Framer framer;
  Framer::Output out;
  EXPECT_FALSE(framer.Push(AsBytes(TextOf("x", "")), out));
  const auto again = framer.Push(AsBytes(TextOf("0", "")), out);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, "Content-Length is not a number.");
  EXPECT_TRUE(out.messages.empty());
}

// A quadratic framer needs some 10^11 steps for this and misses the deadline of the test program.
TEST(Framer, TimeIsLinearInTheStream) {
  std::string stream;
  for (int i = 0; i < 20000; ++i) stream += TextOf("3", "abc");
  EXPECT_EQ(FeedWhole(stream).out.messages.size(), 20000u);
  EXPECT_EQ(FeedBytes(stream).out.messages.size(), 20000u);
  const std::string slow = "A\r\nX: " + std::string(kMaxHead, '\r');
  EXPECT_EQ(FeedBytes(slow).out.messages.size(), 0u);
}

}  // namespace
}  // namespace lastmile::sip
