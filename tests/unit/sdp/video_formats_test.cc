#include "sdp/video_formats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/codecs.h"
#include "sdp/parser.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Codec Video(std::string name, std::string fmtp = {}, uint8_t payload_type = 96) {
  return {.name = std::move(name),
          .clock_rate = 90000,
          .payload_type = payload_type,
          .fmtp = std::move(fmtp)};
}
std::string H264(const std::string& profile) {
  return VariantOf(Video("H264", "profile-level-id=" + profile));
}
std::vector<std::string> Short(const std::vector<Codec>& codecs) {
  std::vector<std::string> texts;
  for (const Codec& codec : codecs) {
    texts.push_back(codec.name + "=" + std::to_string(codec.payload_type) + " " + VariantOf(codec));
  }
  return texts;
}
std::vector<Codec> ChromiumVideo() {
  return ReadVideoCodecs(Parse(Capture("chromium-156-audio-video-offer.sdp"))->media.at(1));
}

TEST(VideoFormats, H264ProfilesAreComparedAsRfc6184Does) {
  EXPECT_EQ(H264("42e01f"), "0/cb");
  EXPECT_EQ(H264("42C01E"), "0/cb");
  EXPECT_EQ(H264("4d801f"), "0/cb");
  EXPECT_EQ(H264("58c01f"), "0/cb");
  EXPECT_EQ(H264("42001f"), "0/b");
  EXPECT_EQ(H264("42801F"), "0/b");
  EXPECT_EQ(H264("588016"), "0/b");
  EXPECT_EQ(H264("4d001f"), "0/m");
  EXPECT_EQ(H264("580020"), "0/e");
  EXPECT_EQ(H264("640032"), "0/h");
  EXPECT_EQ(H264("640c34"), "0/ch");
  EXPECT_EQ(H264("6e001f"), "0/h10");
  EXPECT_EQ(H264("7a00ff"), "0/7a00");
}

TEST(VideoFormats, ParametersThatAreMissingOrBrokenHaveTheirMeaning) {
  EXPECT_EQ(VariantOf(Video("H264")), "0/b");
  EXPECT_EQ(VariantOf(Video("h264", "PACKETIZATION-MODE=1 ; Profile-Level-Id=42e01f ")), "1/cb");
  EXPECT_EQ(VariantOf(Video("H264", "packetization-mode=;;x;profile-level-id=42e01f")), "0/cb");
  EXPECT_EQ(H264("42e0"), "0/?");
  EXPECT_EQ(H264("42e01f00"), "0/?");
  EXPECT_EQ(H264("wxyz00"), "0/?");
  EXPECT_EQ(H264("42e0zz"), "0/?");
  EXPECT_EQ(H264("fffffffff"), "0/?");
  EXPECT_EQ(VariantOf(Video("VP9", "profile-id=2")), "2");
  EXPECT_EQ(VariantOf(Video("VP9")), "0");
  EXPECT_EQ(VariantOf(Video("AV1", "level-idx=5;profile=1;tier=0")), "1");
  EXPECT_EQ(VariantOf(Video("VP8", "max-fr=30")), "");
  EXPECT_EQ(VariantOf(Video("opus", "profile=1")), "");
}

TEST(VideoFormats, SameFormatLooksAtTheVariant) {
  const Codec one = Video("H264", "packetization-mode=1;profile-level-id=42e01f");
  EXPECT_TRUE(one.SameFormat(Video("h264", "profile-level-id=42e034;packetization-mode=1")));
  EXPECT_FALSE(one.SameFormat(Video("H264", "profile-level-id=42e01f")));
  EXPECT_FALSE(one.SameFormat(Video("H264", "packetization-mode=1;profile-level-id=42001f")));
  EXPECT_FALSE(Video("VP9").SameFormat(Video("VP9", "profile-id=2")));
  EXPECT_TRUE(Video("VP9").SameFormat(Video("VP9", "profile-id=0")));
  EXPECT_TRUE(Video("VP8").SameFormat(Video("VP8", "max-fr=30")));
  Codec other_clock = Video("VP8");
  other_clock.clock_rate = 8000;
  EXPECT_FALSE(Video("VP8").SameFormat(other_clock));
}

