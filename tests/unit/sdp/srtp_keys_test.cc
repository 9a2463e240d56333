#include "sdp/srtp_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/offer_answer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kKey40 = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const std::string kOther40 = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

Crypto CryptoOf(std::string suite, std::string params, std::string session_params = {}) {
  return {.tag = 1,
          .suite = std::move(suite),
          .key_params = std::move(params),
          .session_params = std::move(session_params)};
}
std::vector<Crypto> Ours() {
  return {
      {.tag = 1,
       .suite = "AEAD_AES_128_GCM",
       .key_params = "inline:" + std::string(38, 'x') + "==",
       .session_params = {}},
      {.tag = 2, .suite = "AES_CM_128_HMAC_SHA1_80", .key_params = kKey40, .session_params = {}}};
}
TrunkLocalMedia SecureLocal() {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.crypto = Ours();
  return local;
}
const std::vector<std::string> kAllSuites = {"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32",
                                             "AEAD_AES_128_GCM", "AEAD_AES_256_GCM"};
TrunkLeg SecureLeg(Srtp srtp = Srtp::kOptional) {
  TrunkLeg leg(9);
  leg.SetProfile({.rules = {}, .srtp = srtp, .srtp_suites = kAllSuites});
  return leg;
}

std::string Carrier(const std::string& crypto) {
  return Crlf(
             "v=0\n"
             "o=sbc 1 1 IN IP4 203.0.113.5\n"
             "s=-\n"
             "c=IN IP4 203.0.113.5\n"
             "t=0 0\n"
             "m=audio 40000 RTP/SAVP 0 101\n"
             "a=rtpmap:101 telephone-event/8000\n") +
         crypto;
}
const std::string kSuite80 = "AES_CM_128_HMAC_SHA1_80 ";

TEST(SrtpKeys, KnowsItsSuitesAndTheLengthOfTheirKeys) {
  EXPECT_TRUE(IsUsable(CryptoOf("AES_CM_128_HMAC_SHA1_80", kKey40)));
  EXPECT_TRUE(IsUsable(CryptoOf("AES_CM_128_HMAC_SHA1_32", kKey40 + "|2^31")));
  EXPECT_TRUE(IsUsable(CryptoOf("AEAD_AES_128_GCM", "inline:" + std::string(38, '/') + "==")));
  EXPECT_TRUE(IsUsable(CryptoOf("AEAD_AES_128_GCM", "inline:" + std::string(38, '+'))));
  EXPECT_TRUE(IsUsable(CryptoOf("AEAD_AES_256_GCM", "inline:" + std::string(59, '9') + "=")));
  EXPECT_FALSE(IsUsable(CryptoOf("AES_256_CM_HMAC_SHA1_80", kKey40)));
  EXPECT_FALSE(IsUsable(CryptoOf("F8_128_HMAC_SHA1_80", kKey40)));
  EXPECT_FALSE(IsUsable(CryptoOf("AEAD_AES_128_GCM", kKey40)));
  EXPECT_FALSE(IsUsable(CryptoOf("AES_CM_128_HMAC_SHA1_80", "inline:short")));
  EXPECT_FALSE(IsUsable(CryptoOf("AES_CM_128_HMAC_SHA1_80", "uri:" + kKey40)));
  EXPECT_FALSE(IsUsable(CryptoOf("AES_CM_128_HMAC_SHA1_80", "inline:" + std::string(40, '!'))));
  EXPECT_FALSE(IsUsable(CryptoOf("AES_CM_128_HMAC_SHA1_80", "inline:" + std::string(40, '{'))));
}

TEST(SrtpKeys, TakesNothingThatWouldChangeThePackets) {
  const auto usable = [](const std::string& params, const std::string& session) {
    return IsUsable(CryptoOf("AES_CM_128_HMAC_SHA1_80", params, session));
  };
  EXPECT_FALSE(usable(kKey40 + "|2^20|1:4", ""));  // an MKI in each packet
  EXPECT_FALSE(usable(kKey40 + "|1:4", ""));
  EXPECT_FALSE(usable(kKey40 + "|2^20;" + kOther40, ""));
  EXPECT_TRUE(usable(kKey40, "WSH=128 -LATER"));
  for (const char* session : {"KDR=1", "UNENCRYPTED_SRTP", "WSH=64 UNAUTHENTICATED_SRTP", "X"}) {
    EXPECT_FALSE(usable(kKey40, session)) << session;
  }
}

