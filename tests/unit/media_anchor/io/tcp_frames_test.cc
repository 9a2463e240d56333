#include "media_anchor/io/tcp_frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace lastmile::media {
namespace {

constexpr size_t kMax = AnchorSession::kMaxDatagram;

void AppendFrame(Bytes& stream, ByteView datagram) {
  stream.push_back(static_cast<uint8_t>(datagram.size() >> 8));
  stream.push_back(static_cast<uint8_t>(datagram.size()));
  stream.insert(stream.end(), datagram.begin(), datagram.end());
}

// A datagram whose bytes tell where they belong.
Bytes Datagram(size_t size, uint8_t first) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

class FrameReaderTest : public testing::Test {
 protected:
  // Reads as a socket would: at most `portion` bytes at a time, and no more than there is room for.
  void Feed(ByteView stream, size_t portion) {
    while (!stream.empty() && !reader_.broken()) {
      const MutableByteView space = reader_.Space();
      const size_t size = std::min({portion, space.size(), stream.size()});
      ASSERT_GT(size, 0u);
      std::ranges::copy(stream.first(size), space.begin());
      reader_.Add(size);
      stream = stream.subspan(size);
      while (const auto datagram = reader_.Next())
        got_.emplace_back(datagram->begin(), datagram->end());
    }
  }

  FrameReader reader_;
  std::vector<Bytes> got_;
};

TEST_F(FrameReaderTest, EveryCutOfAStreamGivesTheSameDatagrams) {
  std::vector<Bytes> sent;
  Bytes stream;
  for (size_t size : {20u, 1u, 200u, 2u, 300u, 64u}) {
    sent.push_back(Datagram(size, static_cast<uint8_t>(size)));
    AppendFrame(stream, sent.back());
  }
  // In two parts, cut everywhere, and in portions of every size.
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    reader_ = {};
    got_.clear();
    Feed(ByteView(stream).first(cut), stream.size());
    Feed(ByteView(stream).subspan(cut), stream.size());
    ASSERT_EQ(got_, sent) << "cut at " << cut;
  }
  for (size_t portion = 1; portion <= stream.size(); ++portion) {
    reader_ = {};
    got_.clear();
    Feed(stream, portion);
    ASSERT_EQ(got_, sent) << "in portions of " << portion;
  }
}

TEST_F(FrameReaderTest, ManyFramesOfFullSizeNeverRunOutOfRoom) {
  Bytes stream;
  for (uint8_t i = 0; i < 20; ++i) AppendFrame(stream, Datagram(i % 2 == 0 ? kMax : 7, i));
  for (size_t portion : {1u, 700u, 1999u, 1u << 20}) {
    reader_ = {};
    got_.clear();
    Feed(stream, portion);
    ASSERT_EQ(got_.size(), 20u) << portion;
    for (uint8_t i = 0; i < 20; ++i) ASSERT_EQ(got_[i], Datagram(i % 2 == 0 ? kMax : 7, i));
  }
}

TEST_F(FrameReaderTest, ALengthThatNoDatagramHasBreaksTheStream) {
  for (size_t size : {kMax + 1, size_t{0xffff}}) {
    reader_ = {};
    got_.clear();
    Bytes stream;
    AppendFrame(stream, Datagram(5, 1));
    stream.push_back(static_cast<uint8_t>(size >> 8));
    stream.push_back(static_cast<uint8_t>(size));
    Feed(stream, 1);
    EXPECT_EQ(got_.size(), 1u) << "what came before";
    EXPECT_TRUE(reader_.broken());
    EXPECT_TRUE(reader_.Space().empty());
    EXPECT_FALSE(reader_.Next());
  }
}

TEST_F(FrameReaderTest, EmptyFramesAreSkipped) {
  Bytes stream(2 * 1000);
  AppendFrame(stream, Datagram(3, 9));
  Feed(stream, 333);
  EXPECT_EQ(got_, std::vector<Bytes>{Datagram(3, 9)});
}

TEST_F(FrameReaderTest, HalfAFrameIsNone) {
  Bytes stream;
  AppendFrame(stream, Datagram(100, 1));
  stream.pop_back();
  Feed(stream, stream.size());
  EXPECT_TRUE(got_.empty());
  EXPECT_FALSE(reader_.broken());
}

}  // namespace
}  // namespace lastmile::media
