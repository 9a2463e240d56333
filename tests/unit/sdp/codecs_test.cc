#include "sdp/codecs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/parser.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "PCMU/8000=0", "opus/48000/2=111 minptime=10"
std::string Short(const Codec& codec) {
  std::string text = codec.name + "/" + std::to_string(codec.clock_rate);
  if (codec.channels != 1) text += "/" + std::to_string(codec.channels);
  text += "=" + std::to_string(codec.payload_type);
  return codec.fmtp.empty() ? text : text + " " + codec.fmtp;
}
std::vector<std::string> Short(const std::vector<Codec>& codecs) {
  std::vector<std::string> texts;
  for (const Codec& codec : codecs) texts.push_back(Short(codec));
  return texts;
}
std::vector<std::string> Short(const std::vector<CodecPair>& pairs) {
  std::vector<std::string> texts;
  for (const auto& [browser, trunk, trunk_in] : pairs) {
    texts.push_back(Short(browser) + " " + Short(trunk) + " " + Short(trunk_in));
  }
  return texts;
}

std::vector<Codec> Read(std::string_view section, std::span<const Codec> offered = {}) {
  auto parsed = Parse("v=0\r\n" + Crlf(section));
  EXPECT_TRUE(parsed);
  return ReadCodecs(parsed->media.at(0), offered);
}
std::vector<Codec> ChromiumCodecs() {
  return ReadCodecs(Parse(Capture("chromium-156-audio-offer.sdp"))->media.at(0));
}

TEST(ReadCodecs, TakesTheOrderOfTheMediaLineAndTheNamesOfRtpmap) {
  EXPECT_THAT(Short(ChromiumCodecs()),
              ElementsAre("opus/48000/2=111 minptime=10;useinbandfec=1", "red/48000/2=63 111/111",
                          "G722/8000=9", "PCMU/8000=0", "PCMA/8000=8", "CN/8000=13",
                          "telephone-event/48000=110", "telephone-event/8000=126"));
}

TEST(ReadCodecs, FillsStaticTypesAndLeavesOutUnknownOnes) {
  EXPECT_THAT(
      Short(Read("m=audio 4000 RTP/AVP 8 0 18 9 97 3 abc 200 0\n")),
      ElementsAre("PCMA/8000=8", "PCMU/8000=0", "G729/8000=18", "G722/8000=9", "GSM/8000=3"));
}

TEST(ReadCodecs, TheFirstRtpmapAndFmtpOfATypeCount) {
  EXPECT_THAT(Short(Read("m=audio 4000 RTP/AVP 96\na=rtpmap:96 Opus/48000/2\na=rtpmap:96 x/8000\n"
                         "a=fmtp:96 stereo=1\na=fmtp:96 stereo=0\n")),
              ElementsAre("opus/48000/2=96 stereo=1"));
}

TEST(ReadCodecs, SpellsNamesAsRegistered) {
  EXPECT_THAT(Short(Read("m=audio 4000 RTP/AVP 96 97 98\na=rtpmap:96 pcmu/8000/1\n"
                         "a=rtpmap:97 TELEPHONE-EVENT/8000\na=rtpmap:98 MyCodec/16000\n")),
              ElementsAre("PCMU/8000=96", "telephone-event/8000=97", "MyCodec/16000=98"));
}

TEST(ReadCodecs, DropsParametersThatAreLongOrNotText) {
  const std::string section = "m=audio 4000 RTP/AVP 0 8\na=fmtp:0 \x01\xC4\na=fmtp:8 " +
                              std::string(300, 'x') + "\na=fmtp:999 x=1\na=fmtp:0\n";
  EXPECT_THAT(Short(Read(section)), ElementsAre("PCMU/8000=0", "PCMA/8000=8"));
}

TEST(ReadCodecs, AnswerWithoutRtpmapMeansWhatWasOffered) {
  EXPECT_THAT(Short(Read("m=audio 4000 RTP/AVP 0 101 102\n", CarrierCodecs())),
              ElementsAre("PCMU/8000=0", "telephone-event/8000=101"));
}

TEST(CodecsForOffer, ChromiumToGsevenEleven) {
  EXPECT_THAT(Short(CodecsForOffer(ChromiumCodecs(), CarrierPolicy())),
              ElementsAre("PCMU/8000=0", "PCMA/8000=8", "telephone-event/8000=101 0-15"));
}

TEST(CodecsForOffer, FollowsThePolicysOrderAndPairsTelephoneEventWithEachClock) {
  EXPECT_THAT(
      Short(CodecsForOffer(ChromiumCodecs(), {"opus", "PCMA", "g722", "pcma"})),
      ElementsAre("opus/48000/2=96 minptime=10;useinbandfec=1", "PCMA/8000=8", "G722/8000=9",
                  "telephone-event/48000=97 0-15", "telephone-event/8000=101 0-15"));
}