TEST(SrtpOffer, HasEveryKeyAndIsSavp) {
  TrunkLeg leg(9);
  EXPECT_THAT(leg.BuildOffer(SecureLocal()),
              HasSubstr("m=audio 30000 RTP/SAVP 0 8 101\r\n"
                        "a=crypto:1 AEAD_AES_128_GCM inline:" +
                        std::string(38, 'x') + "==\r\na=crypto:2 " + kSuite80 + kKey40 + "\r\n"));
  // The next one may be without.
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs())), HasSubstr("m=audio 30000 RTP/AVP 0 8"));
}

TEST(SrtpOffer, IsNoAnswerToAnything) {
  TrunkLeg leg(9);
  leg.BuildOffer(SecureLocal());
  ASSERT_TRUE(leg.TakeAnswer(Carrier("a=crypto:2 " + kSuite80 + kOther40 + "\r\n")));
  EXPECT_THAT(leg.BuildAnswer(SecureLocal()), HasSubstr("m=audio 0 RTP/SAVP"));
}

TEST(SrtpOffer, TakesTheLineThatTheCarrierHadForSecureVideo) {
  TrunkLeg leg(9);
  ASSERT_TRUE(leg.TakeOffer(Replace(Carrier(""), "SAVP", "AVP") + "m=video 0 RTP/SAVP 97\r\n"));
  leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs())),
              HasSubstr("m=video 30002 RTP/AVP 112 113\r\n"));
}

TEST(SrtpOffer, TheAnswerTakesOneOfItsKeys) {
  TrunkLeg leg(9);
  leg.BuildOffer(SecureLocal());
  auto media = leg.TakeAnswer(Carrier("a=crypto:2 " + kSuite80 + kOther40 + "|2^48\r\n"));
  ASSERT_TRUE(media) << media.error().reason;
  ASSERT_TRUE(media->crypto);
  EXPECT_EQ(media->crypto->tag, 2u);
  EXPECT_EQ(media->crypto->key_params, kOther40 + "|2^48");
}

TEST(SrtpOffer, AnAnswerWithoutSrtpOrWithAnotherKeyIsRefused) {
  const auto reason = [](const std::string& answer) {
    TrunkLeg leg(9);
    leg.BuildOffer(SecureLocal());
    auto media = leg.TakeAnswer(answer);
    EXPECT_FALSE(media) << answer;
    return media ? std::string() : media.error().reason;
  };
  EXPECT_EQ(reason(Replace(Carrier(""), "SAVP", "AVP")),
            "SDP line 6, column 3: SRTP was offered, and the carrier's answer is plain RTP");
  for (const std::string& crypto :
       {std::string(), "a=crypto:1 " + kSuite80 + kOther40 + "\r\n",
        "a=crypto:2 AES_CM_128_HMAC_SHA1_32 " + kOther40 + "\r\n", std::string("a=crypto:2\r\n"),
        "a=crypto:2 " + kSuite80 + "inline:x\r\n"}) {
    EXPECT_THAT(reason(Carrier(crypto)), HasSubstr("no a=crypto of the section can be used"));
  }
}

TEST(SrtpAnswer, HasTheChosenKeyUnderTheCarriersTag) {
  TrunkLeg leg = SecureLeg();
  auto media = leg.TakeOffer(Carrier("a=crypto:5 F8_128_HMAC_SHA1_80 " + kOther40 + "\r\n" +
                                     "a=crypto:7 " + kSuite80 + kOther40 + "\r\n" +
                                     "a=crypto:8 AES_CM_128_HMAC_SHA1_32 " + kOther40 + "\r\n"));
  ASSERT_TRUE(media) << media.error().reason;
  ASSERT_TRUE(media->crypto);
  EXPECT_EQ(media->crypto->tag, 7u);
  const std::string answer = leg.BuildAnswer(SecureLocal());
  EXPECT_THAT(answer, HasSubstr("m=audio 30000 RTP/SAVP 0 8 101\r\na=crypto:7 " + kSuite80 +
                                kKey40 + "\r\na=rtpmap:0"));
  EXPECT_THAT(answer, Not(HasSubstr("AEAD")));
}

