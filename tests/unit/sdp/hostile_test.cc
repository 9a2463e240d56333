#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "sdp/codecs.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using std::chrono::milliseconds;

template <class F>
milliseconds TimeOf(F&& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
}

// --- the ways in; whatever is built from a text has to be a description again ---

void FeedTree(const std::string& text) {
  auto parsed = Parse(text);
  if (parsed) {
    EXPECT_EQ(Print(*parsed), text);
  }
}

void FeedBrowserOffer(const std::string& text) {
  BrowserLeg browser(1);
  auto media = browser.TakeOffer(text);
  if (!media) return;
  EXPECT_TRUE(Parse(browser.BuildAnswer(BrowserLocal(media->codecs)))) << text;
  const std::vector<Codec> codecs = CodecsForOffer(media->codecs, CarrierPolicy());
  if (media->video) {
    EXPECT_TRUE(Parse(browser.BuildAnswer(BrowserLocal(media->codecs, media->video->codecs))));
    const auto video = CodecsForOffer(media->video->codecs, {"VP8", "H264", "VP9", "AV1"});
    TrunkLeg both(6);
    EXPECT_TRUE(Parse(both.BuildOffer(TrunkLocal(CarrierCodecs(), video)))) << text;
  }
  TrunkLeg trunk(2);
  EXPECT_TRUE(codecs.empty() || Parse(trunk.BuildOffer(TrunkLocal(codecs)))) << text;
}

void FeedTrunkOffer(const std::string& text) {
  TrunkLeg trunk(3);
  trunk.SetProfile({.rules = {},
                    .srtp = Srtp::kOptional,
                    .srtp_suites = {"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32",
                                    "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"},
                    .rtcp_mux = true});
  auto media = trunk.TakeOffer(text);
  if (!media) return;
  EXPECT_TRUE(Parse(trunk.BuildAnswer(TrunkLocal(media->codecs)))) << text;
  TrunkLocalMedia local = TrunkLocal(media->codecs, VideoCodecs());
  local.rtcp_mux = true;
  if (media->crypto) local.crypto = {*media->crypto};
  if (media->video) local.video->codecs = media->video->codecs;
  EXPECT_TRUE(Parse(trunk.BuildAnswer(local))) << text;
}

void FeedBrowserAnswer(const std::string& text) {
  BrowserLeg browser(4);
  browser.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  auto media = browser.TakeAnswer(text);
  if (media) {
    EXPECT_TRUE(AnyCarriesSpeech(media->codecs));
  }
}

void FeedTrunkAnswer(const std::string& text) {
  TrunkLeg trunk(5);
  trunk.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  auto media = trunk.TakeAnswer(text);
  if (media) {
    EXPECT_EQ(media->held, media->rtp == Endpoint{});
  }
}

constexpr void (*kWaysIn[])(const std::string&) = {FeedTree, FeedBrowserOffer, FeedTrunkOffer,
                                                   FeedBrowserAnswer, FeedTrunkAnswer};

// Does one of the things that broken or hostile senders do.
std::string Mutate(std::string text, std::mt19937& random) {
  const auto pick = [&](size_t below) { return random() % std::max<size_t>(below, 1); };
  const size_t at = pick(text.size());
  switch (pick(7)) {
    case 0:  // another byte
      if (!text.empty()) text[at] = static_cast<char>(random());
      break;
    case 1:  // a byte more
      text.insert(at, 1, static_cast<char>(random()));
      break;
    case 2:  // a gap
      text.erase(at, 1 + pick(20));
      break;
    case 3:  // a part twice
      text.insert(at, text.substr(pick(text.size()), pick(200)));
      break;
    case 4:  // cut off
      text.resize(at);
      break;
    case 5: {  // a number of another size
      static constexpr const char* kNumbers[] = {"0", "-1", "65536", "4294967296",
                                                 "99999999999999999999"};
      const size_t digit = text.find_first_of("0123456789", at);
      if (digit != std::string::npos) text.replace(digit, 1, kNumbers[pick(5)]);
      break;
    }
    default: {  // a line moved to another place
      const size_t begin = text.rfind('\n', at) + 1;
      const size_t end = text.find('\n', at);
      if (end == std::string::npos || end < begin) break;
      const std::string line = text.substr(begin, end + 1 - begin);
      text.erase(begin, line.size());
      text.insert(text.rfind('\n', pick(text.size())) + 1, line);
    }
  }
  return text;
}

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const auto& path : OwnCaptures()) seeds.push_back(ReadFile(path));
  if (const char* corpora = std::getenv("LASTMILE_CORPORA")) {
    for (const auto& path : SdpFiles(std::filesystem::path(corpora) / "sdp")) {
      seeds.push_back(ReadFile(path));
    }
  }
  return seeds;
}

