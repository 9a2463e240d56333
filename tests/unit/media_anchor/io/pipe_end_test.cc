#include "media_anchor/io/pipe_end.h"

#include <gtest/gtest.h>

#include <array>
#include <utility>

namespace lastmile::media {
namespace {

struct Pipe {
  explicit Pipe(std::pair<PipeEnd, PipeEnd> ends)
      : one(std::move(ends.first)), other(std::move(ends.second)) {}
  Pipe() : Pipe(std::move(*PipeEnd::MakePair())) {}
  PipeEnd one;
  PipeEnd other;
  std::array<uint8_t, 100> room;
};

TEST(PipeEnd, DatagramsStayWholeAndInOrder) {
  Pipe pipe;
  EXPECT_FALSE(pipe.other.Receive(pipe.room));
  EXPECT_FALSE(pipe.other.gone());
  EXPECT_TRUE(pipe.one.Send(Bytes(3, 1)));
  EXPECT_TRUE(pipe.one.Send(Bytes(5, 2)));
  EXPECT_EQ(pipe.other.Receive(pipe.room), 3u);
  EXPECT_EQ(pipe.room[0], 1);
  EXPECT_EQ(pipe.other.Receive(pipe.room), 5u);
  EXPECT_EQ(pipe.room[4], 2);
  EXPECT_TRUE(pipe.other.Send(Bytes(7, 3)));
  EXPECT_EQ(pipe.one.Receive(pipe.room), 7u);
}

TEST(PipeEnd, WhatDoesNotFitIsToldByItsSize) {
  Pipe pipe;
  EXPECT_TRUE(pipe.one.Send(Bytes(101, 1)));
  EXPECT_EQ(pipe.other.Receive(pipe.room), 101u);
  EXPECT_FALSE(pipe.other.Receive(pipe.room));
}

TEST(PipeEnd, AFullPipeDropsAndCounts) {
  Pipe pipe;
  int sent = 0;
  while (sent < 100000 && pipe.one.Send(Bytes(100, 1))) ++sent;
  EXPECT_GT(sent, 50) << "a second of audio has room";
  EXPECT_LT(sent, 100000);
  EXPECT_EQ(pipe.one.dropped(), 1u);
  for (int i = 0; i < sent; ++i) ASSERT_EQ(pipe.other.Receive(pipe.room), 100u);
  EXPECT_TRUE(pipe.one.Send(Bytes(100, 1)));
}

// An empty datagram would look like the end.
TEST(PipeEnd, AnEmptyDatagramIsDropped) {
  Pipe pipe;
  EXPECT_FALSE(pipe.one.Send({}));
  EXPECT_FALSE(pipe.other.Receive(pipe.room));
  EXPECT_FALSE(pipe.other.gone());
}

TEST(PipeEnd, AnEndSeesThatTheOtherIsGoneAfterWhatThatOneSaid) {
  auto ends = PipeEnd::MakePair();
  ASSERT_TRUE(ends);
  std::array<uint8_t, 100> room;
  PipeEnd last = std::move(ends->second);
  {
    PipeEnd closes = std::move(ends->first);
    EXPECT_TRUE(closes.Send(Bytes(3, 1)));
  }
  EXPECT_EQ(last.Receive(room), 3u);
  EXPECT_FALSE(last.gone());
  EXPECT_FALSE(last.Receive(room));
  EXPECT_TRUE(last.gone());
  EXPECT_FALSE(last.Send(Bytes(3, 1)));
}

}  // namespace
}  // namespace lastmile::media
