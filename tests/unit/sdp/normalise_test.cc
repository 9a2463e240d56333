// What a whole description of one side becomes on the other side.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kAudio = {"opus", "PCMU", "PCMA", "G722"};
const std::vector<std::string> kVideo = {"VP8", "H264", "VP9"};

bool IsFromBrowser(const std::string& text) { return text.find("RTP/SAVPF") != std::string::npos; }

struct Values {
  std::vector<Codec> audio;
  std::vector<Codec> video;
  Direction direction = Direction::kSendRecv;
};
template <class Media>
Values ValuesOf(const Media& media) {
  return {CodecsForOffer(media.codecs, kAudio),
          media.video ? CodecsForOffer(media.video->codecs, kVideo) : std::vector<Codec>(),
          media.direction};
}

std::optional<Values> Read(const std::string& text) {
  if (IsFromBrowser(text)) {
    auto media = BrowserLeg(1).TakeOffer(text);
    return media ? std::optional(ValuesOf(*media)) : std::nullopt;
  }
  auto media = TrunkLeg(1).TakeOffer(text);
  return media ? std::optional(ValuesOf(*media)) : std::nullopt;
}

std::string ToTrunk(const std::string& text, size_t max_bytes = 5000) {
  const auto values = Read(text);
  if (!values || values->audio.empty()) return {};
  TrunkLeg leg(2);
  leg.SetProfile({.rules = {}, .max_sdp_bytes = max_bytes});
  TrunkLocalMedia local = TrunkLocal(values->audio, values->video);
  local.direction = values->direction;
  return leg.BuildOffer(local);
}
std::string ToBrowser(const std::string& text) {
  const auto values = Read(text);
  if (!values || values->audio.empty()) return {};
  BrowserLocalMedia local = BrowserLocal(values->audio, values->video);
  local.direction = values->direction;
  return BrowserLeg(2).BuildOffer(local);
}

TEST(Normalise, DoneTwiceIsDoneOnce) {
  int usable = 0;
  for (const auto& path : OwnCaptures()) {
    SCOPED_TRACE(path);
    const std::string text = ReadFile(path);
    const std::string trunk = ToTrunk(text);
    const std::string browser = ToBrowser(text);
    if (trunk.empty()) continue;
    ++usable;
    EXPECT_EQ(ToTrunk(trunk), trunk);
    EXPECT_EQ(ToBrowser(browser), browser);
    // And by the way of the other side.
    EXPECT_EQ(ToTrunk(browser), trunk);
    EXPECT_EQ(ToBrowser(trunk), browser);
    // Within a budget too.
    const std::string small = ToTrunk(text, 200);
    EXPECT_EQ(ToTrunk(small, 200), small);
    EXPECT_EQ(Print(*Parse(trunk)), trunk);
  }
  EXPECT_GE(usable, 4);
}

TEST(Normalise, ChromiumsAudioAndVideoBecomeAudioAloneOrBoth) {
  const std::string offer = Capture("chromium-156-audio-video-offer.sdp");
  auto media = BrowserLeg(1).TakeOffer(offer);
  ASSERT_TRUE(media && media->video);
  const auto audio = CodecsForOffer(media->codecs, CarrierPolicy());
  const std::string alone = TrunkLeg(UINT64_MAX).BuildOffer(TrunkLocal(audio));
  EXPECT_LE(alone.size(), 230u);
  EXPECT_THAT(alone, Not(HasSubstr("m=video")));
  TrunkLeg leg(UINT64_MAX);
  leg.SetProfile({.rules = {}, .max_sdp_bytes = 2000});
  const TrunkLocalMedia local =
      TrunkLocal(audio, CodecsForOffer(media->video->codecs, {"H264", "VP8"}));
  const std::string both = leg.BuildOffer(local);
  EXPECT_TRUE(both.starts_with(alone));
  EXPECT_THAT(both, HasSubstr("m=video 30002 RTP/AVPF 112 113 114 115 116 117 118\r\n"));
  // Six variants of H264 in the space of a datagram: those that few ends have go, VP8 stays.
  leg.SetProfile({.rules = {}, .max_sdp_bytes = 600});
  const std::string small = leg.BuildOffer(local);
  EXPECT_TRUE(leg.last_build().fits);
  EXPECT_THAT(small, HasSubstr("m=video 30002 RTP/AVPF 112 118\r\n"));
  EXPECT_THAT(small, HasSubstr("packetization-mode=1;profile-level-id=42e01f"));
  for (const char* word : {"ssrc", "rtx", "extmap", "msid", "goog-remb", "transport-cc", "a=mid"}) {
    EXPECT_THAT(both, Not(HasSubstr(word)));
  }
}

TEST(Normalise, AddressesOfBothFamiliesAreCalledByTheirName) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs(), VideoCodecs());
  for (const char* address : {"[2001:db8::7]:30000", "198.51.100.7:30000"}) {
    const bool v6 = address[0] == '[';
    local.rtp = *Endpoint::Parse(address);
    local.video->rtp = local.rtp;
    const std::string text = TrunkLeg(1).BuildOffer(local);
    const std::string expected = v6 ? "IN IP6 2001:db8::7" : "IN IP4 198.51.100.7";
    EXPECT_EQ(LineWith(text, "o="), "o=- 1 1 " + expected);
    EXPECT_EQ(LineWith(text, "c="), "c=" + expected);
    TrunkLeg carrier(2);
    auto media = carrier.TakeOffer(text);
    ASSERT_TRUE(media && media->video);
    EXPECT_EQ(media->rtp, local.rtp);
    EXPECT_EQ(media->video->rtp, local.rtp);
  }
}

}  // namespace
}  // namespace lastmile::sdp
