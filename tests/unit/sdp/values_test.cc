// The plain values of the module: they compare by all of their fields, and small helpers of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/attributes.h"
#include "sdp/edit_log.h"
#include "sdp/leg_common.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::ElementsAre;

// Equal to itself, and different from each of the others.
template <class T>
void ExpectAllDifferent(const std::vector<T>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = 0; j < values.size(); ++j) {
      const T copy = values[j];
      EXPECT_EQ(values[i] == copy, i == j) << i << " " << j;
    }
  }
}

TEST(Values, AttributesCompareByEveryField) {
  ExpectAllDifferent<Fingerprint>({{"sha-256", Bytes(32)}, {"sha-1", Bytes(32)}, {"sha-256", {}}});
  ExpectAllDifferent<Rtpmap>({{96, "opus", 48000, 2},
                              {97, "opus", 48000, 2},
                              {96, "PCMU", 48000, 2},
                              {96, "opus", 8000, 2},
                              {96, "opus", 48000, 1}});
  ExpectAllDifferent<Fmtp>({{"96", "x=1"}, {"97", "x=1"}, {"96", "x=2"}});
  const IpAddress address = IpAddress::V4(1);
  ExpectAllDifferent<Rtcp>({{9, std::nullopt}, {10, std::nullopt}, {9, address}});
  ExpectAllDifferent<Group>({{"BUNDLE", {"0"}}, {"LS", {"0"}}, {"BUNDLE", {"1"}}});
  ExpectAllDifferent<Msid>({{"s", "t"}, {"x", "t"}, {"s", "x"}});
  ExpectAllDifferent<Ssrc>(
      {{1, "cname", "x"}, {2, "cname", "x"}, {1, "msid", "x"}, {1, "cname", ""}});
  ExpectAllDifferent<Extmap>({{1, std::nullopt, "u", "p"},
                              {2, std::nullopt, "u", "p"},
                              {1, Direction::kSendOnly, "u", "p"},
                              {1, std::nullopt, "x", "p"},
                              {1, std::nullopt, "u", "x"}});
  ExpectAllDifferent<Crypto>({{1, "s", "k", ""},
                              {2, "s", "k", ""},
                              {1, "x", "k", ""},
                              {1, "s", "x", ""},
                              {1, "s", "k", "x"}});
  ExpectAllDifferent<RtcpFb>(
      {{"96", "nack", "pli"}, {"97", "nack", "pli"}, {"96", "ccm", "pli"}, {"96", "nack", ""}});
  ExpectAllDifferent<Connection>({{address, false}, {IpAddress(), false}, {address, true}});
}

TEST(Values, TheTreeComparesByEveryField) {
  const Line line{.type = 'a', .value = "x"};
  std::vector<Line> lines(6, line);
  lines[1].type = 'b';
  lines[2].value = "y";
  lines[3].end = LineEnd::kLf;
  lines[4].number = 7;
  lines[5].note = 7;
  ExpectAllDifferent(lines);
  const MediaLine media{.kind = "audio", .port = 9, .protocol = "RTP/AVP", .formats = {"0"}};
  std::vector<MediaLine> medias(6, media);
  medias[1].kind = "video";
  medias[2].port = 0;
  medias[3].port_count = 2;
  medias[4].protocol = "RTP/SAVP";
  medias[5].formats = {"8"};
  ExpectAllDifferent(medias);
  MediaSection section(media);
  section.lines.push_back(line);
  ExpectAllDifferent<MediaSection>(
      {section, MediaSection(media), MediaSection(medias[1]), MediaSection(line, medias[1])});
  ExpectAllDifferent<SessionDescription>({{{line}, {section}, ""},
                                          {{}, {section}, ""},
                                          {{line}, {}, ""},
                                          {{line}, {section}, "\r\n"}});
}

TEST(Values, CodecsCompareByEveryField) {
  std::vector<Codec> codecs(7, VideoCodecs()[0]);
  codecs[1].name = "VP9";
  codecs[2].clock_rate = 8000;
  codecs[3].channels = 2;
  codecs[4].payload_type = 99;
  codecs[5].fmtp = "x=1";
  codecs[6].feedback.clear();
  ExpectAllDifferent(codecs);
  EXPECT_FALSE(codecs[0].SameFormat(codecs[3]));
}

TEST(Values, CryptoIsWrittenAsItWasRead) {
  for (const char* text :
       {"1 AES_CM_128_HMAC_SHA1_80 inline:abc|2^20", "7 X inline:a KDR=1 WSH=64"}) {
    EXPECT_EQ(ToValue(*ParseCrypto(text)), text);
  }
}

TEST(Values, TlsIdsHaveTheirLetters) {
  EXPECT_TRUE(ParseTlsId("azAZ09+/-_azAZ09+/-_"));
  for (char c : std::string_view("!,.:;<=>?@[\\]^`{|}~ \x7f\x80")) {
    EXPECT_FALSE(ParseTlsId("azAZ09+/-_azAZ09+/-_" + std::string(1, c))) << c;
  }
  EXPECT_FALSE(ParseTlsId(std::string(19, 'a')));
  EXPECT_FALSE(ParseTlsId(std::string(256, 'a')));
}

TEST(Values, RtpmapsHaveChannels) {
  EXPECT_EQ(ParseRtpmap("96 opus/48000/255")->channels, 255);
  for (const char* text : {"96 opus/48000/0", "96 opus/48000/256", "96 opus/48000/x"}) {
    EXPECT_FALSE(ParseRtpmap(text)) << text;
  }
}

TEST(Values, WordsOfAttributesAreVisible) {
  EXPECT_TRUE(ParseExtmap("1 urn:x"));
  for (const char* text : {"1 urn:\x7f", "1 urn:\x80", "1 urn:\x1f"}) {
    EXPECT_FALSE(ParseExtmap(text)) << text;
  }
}

TEST(Values, MediaLinesKeepTheirPortCount) {
  auto parsed = Parse("v=0\r\nm=video 4000/2 RTP/AVP 31\r\n");
  ASSERT_TRUE(parsed);
  MediaSection& section = parsed->media[0];
  section.SetMedia(section.media());
  EXPECT_EQ(section.line().value, "video 4000/2 RTP/AVP 31");
}

TEST(Values, TheSectionInUseComesFirst) {
  EXPECT_THAT(SectionOrder(3, std::nullopt), ElementsAre(0, 1, 2));
  EXPECT_THAT(SectionOrder(3, 1), ElementsAre(1, 0, 2));
  EXPECT_THAT(SectionOrder(2, 7), ElementsAre(0, 1));
}

TEST(Values, NotesHaveNumbersFromOne) {
  EditTrail trail;
  const uint32_t number = trail.AddNote({"rule.x", "because"});
  EXPECT_EQ(trail.note(0), nullptr);
  EXPECT_EQ(trail.note(number)->rule, "rule.x");
  EXPECT_EQ(trail.note(number + 1), nullptr);
}

}  // namespace
}  // namespace lastmile::sdp
