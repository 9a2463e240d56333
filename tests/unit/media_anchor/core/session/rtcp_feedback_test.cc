#include "media_anchor/core/rtcp_feedback.h"

#include <gtest/gtest.h>

#include <random>

#include "media_anchor/core/rtcp.h"
#include "tests/support/rtcp_packets.h"

namespace lastmile::media {
namespace {

using test::Compound;
using test::FullIntraRequest;
using test::Nack;
using test::PictureLoss;

constexpr uint32_t kMedia = 0xaabbccdd;
constexpr uint32_t kPeer = 0x11223344;
constexpr uint32_t kSource = 0x2222;

TEST(ParseFeedback, FindsWhatIsAskedOfOneSender) {
  const Bytes all = Compound({PictureLoss(kPeer, kMedia), FullIntraRequest(kPeer, kMedia, 7),
                              Nack(kPeer, kMedia, {{100, 0x8001}, {300, 0}})});
  const Feedback feedback = ParseFeedback(all, kMedia);
  EXPECT_TRUE(feedback.picture_loss);
  EXPECT_EQ(feedback.full_intra, 7);
  ASSERT_EQ(feedback.nack_count, 2u);
  EXPECT_EQ(feedback.nacks()[0], (Feedback::Nack{100, 0x8001}));
  EXPECT_EQ(feedback.nacks()[1], (Feedback::Nack{300, 0}));
  EXPECT_TRUE(ParseFeedback(all, kMedia + 1).empty()) << "of another sender";
  EXPECT_FALSE(ParseFeedback(PictureLoss(kPeer, kMedia), kMedia).empty()) << "reduced size";
}

TEST(ParseFeedback, LeavesEverythingElse) {
  for (int type = 192; type <= 223; ++type) {
    for (uint8_t format = 0; format < 32; ++format) {
      Bytes packet = PictureLoss(kPeer, kMedia);
      packet[0] = static_cast<uint8_t>(0x80 | format);
      packet[1] = static_cast<uint8_t>(type);
      const bool is_picture_loss = type == 206 && format == 1;
      EXPECT_EQ(!ParseFeedback(packet, kMedia).empty(), is_picture_loss) << type << "/" << format;
    }
  }
}

TEST(ParseFeedback, BelievesNoLengthThatLies) {
  struct Case {
    Bytes good;
    size_t at;  // where its last packet begins
  };
  for (const auto& [good, at] :
       {Case{PictureLoss(kPeer, kMedia), 0}, Case{FullIntraRequest(kPeer, kMedia, 1), 0},
        Case{Nack(kPeer, kMedia, {{1, 2}, {3, 4}}), 0},
        Case{Compound({PictureLoss(kPeer, kMedia)}), 8}}) {
    EXPECT_FALSE(ParseFeedback(good, kMedia).empty());
    for (int words : {0, 1, 7, 100, 0xffff}) {
      Bytes lies = good;
      if (4u * (static_cast<size_t>(words) + 1) == good.size() - at) continue;
      StoreBe16(&lies[at + 2], static_cast<uint16_t>(words));
      EXPECT_TRUE(ParseFeedback(lies, kMedia).empty()) << words;
    }
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_TRUE(ParseFeedback(ByteView(good).first(size), kMedia).empty()) << size;
    }
    for (int padding : {0, 1, 5, 255}) {
      Bytes padded = good;
      padded[at] |= 0x20;
      padded.back() = static_cast<uint8_t>(padding);
      const Feedback feedback = ParseFeedback(padded, kMedia);
      EXPECT_FALSE(feedback.picture_loss) << "no room for padding";
      EXPECT_LE(feedback.nack_count, 1u);
    }
  }
}

TEST(ParseFeedback, BoundsTheNumberOfNacks) {
  const std::vector<Feedback::Nack> many(350, Feedback::Nack{1, 0xffff});
  EXPECT_EQ(ParseFeedback(Nack(kPeer, kMedia, many), kMedia).nack_count, Feedback::kMaxNacks);
  const Bytes twice = Compound({Nack(kPeer, kMedia, many), Nack(kPeer, kMedia, many)});
  EXPECT_EQ(ParseFeedback(twice, kMedia).nack_count, Feedback::kMaxNacks);
}

TEST(ParseFeedback, SurvivesNoise) {
  std::mt19937 random(1);
  size_t found = 0;
  for (int round = 0; round < 200000; ++round) {
    Bytes packet = Compound({Nack(kPeer, kMedia, {{1, 2}}), FullIntraRequest(kPeer, kMedia, 3),
                             PictureLoss(kPeer, kMedia)});
    for (int flips = random() % 6; flips >= 0; --flips) {
      packet[random() % packet.size()] = static_cast<uint8_t>(random());
    }
    packet.resize(random() % (packet.size() + 1));
    found += !ParseFeedback(packet, kMedia).empty();
  }
  EXPECT_GT(found, 0u);
}

TEST(WriteFeedback, IsReadAgain) {
  Feedback feedback;
  feedback.picture_loss = true;
  feedback.full_intra = 200;
  for (uint16_t i = 0; i < Feedback::kMaxNacks; ++i) {
    feedback.nack_room[feedback.nack_count++] = {i, static_cast<uint16_t>(~i)};
  }
  Bytes out(Feedback::kMaxSize);
  ASSERT_EQ(WriteFeedback(feedback, kPeer, kMedia, out), Feedback::kMaxSize);
  ASSERT_TRUE(HasSoundRtcpLengths(out));
  EXPECT_EQ(LoadBe32(&out[4]), kPeer);
  const Feedback read = ParseFeedback(out, kMedia);
  EXPECT_TRUE(read.picture_loss);
  EXPECT_EQ(read.full_intra, 200);
  ASSERT_EQ(read.nack_count, Feedback::kMaxNacks);
  EXPECT_TRUE(std::ranges::equal(read.nacks(), feedback.nacks()));
}

class FeedbackCarrierTest : public testing::Test {
 protected:
  FeedbackCarrierTest() {
    relay_.SetPayloads(std::vector{PayloadMapping{.browser_pt = 96,
                                                  .trunk_pt = 97,
                                                  .trunk_pt_in = 97,
                                                  .clock_rate = 90000,
                                                  .telephone_event = false,
                                                  .video = true}});
  }
  // The source sends its packets number `from` to `to`; returns the number `to` left with.
  uint16_t Relayed(uint16_t from, uint16_t to, uint32_t ssrc = kSource) {
    uint16_t last = 0;
    for (uint16_t i = from; i != static_cast<uint16_t>(to + 1); ++i) {
      Bytes packet(100);
      packet[0] = 0x80;
      packet[1] = 96;
      StoreBe16(&packet[2], i);
      StoreBe32(&packet[8], ssrc);
      const auto out = stream_.Forward(*RtpView::Parse(packet), now_);
      if (out) last = out->header.sequence;
    }
    return last;
  }
  std::optional<Feedback> Carry(const Bytes& rtcp) { return carrier_.Carry(rtcp, stream_, now_); }
  Bytes PictureLossOfOurs() { return PictureLoss(kPeer, stream_.ssrc()); }