TEST(VideoPolicy, TakesEveryVariantInThePolicysOrderWithNumbersAudioNeverHas) {
  EXPECT_THAT(Short(CodecsForOffer(ChromiumVideo(), {"VP8", "h264"})),
              ElementsAre("VP8=112 ", "H264=113 1/cb", "H264=114 0/cb", "H264=115 1/b",
                          "H264=116 0/b", "H264=117 1/m", "H264=118 0/m"));
  EXPECT_THAT(Short(CodecsForOffer(ChromiumVideo(), {"VP9", "H265", "rtx", "AV1"})),
              ElementsAre("VP9=112 0", "VP9=113 2", "AV1=114 0"));
  EXPECT_THAT(CodecsForOffer(ChromiumVideo(), {"rtx", "ulpfec", "red"}), IsEmpty());
}

TEST(VideoPolicy, CarriesTheFeedbackThatBothHave) {
  const auto offered = CodecsForOffer(ChromiumVideo(), {"VP8"});
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_THAT(offered[0].feedback, ElementsAre("nack", "nack pli", "ccm fir"));
  std::vector<Codec> answered = offered;
  answered[0].feedback = {"ccm fir", "x"};
  EXPECT_THAT(CommonCodecs(ChromiumVideo(), answered).at(0).feedback, ElementsAre("ccm fir"));
}

TEST(VideoPolicy, RunsOutOfNumbersWithoutUsingOneTwice) {
  std::vector<Codec> remote;
  for (int i = 0; i < 40; ++i) remote.push_back(Video("VP9", "profile-id=" + std::to_string(i)));
  EXPECT_EQ(CodecsForOffer(remote, {"VP9"}).size(), 16u);
}

TEST(ReadVideoCodecs, ReadsAsMuchAsAnybodyNeeds) {
  std::string section = "v=0\r\nm=video 4000 RTP/AVP";
  std::string lines;
  for (int i = 0; i < 128; ++i) {
    section += " " + std::to_string(i);
    lines += "a=rtpmap:" + std::to_string(i) + " vp8/90000\r\n";
  }
  const auto parsed = Parse(section + "\r\n" + lines);
  ASSERT_TRUE(parsed);
  const auto codecs = ReadVideoCodecs(parsed->media.at(0));
  EXPECT_EQ(codecs.size(), 32u);
  EXPECT_EQ(codecs[0].name, "VP8");
}

TEST(ReadVideoCodecs, FeedbackIsForVideoSections) {
  const auto parsed = Parse(
      "v=0\r\nm=audio 4000 RTP/AVPF 0\r\na=rtcp-fb:* nack\r\n"
      "m=video 4002 RTP/AVPF 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 H264/90000\r\n"
      "a=rtcp-fb:* nack\r\na=rtcp-fb:97 nack pli\r\na=rtcp-fb:96 nack rpsi\r\n");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(ReadCodecs(parsed->media.at(0)).at(0).feedback, IsEmpty());
  const auto video = ReadVideoCodecs(parsed->media.at(1));
  ASSERT_EQ(video.size(), 2u);
  EXPECT_THAT(video[0].feedback, ElementsAre("nack"));
  EXPECT_THAT(video[1].feedback, ElementsAre("nack", "nack pli"));
}

TEST(TelephoneEvent, IsThereForTheClockOfEachChosenCodec) {
  std::vector<Codec> remote = {
      {.name = "opus", .clock_rate = 48000, .channels = 2, .payload_type = 111, .fmtp = {}},
      {.name = "L16", .clock_rate = 16000, .payload_type = 112, .fmtp = {}},
      {.name = "PCMU", .payload_type = 0, .fmtp = {}}};
  for (uint32_t clock : {8000U, 16000U, 48000U, 16000U}) {
    remote.push_back(
        {.name = "telephone-event", .clock_rate = clock, .payload_type = 101, .fmtp = {}});
  }
  std::set<int> numbers;
  std::set<uint32_t> clocks;
  const auto codecs = CodecsForOffer(remote, {"opus", "L16", "PCMU"});
  EXPECT_EQ(codecs.size(), 6u);
  for (const Codec& codec : codecs) {
    numbers.insert(codec.payload_type);
    if (codec.is_telephone_event()) clocks.insert(codec.clock_rate);
  }
  EXPECT_EQ(numbers.size(), codecs.size());
  EXPECT_THAT(clocks, ElementsAre(8000U, 16000U, 48000U));
}

}  // namespace
}  // namespace lastmile::sdp