TEST(SrtpAnswer, KeepsTheProtocolOfTheOffer) {
  TrunkLeg feedback = SecureLeg();
  const std::string crypto = "a=crypto:1 " + kSuite80 + kOther40 + "\r\n";
  ASSERT_TRUE(feedback.TakeOffer(Replace(Carrier(crypto), "RTP/SAVP", "RTP/SAVPF")));
  EXPECT_THAT(feedback.BuildAnswer(SecureLocal()), HasSubstr("m=audio 30000 RTP/SAVPF "));
  EXPECT_THAT(feedback.BuildOffer(SecureLocal()), HasSubstr("m=audio 30000 RTP/SAVPF "));
}

TEST(SrtpAnswer, WithoutAKeyThatFitsTheSectionIsRejected) {
  TrunkLeg leg = SecureLeg();
  ASSERT_TRUE(leg.TakeOffer(Carrier("a=crypto:1 AES_CM_128_HMAC_SHA1_32 " + kOther40 + "\r\n")));
  EXPECT_THAT(leg.BuildAnswer(SecureLocal()), HasSubstr("m=audio 0 RTP/SAVP 0\r\n"));
  EXPECT_TRUE(leg.said().empty());
  EXPECT_THAT(leg.BuildAnswer(TrunkLocal(CarrierCodecs())), Not(HasSubstr("crypto")));
}

TEST(SrtpAnswer, IsOnlyForTrunksThatSpeakIt) {
  const std::string offer = Carrier("a=crypto:1 " + kSuite80 + kOther40 + "\r\n");
  auto refused = TrunkLeg(9).TakeOffer(offer);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().reason, HasSubstr("this trunk speaks plain RTP only"));
  auto keyless = SecureLeg().TakeOffer(Carrier(""));
  ASSERT_FALSE(keyless);
  EXPECT_THAT(keyless.error().reason, HasSubstr("no a=crypto"));
  // The first of the sections side by side that can be used.
  const std::string plain = "m=audio 40020 RTP/AVP 8\r\n";
  TrunkLeg secure = SecureLeg();
  EXPECT_TRUE(secure.TakeOffer(offer + plain)->crypto);
  EXPECT_FALSE(TrunkLeg(9).TakeOffer(offer + plain)->crypto);
  EXPECT_FALSE(SecureLeg().TakeOffer(Carrier("") + plain)->crypto);
}

TEST(SrtpVideo, HasKeysOfItsOwn) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs(), VideoCodecs());
  local.crypto = Ours();
  local.video->crypto = {CryptoOf("AES_CM_128_HMAC_SHA1_80", kOther40)};
  TrunkLeg leg(9);
  const std::string offer = leg.BuildOffer(local);
  EXPECT_THAT(SectionOf(offer, 1),
              HasSubstr("m=video 30002 RTP/SAVPF 112 113\r\na=crypto:1 " + kSuite80 + kOther40));
  auto media = leg.TakeAnswer(offer);
  ASSERT_TRUE(media && media->video);
  EXPECT_EQ(media->crypto->suite, "AEAD_AES_128_GCM");
  EXPECT_EQ(media->video->crypto->key_params, kOther40);

  TrunkLeg answerer = SecureLeg();
  auto asked = answerer.TakeOffer(offer);
  ASSERT_TRUE(asked && asked->video && asked->video->crypto);
  EXPECT_THAT(SectionOf(answerer.BuildAnswer(local), 1), HasSubstr("a=crypto:1 " + kSuite80));
  local.video->crypto.clear();
  EXPECT_THAT(SectionOf(answerer.BuildAnswer(local), 1), HasSubstr("m=video 0 RTP/SAVPF 112"));
}

// --- SRTP that is optional is offered and asked for in RTP/AVP (RFC 8643) ---

std::string InAvp(const std::string& crypto) {
  return Replace(Carrier(crypto), "RTP/SAVP", "RTP/AVP");
}
const std::string kFits = "a=crypto:2 " + kSuite80 + kOther40 + "\r\n";

TEST(SrtpOptional, IsOfferedAsPlainRtpWithKeys) {
  TrunkLeg leg = SecureLeg();
  EXPECT_THAT(leg.BuildOffer(SecureLocal()),
              HasSubstr("m=audio 30000 RTP/AVP 0 8 101\r\na=crypto:1 AEAD_AES_128_GCM inline:"));
}

// How an answer to an offer of the gateway is read: "srtp", "plain" or why it is not.
std::string Reading(Srtp srtp, const std::string& answer) {
  TrunkLeg leg = SecureLeg(srtp);
  leg.BuildOffer(SecureLocal());
  const auto media = leg.TakeAnswer(answer);
  return !media ? media.error().reason : media->crypto ? "srtp" : "plain";
}