TEST(CodecsForOffer, GivesNoTelephoneEventAtAClockNobodyUses) {
  EXPECT_THAT(
      Short(CodecsForOffer(ChromiumCodecs(), {"opus"})),
      ElementsAre("opus/48000/2=96 minptime=10;useinbandfec=1", "telephone-event/48000=97 0-15"));
}

TEST(CodecsForOffer, NumbersStaticTypesAsRfc3551Does) {
  EXPECT_THAT(Short(CodecsForOffer(Read("m=audio 4000 RTP/AVP 96\na=rtpmap:96 PCMU/8000\n"),
                                   CarrierPolicy())),
              ElementsAre("PCMU/8000=0", "telephone-event/8000=101 0-15"));
}

TEST(CodecsForOffer, EveryAudioClockGetsItsTelephoneEventWhateverTheOtherLegHas) {
  const auto remote = Read(
      "m=audio 4000 RTP/AVP 109 96 0 101\na=rtpmap:109 opus/48000/2\na=rtpmap:96 x/16000\n"
      "a=rtpmap:101 telephone-event/8000\n");
  EXPECT_THAT(
      Short(CodecsForOffer(remote, {"opus", "x", "PCMU"})),
      ElementsAre("opus/48000/2=96", "x/16000=97", "PCMU/8000=0", "telephone-event/48000=98 0-15",
                  "telephone-event/16000=99 0-15", "telephone-event/8000=101 0-15"));
}

TEST(CodecsForOffer, NothingInCommonIsEmpty) {
  EXPECT_THAT(CodecsForOffer(ChromiumCodecs(), {"G729"}), IsEmpty());
  EXPECT_THAT(CodecsForOffer(ChromiumCodecs(), {"telephone-event", "red", "CN"}), IsEmpty());
  EXPECT_THAT(CodecsForOffer({}, CarrierPolicy()), IsEmpty());
}

TEST(CodecsForOffer, RunsOutOfDynamicTypesWithoutTouchingTelephoneEvents) {
  std::vector<Codec> remote;
  std::vector<std::string> policy;
  for (int i = 0; i < 40; ++i) {
    remote.push_back({.name = "x" + std::to_string(i), .fmtp = {}});
    policy.push_back("x" + std::to_string(i));
  }
  remote.back().clock_rate = 16000;
  remote.push_back({.name = "telephone-event", .payload_type = 99, .fmtp = {}});
  remote.push_back(
      {.name = "telephone-event", .clock_rate = 16000, .payload_type = 98, .fmtp = {}});
  std::swap(remote.front(), remote[39]);
  std::swap(policy.front(), policy.back());
  const auto codecs = CodecsForOffer(remote, policy);
  ASSERT_EQ(codecs.size(), 16u);  // 96 to 111: 15 for codecs, 101 for telephone-event
  std::set<int> types;
  for (const Codec& codec : codecs) types.insert(codec.payload_type);
  EXPECT_EQ(types.size(), codecs.size());
  EXPECT_EQ(codecs.back().payload_type, 101);
}

TEST(CommonCodecs, KeepsTheOthersOrderWithMyNumbers) {
  std::vector<Codec> theirs = CarrierCodecs();
  std::swap(theirs[0], theirs[1]);
  EXPECT_THAT(Short(CommonCodecs(ChromiumCodecs(), theirs)),
              ElementsAre("PCMA/8000=8", "PCMU/8000=0", "telephone-event/8000=126 0-15"));
}

TEST(CommonCodecs, ParametersAreTheFarEndsAndFlashStaysBehind) {
  const auto mine = Read(
      "m=audio 4000 RTP/AVP 111 110\na=rtpmap:111 opus/48000/2\n"
      "a=fmtp:111 stereo=1\na=rtpmap:110 telephone-event/48000\n");
  const auto theirs = Read(
      "m=audio 4000 RTP/AVP 96 97\na=rtpmap:96 OPUS/48000/2\n"
      "a=fmtp:96 useinbandfec=1\na=rtpmap:97 telephone-event/48000\n"
      "a=fmtp:97 0-16\n");
  EXPECT_THAT(Short(CommonCodecs(mine, theirs)),
              ElementsAre("opus/48000/2=111 useinbandfec=1", "telephone-event/48000=110 0-15"));
}

TEST(CommonCodecs, NamesEachFormatOnce) {
  std::vector<Codec> theirs = CarrierCodecs();
  theirs.push_back(theirs[0]);
  theirs.push_back({.name = "G729", .payload_type = 18, .fmtp = {}});
  EXPECT_THAT(Short(CommonCodecs(CarrierCodecs(), theirs)),
              ElementsAre("PCMU/8000=0", "PCMA/8000=8", "telephone-event/8000=101 0-15"));
}