  SeededRandom random_{2};
  TimePoint now_{500s};
  Relay relay_{random_, true};
  RelayStream& stream_ = relay_.to_trunk();
  FeedbackCarrier carrier_;
};

TEST_F(FeedbackCarrierTest, NothingIsAskedOfASourceThatIsNotThere) {
  EXPECT_FALSE(Carry(PictureLossOfOurs()));
  Relayed(1, 1);
  EXPECT_TRUE(Carry(PictureLossOfOurs()));
  EXPECT_FALSE(Carry(PictureLoss(kPeer, kSource))) << "the peer does not know that name";
}

TEST_F(FeedbackCarrierTest, LostPacketsAreAskedForInTheNumbersOfTheSource) {
  const uint16_t last = Relayed(65000, 100);
  const auto asked =
      Carry(Nack(kPeer, stream_.ssrc(), {{static_cast<uint16_t>(last - 50), 0x0005}}));
  ASSERT_TRUE(asked);
  ASSERT_EQ(asked->nack_count, 1u);
  EXPECT_EQ(asked->nacks()[0], (Feedback::Nack{50, 0x0005}));
  const auto older = Carry(Nack(kPeer, stream_.ssrc(), {{static_cast<uint16_t>(last - 200), 0}}));
  ASSERT_TRUE(older);
  EXPECT_EQ(older->nacks()[0], (Feedback::Nack{static_cast<uint16_t>(100 - 200), 0}));
}

TEST_F(FeedbackCarrierTest, NumbersThatWereNeverSentAreAskedOfNobody) {
  const uint16_t last = Relayed(1, 10);
  const auto nack = [&](int first, uint16_t then) {
    return Carry(Nack(kPeer, stream_.ssrc(), {{static_cast<uint16_t>(last + first), then}}));
  };
  EXPECT_FALSE(nack(1, 0xffff)) << "to come";
  EXPECT_FALSE(nack(30000, 0xffff));
  EXPECT_FALSE(nack(-10, 0)) << "before the first";
  EXPECT_FALSE(nack(-3000, 0xffff));
  const auto both = nack(-1, 0xffff);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->nacks()[0], (Feedback::Nack{9, 0x0001})) << "what is to come is cut off";
  const auto from_before = nack(-12, 0x0007);
  ASSERT_TRUE(from_before);
  EXPECT_EQ(from_before->nacks()[0], (Feedback::Nack{1, 0x0000})) << "-12 to -10 are not there";
  now_ += 1s;
  Relayed(500, 500, 0x9999);
  EXPECT_FALSE(nack(0, 0)) << "of the source that was left";
}

TEST_F(FeedbackCarrierTest, SoManyASecondAndNoMore) {
  Relayed(1, 100);
  int carried = 0;
  for (int i = 0; i < 10000; ++i) {
    carried += Carry(PictureLossOfOurs()).has_value();
    now_ += 1ms;
  }
  EXPECT_GE(carried, 10 * FeedbackCarrier::kMaxPerSecond);
  EXPECT_LE(carried, 11 * FeedbackCarrier::kMaxPerSecond);
}

TEST_F(FeedbackCarrierTest, NacksLeaveRoomForRequestsForAPicture) {
  const uint16_t last = Relayed(1, 100);
  const Bytes nack = Nack(kPeer, stream_.ssrc(), {{last, 0}});
  int carried = 0;
  for (int i = 0; i < 100; ++i) carried += Carry(nack).has_value();
  EXPECT_EQ(carried, FeedbackCarrier::kMaxPerSecond - FeedbackCarrier::kReservedForPictures);
  carried = 0;
  for (int i = 0; i < 100; ++i) carried += Carry(PictureLossOfOurs()).has_value();
  EXPECT_EQ(carried, FeedbackCarrier::kReservedForPictures);
}

TEST_F(FeedbackCarrierTest, ARepeatedCommandStaysOneCommand) {
  Relayed(1, 1);
  const auto number = [&](uint8_t in) {
    return Carry(FullIntraRequest(kPeer, stream_.ssrc(), in))->full_intra;
  };
  const auto first = number(250);
  EXPECT_EQ(number(250), first);
  const auto second = number(251);
  EXPECT_NE(second, first);
  EXPECT_EQ(number(251), second);
}

}  // namespace
}  // namespace lastmile::media