TEST(SrtpOptional, TheAnswerSaysWhatItIs) {
  EXPECT_EQ(Reading(Srtp::kOptional, InAvp(kFits)), "srtp");
  EXPECT_EQ(Reading(Srtp::kOptional, Carrier(kFits)), "srtp");
  EXPECT_EQ(Reading(Srtp::kOptional, InAvp("")), "plain");
  EXPECT_THAT(Reading(Srtp::kOptional, Carrier("")), HasSubstr("no a=crypto of the section"));
}

TEST(SrtpOptional, AnAnswerWithAKeyOfNoUseIsNotTakenForPlainRtp) {
  for (const std::string& crypto :
       {"a=crypto:1 " + kSuite80 + kOther40 + "\r\n",                       // not its tag
        "a=crypto:2 AES_CM_128_HMAC_SHA1_32 " + kOther40 + "\r\n",          // not its suite
        "a=crypto:2 " + kSuite80 + kOther40 + "|2^31|1:1\r\n",              // an MKI
        "a=crypto:2 " + kSuite80 + kOther40 + " UNENCRYPTED_SRTP\r\n",      // a parameter
        "a=crypto:2 " + kSuite80 + kOther40 + " UNAUTHENTICATED_SRTP\r\n",  //
        std::string("a=crypto:2\r\n")}) {
    EXPECT_THAT(Reading(Srtp::kOptional, InAvp(crypto)), HasSubstr("no a=crypto of the section"))
        << crypto;
    EXPECT_THAT(Reading(Srtp::kRequired, Carrier(crypto)), HasSubstr("no a=crypto of the section"))
        << crypto;
  }
}

TEST(SrtpRequired, ItsOfferIsAnsweredWithAKeyOrNotAtAll) {
  EXPECT_EQ(Reading(Srtp::kRequired, Carrier(kFits)), "srtp");
  EXPECT_EQ(Reading(Srtp::kRequired, InAvp(kFits)), "srtp") << "the key says that it is SRTP";
  EXPECT_THAT(Reading(Srtp::kRequired, InAvp("")), HasSubstr("the carrier's answer is plain RTP"));
}

// How an offer of a carrier is read, and the first lines of the answer's audio.
std::string Answered(Srtp srtp, const std::string& offer) {
  TrunkLeg leg = SecureLeg(srtp);
  const auto media = leg.TakeOffer(offer);
  if (!media) return media.error().reason;
  std::string section = SectionOf(leg.BuildAnswer(SecureLocal()), 0);
  return section.substr(0, section.find("a=rtpmap"));
}

TEST(SrtpAnswer, ToEachKindOfOffer) {
  const std::string keyed = "a=crypto:2 " + kSuite80 + kKey40 + "\r\n";
  const std::string unusable = "a=crypto:2 " + kSuite80 + kOther40 + " UNENCRYPTED_SRTP\r\n";
  const std::string avp = "m=audio 30000 RTP/AVP 0 8 101\r\n";
  const std::string savp = "m=audio 30000 RTP/SAVP 0 8 101\r\n";
  EXPECT_EQ(Answered(Srtp::kNone, InAvp(kFits)), avp);
  EXPECT_THAT(Answered(Srtp::kNone, Carrier(kFits)), HasSubstr("speaks plain RTP only"));
  EXPECT_EQ(Answered(Srtp::kOptional, InAvp("")), avp);
  EXPECT_EQ(Answered(Srtp::kOptional, InAvp(kFits)), avp + keyed);
  EXPECT_EQ(Answered(Srtp::kOptional, InAvp(unusable)), avp) << "it may be left";
  EXPECT_EQ(Answered(Srtp::kOptional, Carrier(kFits)), savp + keyed);
  EXPECT_THAT(Answered(Srtp::kOptional, Carrier(unusable)), HasSubstr("no a=crypto"));
  EXPECT_EQ(Answered(Srtp::kRequired, Carrier(kFits)), savp + keyed);
  EXPECT_EQ(Answered(Srtp::kRequired, InAvp(kFits)), avp + keyed);
  EXPECT_THAT(Answered(Srtp::kRequired, InAvp("")), HasSubstr("this trunk takes SRTP only"));
  EXPECT_THAT(Answered(Srtp::kRequired, InAvp(unusable)), HasSubstr("takes SRTP only"));
}

