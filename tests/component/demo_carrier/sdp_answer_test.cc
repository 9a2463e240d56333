#include "demo_carrier/sdp_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lastmile::demo_carrier {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSession[] =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

Result<RemoteSdp> Read(const std::string& media) { return ReadSdp(kSession + media); }

LocalAudio Local() { return {*Endpoint::Parse("127.0.0.1:40000"), 7, 2}; }

TEST(SdpAnswer, TakesTheFirstCodecOfTheOfferThatIsG711) {
  auto offer = Read("m=audio 30000 RTP/AVP 9 0 8 96\r\na=rtpmap:96 telephone-event/8000\r\n");
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->audio.codec, Codec::kPcmu);
  EXPECT_EQ(offer->audio.rtp, *Endpoint::Parse("192.0.2.1:30000"));
  EXPECT_EQ(offer->audio.event_type, 96);
  EXPECT_EQ(BuildAnswer(*offer, Local()),
            "v=0\r\no=carrier 7 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            "m=audio 40000 RTP/AVP 0 96\r\na=rtpmap:0 PCMU/8000\r\n"
            "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n");
}

TEST(SdpAnswer, TakesDynamicPayloadTypesAndMediaAddresses) {
  auto offer = Read(
      "m=audio 30000 RTP/AVP 111 97\r\nc=IN IP4 198.51.100.9\r\n"
      "a=rtpmap:111 opus/48000/2\r\na=rtpmap:97 PcmA/8000/1\r\n");
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->audio.codec, Codec::kPcma);
  EXPECT_EQ(offer->audio.payload_type, 97);
  EXPECT_FALSE(offer->audio.event_type);
  EXPECT_EQ(offer->audio.rtp.address.ToString(), "198.51.100.9");
}

TEST(SdpAnswer, RefusesOtherLinesInPlace) {
  auto offer = Read(
      "m=video 5000 RTP/AVP 96 97\r\nm=audio 30000 RTP/AVP 8\r\n"
      "m=audio 30002 RTP/AVP 8\r\n");
  ASSERT_TRUE(offer);
  const std::string answer = BuildAnswer(*offer, Local());
  EXPECT_THAT(answer, HasSubstr("m=video 0 RTP/AVP 96\r\nm=audio 40000 RTP/AVP 8\r\n"));
  EXPECT_THAT(answer, HasSubstr("a=sendrecv\r\nm=audio 0 RTP/AVP 8\r\n"));
}

TEST(SdpAnswer, MirrorsDirections) {
  const std::string audio = "m=audio 30000 RTP/AVP 8\r\n";
  EXPECT_THAT(BuildAnswer(*Read(audio + "a=sendonly\r\n"), Local()), HasSubstr("a=recvonly"));
  EXPECT_THAT(BuildAnswer(*Read(audio + "a=recvonly\r\n"), Local()), HasSubstr("a=sendonly"));
  EXPECT_THAT(BuildAnswer(*Read(audio + "a=inactive\r\n"), Local()), HasSubstr("a=inactive"));
  EXPECT_FALSE(Read(audio + "a=sendonly\r\n")->audio.receives);
  EXPECT_FALSE(Read(audio + "c=IN IP4 0.0.0.0\r\n")->audio.receives);
  EXPECT_THAT(BuildAnswer(*ReadSdp(std::string(kSession) + "a=sendonly\r\n" + audio), Local()),
              HasSubstr("a=recvonly"));
}

TEST(SdpAnswer, RefusesWhatItCannotSpeak) {
  for (const char* media : {"", "m=audio 0 RTP/AVP 8\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\n",
                            "m=audio 30000 RTP/AVP 9\r\n", "m=audio 99999 RTP/AVP 8\r\n",
                            "m=audio\r\n", "m=audio 30000 RTP/AVP\r\n"}) {
    EXPECT_FALSE(Read(media)) << media;
  }
}

TEST(SdpAnswer, HostileTextsEndAtOnce) {
  EXPECT_FALSE(Read("m=audio 9 UDP/TLS/RTP/SAVPF 111 \xc3\x84\r\n"));
  EXPECT_FALSE(ReadSdp(std::string(17 * 1024, 'm')));
  std::string many_lines = kSession;
  for (int i = 0; i < 600; ++i) many_lines += "a=x\n";
  EXPECT_EQ(ReadSdp(many_lines).error().message, "the SDP has too many lines");
  std::string many_media = kSession;
  for (int i = 0; i < 9; ++i) many_media += "m=audio 30000 RTP/AVP 8\r\n";
  EXPECT_FALSE(ReadSdp(many_media));
  std::string formats = "m=audio 30000 RTP/AVP 8";
  for (int i = 0; i < 1000; ++i) formats += " -" + std::to_string(i);
  EXPECT_TRUE(Read(formats + "\r\na=rtpmap:-5 x\r\na=rtpmap:999 y\r\na=rtpmap\r\n"));
  auto injected = Read("m=vi;deo\x01 5 RTP/AVP 8\r\nm=audio 30000 RTP/AVP 8\r\n");
  EXPECT_FALSE(injected);
}

TEST(SdpAnswer, EveryPrefixOfAnOfferIsHarmless) {
  const std::string offer = std::string(kSession) +
                            "m=audio 30000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
  for (size_t length = 0; length <= offer.size(); ++length) {
    if (auto read = ReadSdp(offer.substr(0, length))) {
      EXPECT_THAT(BuildAnswer(*read, Local()), Not(HasSubstr("m=audio 0")));
    }
  }
}

TEST(SdpAnswer, ItsOwnOfferIsOneItCanAnswer) {
  auto offer = ReadSdp(BuildOffer(Local()));
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->audio.codec, Codec::kPcma);
  EXPECT_EQ(offer->audio.event_type, 101);
  EXPECT_EQ(offer->audio.rtp, Local().rtp);
}

}  // namespace
}  // namespace lastmile::demo_carrier