TEST(Hostile, TwentyThousandMutationsEndInAValueOrARefusal) {
  constexpr int kMutations = 20000;
  const std::vector<std::string> seeds = Seeds();
  ASSERT_FALSE(seeds.empty());
  std::mt19937 random(20261122);
  for (int i = 0; i < kMutations; ++i) {
    std::string text = seeds[static_cast<size_t>(i) % seeds.size()];
    for (size_t turn = 0; turn <= random() % 4; ++turn) text = Mutate(std::move(text), random);
    kWaysIn[random() % std::size(kWaysIn)](text);
  }
}

TEST(Hostile, AMegabyteIsRefusedAtOnce) {
  const std::string chromium = Capture("chromium-156-audio-offer.sdp");
  const std::string bombs[] = {
      std::string(1 << 20, 'a'),
      chromium + "a=x:" + std::string(1 << 20, 'x'),
      "v=0\r\nm=audio 9 RTP/AVP" + std::string(1 << 20, ' '),
      [] {
        std::string text = "v=0\r\n";
        while (text.size() < 1 << 20) text += "a=x\r\n";
        return text;
      }(),
  };
  for (const std::string& bomb : bombs) {
    const auto time = TimeOf([&] {
      auto media = BrowserLeg(1).TakeOffer(bomb);
      ASSERT_FALSE(media);
      EXPECT_EQ(media.error().sip_status, 400);
    });
    EXPECT_LE(time, milliseconds(5));
  }
}

// The most work that fits into the bounds: long lists, many attributes that all match.
TEST(Hostile, TheLargestDescriptionsStayCheap) {
  const std::string chromium = Capture("chromium-156-audio-offer.sdp");
  std::string formats = "v=0\nm=audio 9 UDP/TLS/RTP/SAVPF";
  while (formats.size() + 4 < kMaxLineBytes) formats += " 0";
  std::string duplicates = chromium;
  while (duplicates.size() + 100 < kMaxTextBytes) duplicates += "a=rtpmap:0 PCMU/8000\r\n";
  std::string groups = "v=0\r\n";
  for (int i = 0; i < 400; ++i) groups += "a=group:BUNDLE a b c d e f g h i j k l m n o p q\r\n";
  groups += chromium.substr(chromium.find("m=audio"));
  std::string nested = chromium;
  for (size_t i = 1; i < kMaxMediaSections; ++i) {
    nested += chromium.substr(chromium.find("m=audio"), 3000);
  }
  for (const std::string& text : {formats, duplicates, groups, nested}) {
    for (auto* feed : kWaysIn) {
      EXPECT_LE(TimeOf([&] { feed(text); }), milliseconds(100)) << text.substr(0, 60);
    }
  }
}

TEST(Hostile, TextOfOneSideNeverBreaksALineOfTheOther) {
  // A carriage return or a NUL in a value is refused; other bytes in fmtp do not cross.
  const std::string chromium = Capture("chromium-156-audio-offer.sdp");
  EXPECT_FALSE(BrowserLeg(1).TakeOffer(Replace(chromium, "minptime=10", "x\ra=evil")));
  auto media = BrowserLeg(1).TakeOffer(Replace(chromium, "minptime=10", "x\x01y\xC4"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->codecs.at(0).fmtp, "");
}

}  // namespace
}  // namespace lastmile::sdp