TEST(SrtpAnswer, HasOnlySuitesOfTheTrunk) {
  const std::string offer = Carrier("a=crypto:1 AES_CM_128_HMAC_SHA1_32 " + kOther40 + "\r\n" +
                                    "a=crypto:2 " + kSuite80 + kOther40 + "\r\n");
  TrunkLeg leg(9);
  leg.SetProfile({.rules = {}, .srtp = Srtp::kRequired, .srtp_suites = {Ours()[1].suite}});
  const auto media = leg.TakeOffer(offer);
  ASSERT_TRUE(media && media->crypto);
  EXPECT_EQ(media->crypto->tag, 2u);
  EXPECT_THAT(leg.BuildAnswer(SecureLocal()), HasSubstr("a=crypto:2 " + kSuite80 + kKey40));
}

TEST(SrtpAnswer, AReofferWithANewKeyIsAnsweredUnderItsTag) {
  TrunkLeg leg = SecureLeg(Srtp::kRequired);
  ASSERT_TRUE(leg.TakeOffer(Carrier(kFits)));
  const std::string first = leg.BuildAnswer(SecureLocal());
  const auto again = leg.TakeOffer(Carrier(kFits));
  ASSERT_TRUE(again && again->crypto);
  EXPECT_EQ(again->crypto->key_params, kOther40);
  EXPECT_EQ(leg.BuildAnswer(SecureLocal()), first) << "the same key, the same answer";
  const auto rekeyed = leg.TakeOffer(Carrier("a=crypto:3 " + kSuite80 + kKey40 + "\r\n"));
  ASSERT_TRUE(rekeyed && rekeyed->crypto);
  EXPECT_EQ(rekeyed->crypto->key_params, kKey40);
  EXPECT_THAT(leg.BuildAnswer(SecureLocal()), HasSubstr("a=crypto:3 " + kSuite80 + kKey40));
}

// What the gateway offers in mid-call is what the two have agreed on.
TEST(SrtpReoffer, StaysInTheProfileOfTheSession) {
  TrunkLeg savp = SecureLeg();
  ASSERT_TRUE(savp.TakeOffer(Carrier(kFits)));
  savp.BuildAnswer(SecureLocal());
  EXPECT_THAT(savp.BuildOffer(SecureLocal()), HasSubstr("m=audio 30000 RTP/SAVP "));
  TrunkLeg avp = SecureLeg();
  ASSERT_TRUE(avp.TakeOffer(InAvp(kFits)));
  avp.BuildAnswer(SecureLocal());
  const std::string offer = avp.BuildOffer(SecureLocal());
  EXPECT_THAT(offer, HasSubstr("m=audio 30000 RTP/AVP "));
  EXPECT_THAT(offer, HasSubstr("a=crypto:2 "));
}

TEST(SrtpReoffer, HoldKeepsTheKey) {
  TrunkLeg leg = SecureLeg(Srtp::kRequired);
  ASSERT_TRUE(leg.TakeOffer(Carrier(kFits)));
  leg.BuildAnswer(SecureLocal());
  const auto held = leg.TakeOffer(Replace(Carrier(kFits + "a=sendonly\r\n"), "sbc 1 1", "sbc 1 2"));
  ASSERT_TRUE(held && held->crypto);
  EXPECT_EQ(held->crypto->key_params, kOther40);
  const auto black_hole =
      leg.TakeOffer(Replace(Carrier(kFits), "c=IN IP4 203.0.113.5", "c=IN IP4 0.0.0.0"));
  ASSERT_TRUE(black_hole);
  EXPECT_TRUE(black_hole->held);
}

// Keys go last of all: a call without them would be another call.
TEST(SrtpBudget, TheLadderTakesItsStepsAndLeavesTheKeys) {
  TrunkLeg leg(9);
  leg.SetProfile({.rules = {}, .max_sdp_bytes = 330, .srtp = Srtp::kOptional});
  const std::string offer = leg.BuildOffer(SecureLocal());
  EXPECT_LE(offer.size(), 330u);
  EXPECT_TRUE(leg.last_build().fits);
  EXPECT_THAT(offer, HasSubstr("a=crypto:1 "));
  EXPECT_THAT(offer, HasSubstr("a=crypto:2 "));
  EXPECT_THAT(offer, Not(HasSubstr("a=rtpmap:8 ")));
}

}  // namespace
}  // namespace lastmile::sdp