TEST(CommonCodecs, TelephoneEventIsKeptAtTheClocksOfTheAudio) {
  const auto trunk = Read(
      "m=audio 4000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\n"
      "a=rtpmap:101 telephone-event/8000\n");
  EXPECT_THAT(Short(CommonCodecs(ChromiumCodecs(), trunk)),
              ElementsAre("opus/48000/2=111", "telephone-event/48000=110"));
  const auto without = Read("m=audio 4000 RTP/AVP 0\n");
  EXPECT_THAT(Short(CommonCodecs(ChromiumCodecs(), without)),
              ElementsAre("PCMU/8000=0", "telephone-event/8000=126"));
  EXPECT_THAT(Short(CommonCodecs(trunk, ChromiumCodecs())),
              ElementsAre("opus/48000/2=96 minptime=10;useinbandfec=1", "telephone-event/8000=101"))
      << "another clock is better than none";
  EXPECT_THAT(CommonCodecs(ChromiumCodecs(), Read("m=audio 4000 RTP/AVP 18 101\n"
                                                  "a=rtpmap:101 telephone-event/8000\n")),
              IsEmpty())
      << "events alone are no call";
}

TEST(TakesEvent, ReadsItsList) {
  Codec event{.name = "telephone-event", .payload_type = 101};
  EXPECT_TRUE(event.TakesEvent(15));
  EXPECT_FALSE(event.TakesEvent(16));
  for (const char* list : {"0-16", "0-15,16", "16", "0-11,16-20"}) {
    event.fmtp = list;
    EXPECT_TRUE(event.TakesEvent(16)) << list;
  }
  for (const char* list : {"0-15", "0-11,66,70", "-", ",", "x-y", "16-", "17-15", "0-999"}) {
    event.fmtp = list;
    EXPECT_FALSE(event.TakesEvent(16)) << list;
  }
  event.name = "PCMU";
  EXPECT_FALSE(event.TakesEvent(1));
}

TEST(PairCodecs, MapsEachFormatAtEqualClock) {
  EXPECT_THAT(
      Short(PairCodecs(ChromiumCodecs(), CarrierCodecs())),
      ElementsAre("PCMU/8000=0 PCMU/8000=0 PCMU/8000=0", "PCMA/8000=8 PCMA/8000=8 PCMA/8000=8",
                  "telephone-event/8000=126 telephone-event/8000=101 0-15 "
                  "telephone-event/8000=101 0-15",
                  "telephone-event/48000=110 telephone-event/8000=101 0-15 "
                  "telephone-event/8000=101 0-15"));
}

TEST(PairCodecs, TelephoneEventOfOneLegAloneHasNoNumberOnTheOther) {
  EXPECT_THAT(Short(PairCodecs(Read("m=audio 4000 RTP/AVP 0\n"), CarrierCodecs())),
              ElementsAre("PCMU/8000=0 PCMU/8000=0 PCMU/8000=0",
                          "telephone-event/8000=255 0-15 telephone-event/8000=101 0-15 "
                          "telephone-event/8000=101 0-15"));
  EXPECT_THAT(Short(PairCodecs(CarrierCodecs(), Read("m=audio 4000 RTP/AVP 0\n"))),
              ElementsAre("PCMU/8000=0 PCMU/8000=0 PCMU/8000=0",
                          "telephone-event/8000=101 0-15 telephone-event/8000=255 0-15 "
                          "telephone-event/8000=255 0-15"));
}

TEST(PairCodecs, ATelephoneEventThatTheBrowserLacksGoesToOneThatItHas) {
  const auto browser = Read(
      "m=audio 4000 RTP/AVP 111 101\na=rtpmap:111 opus/48000/2\n"
      "a=rtpmap:101 telephone-event/8000\n");
  const auto trunk = Read(
      "m=audio 4000 RTP/AVP 96 97\na=rtpmap:96 opus/48000/2\n"
      "a=rtpmap:97 telephone-event/48000\n");
  const auto pairs = PairCodecs(browser, trunk);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[1].browser.payload_type, 101);
  EXPECT_EQ(pairs[1].browser.clock_rate, 8000u);
  EXPECT_EQ(pairs[1].trunk.payload_type, 97);
  EXPECT_EQ(pairs[1].trunk.clock_rate, 48000u);
}

TEST(KeepOffered, LeavesOutWhatWasNotOffered) {
  const auto answered = Read(
      "m=audio 4000 RTP/AVP 8 18 8 97 98\na=rtpmap:97 telephone-event/8000\n"
      "a=rtpmap:98 telephone-event/8000\n");
  EXPECT_THAT(Short(KeepOffered(answered, CarrierCodecs())),
              ElementsAre("PCMA/8000=8", "telephone-event/8000=97"));
}

}  // namespace
}  // namespace lastmile::sdp
