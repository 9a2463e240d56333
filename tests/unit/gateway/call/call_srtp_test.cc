#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/log.h"
#include "gateway/call/bridge.h"
#include "gateway/call/call_snapshot.h"
#include "gateway/call/trunk_keys.h"
#include "tests/unit/gateway/call/call_harness.h"

namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSuite80 = "AES_CM_128_HMAC_SHA1_80";
// Base64 of the bytes 0 to 29, and of 30 bytes of 255.
const std::string kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
const std::string kOtherKey = "////////////////////////////////////////";

TrunkPolicy Secure(sdp::Srtp srtp = sdp::Srtp::kRequired) {
  TrunkPolicy policy;
  policy.sdp.srtp = srtp;
  policy.sdp.srtp_suites = {"AEAD_AES_128_GCM", kSuite80};
  return policy;
}

std::string InSavp(std::string sdp) { return sdp.replace(sdp.find("RTP/AVP"), 7, "RTP/SAVP"); }

std::string Carrier(const std::string& tag, const std::string& key = kKey) {
  return InSavp(testing::TrunkSdp("0 101")) + "a=crypto:" + tag + " " + kSuite80 +
         " inline:" + key + "\r\n";
}

// The key of a suite in a description.
std::string KeyIn(const std::string& sdp, const std::string& suite = kSuite80) {
  const size_t at = sdp.find(" " + suite + " inline:");
  if (at == std::string::npos) return "";
  const size_t start = at + suite.size() + 9;
  return sdp.substr(start, sdp.find('\r', start) - start);
}

sdp::Crypto CryptoOf(const std::string& suite, const std::string& key) {
  return {.tag = 1, .suite = suite, .key_params = "inline:" + key, .session_params = {}};
}

TEST(TrunkKeys, AreFreshForEverySectionSuiteAndParty) {
  TrunkPolicy policy = Secure();
  policy.video = {"VP8"};
  policy.sdp.srtp_suites = SrtpSuites();
  SeededRandom random(3);
  std::set<std::string> seen;
  size_t made = 0;
  for (int party = 0; party < 3; ++party) {
    const TrunkKeys keys = MakeTrunkKeys(policy, random);
    for (const auto* section : {&keys.audio, &keys.video}) {
      uint32_t tag = 0;
      for (const sdp::Crypto& crypto : *section) {
        EXPECT_EQ(crypto.tag, ++tag);
        seen.insert(crypto.key_params);
        ++made;
        const auto both = ToStreamKeys(crypto, *section);
        ASSERT_TRUE(both);
        EXPECT_EQ(both->send, both->receive);
        const bool long_key = crypto.suite == "AEAD_AES_256_GCM";
        const bool aead = crypto.suite.starts_with("AEAD");
        EXPECT_EQ(both->send.master_key.size(), long_key ? 32u : 16u) << crypto.suite;
        EXPECT_EQ(both->send.master_salt.size(), aead ? 12u : 14u) << crypto.suite;
      }
    }
  }
  EXPECT_EQ(made, 3u * 2 * 4);
  EXPECT_EQ(seen.size(), made);
  EXPECT_EQ(MakeTrunkKeys({}, random), TrunkKeys{});
}

TEST(TrunkKeys, AreReadAsTheCarrierWroteThem) {
  const auto keys =
      ToStreamKeys(CryptoOf(kSuite80, kKey + "|2^31"), {CryptoOf(kSuite80, kOtherKey)});
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->receive.profile, media::SrtpProfile::kAes128CmHmacSha1_80);
  for (uint8_t i = 0; i < 16; ++i) EXPECT_EQ(keys->receive.master_key.at(i), i);
  for (uint8_t i = 0; i < 14; ++i) EXPECT_EQ(keys->receive.master_salt.at(i), 16 + i);
  EXPECT_EQ(keys->send.master_key, Bytes(16, 0xff));
  // Padding may be left out.
  const std::string padded = std::string(37, 'A') + "Q==";
  EXPECT_EQ(
      ToStreamKeys(CryptoOf("AEAD_AES_128_GCM", padded), {CryptoOf("AEAD_AES_128_GCM", padded)}),
      ToStreamKeys(CryptoOf("AEAD_AES_128_GCM", padded.substr(0, 38)),
                   {CryptoOf("AEAD_AES_128_GCM", padded)}));
  EXPECT_FALSE(ToStreamKeys(std::nullopt, {CryptoOf(kSuite80, kKey)}));
  EXPECT_EQ(ToStreamKeys(CryptoOf(kSuite80, kKey), {}), media::StreamKeys{}) << "never plain RTP";
}

TEST(CallSrtp, ToATrunkItIsOfferedAndAgreedOn) {
  CallHarness harness(CallDirection::kFromBrowser, Secure());
  harness.Feed(Invited{harness.CallerOffer()});
  harness.Feed(MediaOpened{OpenedSession()});
  const std::string offer = harness.Output<PlaceCallee>().offer;
  EXPECT_THAT(offer, HasSubstr("m=audio 30000 RTP/SAVP 0 8 101\r\na=crypto:1 AEAD_AES_128_GCM "));
  EXPECT_THAT(offer, HasSubstr("a=crypto:2 AES_CM_128_HMAC_SHA1_80 "));
  EXPECT_EQ(harness.Feed(CalleeAnswered{Carrier("2")}), "ack update answer:200+sdp");
  const auto update = harness.Media<media::UpdateSession>();
  ASSERT_TRUE(update.trunk);
  EXPECT_EQ(update.trunk->srtp,
            ToStreamKeys(CryptoOf(kSuite80, kKey), {CryptoOf(kSuite80, KeyIn(offer))}));
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, Not(HasSubstr("crypto")));
}

TEST(CallSrtp, ACarriersOfferIsAnsweredWithAKey) {
  CallHarness harness(CallDirection::kFromTrunk, Secure());
  harness.Feed(Invited{Carrier("5")});
  const auto open = harness.Media<media::OpenSession>();
  ASSERT_TRUE(open.trunk && open.trunk->srtp);
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, Not(HasSubstr("crypto")));
  harness.Feed(CalleeAnswered{harness.CalleeAnswer()});
  const std::string answer = harness.Output<AnswerCaller>().sdp;
  EXPECT_THAT(answer, HasSubstr("a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:"));
  EXPECT_EQ(open.trunk->srtp,
            ToStreamKeys(CryptoOf(kSuite80, kKey), {CryptoOf(kSuite80, KeyIn(answer))}));
}

TEST(CallSrtp, RequiredOrNoCall) {
  CallHarness caller(CallDirection::kFromTrunk, Secure());
  EXPECT_EQ(caller.Feed(Invited{testing::TrunkSdp()}), "answer:488 ended");
  EXPECT_THAT(caller.Output<AnswerCaller>().warning, HasSubstr("takes SRTP only"));
  CallHarness callee(CallDirection::kFromBrowser, Secure());
  callee.DriveTo(CallState::kCalling);
  EXPECT_EQ(callee.Feed(CalleeAnswered{testing::TrunkSdp("0 101")}),
            "ack answer:488 bye:callee close");
}

TEST(CallSrtp, OptionalMayEndAsPlainRtp) {
  CallHarness harness(CallDirection::kFromBrowser, Secure(sdp::Srtp::kOptional));
  harness.DriveTo(CallState::kCalling);
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  EXPECT_FALSE(harness.Media<media::UpdateSession>().trunk->srtp);
}

// Each branch of a forked call has a key of its own (RFC 4568 section 7.3).
TEST(CallSrtp, EarlyMediaOfAnotherBranchHasItsKey) {
  CallHarness harness(CallDirection::kFromBrowser, Secure());
  harness.DriveTo(CallState::kCalling);
  harness.Feed(CalleeProgress{183, Carrier("2")});
  const auto first = harness.Media<media::UpdateSession>().trunk->srtp;
  harness.Feed(CalleeProgress{183, Carrier("2", kOtherKey)});
  const auto second = harness.Media<media::UpdateSession>().trunk->srtp;
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->send, second->send);
  EXPECT_NE(first->receive, second->receive);
}

TEST(CallSrtp, AReinviteRekeysOrLeavesTheKeys) {
  CallHarness harness(CallDirection::kFromTrunk, Secure());
  harness.Feed(Invited{Carrier("1")});
  const auto before = harness.Media<media::OpenSession>().trunk->srtp;
  harness.Feed(MediaOpened{OpenedSession()});
  harness.Feed(CalleeAnswered{harness.CalleeAnswer()});
  harness.Feed(CallerAcked{});
  harness.Feed(Reoffered{.party = Party::kCaller, .request = {4}, .sdp = Carrier("1")});
  EXPECT_EQ(harness.Media<media::UpdateSession>().trunk->srtp, before);
  harness.Feed(Reoffered{.party = Party::kCaller, .request = {5}, .sdp = Carrier("2", kOtherKey)});
  const auto after = harness.Media<media::UpdateSession>().trunk->srtp;
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->send, before->send);
  EXPECT_NE(after->receive, before->receive);
  EXPECT_THAT(harness.Output<AnswerReoffer>().sdp, HasSubstr("a=crypto:2 "));
  // Our own re-INVITE says the key that the carrier knows.
  harness.Feed(RefreshDue{.of_browser = false});
  EXPECT_EQ(ToStreamKeys(CryptoOf(kSuite80, kOtherKey),
                         {CryptoOf(kSuite80, KeyIn(harness.Output<SendOffer>().sdp))}),
            after);
}

TEST(CallSrtp, TheTargetOfATransferHasKeysOfItsOwn) {
  CallHarness harness(CallDirection::kFromBrowser, Secure());
  harness.Feed(Invited{harness.CallerOffer()});
  harness.Feed(MediaOpened{OpenedSession()});
  const std::string first = KeyIn(harness.Output<PlaceCallee>().offer);
  harness.Feed(CalleeAnswered{Carrier("2")});
  harness.Feed(CallerAcked{});
  SeededRandom random(99);
  harness.Feed(
      TransferAsked{.request = {8}, .policy = Secure(), .keys = MakeTrunkKeys(Secure(), random)});
  const std::string second = KeyIn(harness.Output<PlaceTarget>().offer);
  EXPECT_NE(second, "");
  EXPECT_NE(second, first);
  harness.Feed(TargetAnswered{Carrier("2", kOtherKey)});
  EXPECT_EQ(harness.Media<media::UpdateSession>().trunk->srtp,
            ToStreamKeys(CryptoOf(kSuite80, kOtherKey), {CryptoOf(kSuite80, second)}));
}

TEST(CallSrtp, WhoReplacesItsPeerHasKeysOfItsOwn) {
  CallHarness harness(CallDirection::kFromTrunk, Secure());
  harness.Feed(Invited{Carrier("1")});
  harness.Feed(MediaOpened{OpenedSession()});
  harness.Feed(CalleeAnswered{harness.CalleeAnswer()});
  const std::string first = KeyIn(harness.Output<AnswerCaller>().sdp);
  harness.Feed(CallerAcked{});
  SeededRandom random(99);
  harness.Feed(TrunkReplaced{Carrier("1", kOtherKey), MakeTrunkKeys(Secure(), random)});
  const std::string second = KeyIn(harness.Output<AnswerReplacing>().sdp);
  EXPECT_NE(second, "");
  EXPECT_NE(second, first);
}

TEST(CallSrtp, ASnapshotHasTheKeys) {
  CallHarness harness(CallDirection::kFromBrowser, Secure());
  harness.Feed(Invited{harness.CallerOffer()});
  harness.Feed(MediaOpened{OpenedSession()});
  const std::string key = KeyIn(harness.Output<PlaceCallee>().offer);
  harness.Feed(CalleeAnswered{Carrier("2")});
  harness.Feed(CallerAcked{});
  const auto snapshot = harness.call().Snapshot(harness.now);
  ASSERT_TRUE(snapshot);
  Call revived({1}, {7}, {.trunk = Secure()}, *snapshot, harness.now);
  std::vector<CallOutput> outputs;
  revived.On(RefreshDue{.of_browser = false}, harness.now, outputs);
  ASSERT_FALSE(outputs.empty());
  EXPECT_EQ(KeyIn(std::get<SendOffer>(outputs.front()).sdp), key);
}

// --- a bridge of two secure trunks ---

TEST(BridgeSrtp, EachSideHasItsKeys) {
  SeededRandom random(11);
  sdp::TrunkLeg leg(50);
  leg.SetProfile(Secure().sdp);
  TrunkHalf first{.policy = Secure(), .keys = MakeTrunkKeys(Secure(), random)};
  first.media = *leg.TakeOffer(Carrier("1"));
  leg.BuildAnswer({.rtp = *Endpoint::Parse("192.0.2.1:30000"),
                   .rtcp = *Endpoint::Parse("192.0.2.1:30001"),
                   .codecs = first.media.codecs,
                   .ptime = {},
                   .crypto = first.keys.audio});
  Bridge bridge({3}, {9},
                {.first = {.policy = Secure(), .media = first.media},
                 .second = {.policy = Secure(), .keys = MakeTrunkKeys(Secure(), random)},
                 .sdp_session_id = 70});
  Bridge::Outputs outputs;
  bridge.Start({}, outputs);
  outputs.clear();
  bridge.OnOpened(
      {.session = {9},
       .first = {*Endpoint::Parse("192.0.2.1:30004"), *Endpoint::Parse("192.0.2.1:30005")},
       .second = {*Endpoint::Parse("192.0.2.1:30006"), *Endpoint::Parse("192.0.2.1:30007")}},
      {}, outputs);
  const std::string offer = std::get<PlaceCallee>(outputs.at(0)).offer;
  EXPECT_THAT(offer, HasSubstr("RTP/SAVP 0 101"));
  outputs.clear();
  bridge.On(CalleeAnswered{Carrier("2", kOtherKey)}, {}, outputs);
  const std::vector<sdp::Crypto> keys = first.keys.audio;
  first.leg = std::move(leg);
  bridge.TakeOver(Party::kCaller, std::move(first), {}, outputs);
  std::optional<media::StreamKeys> at_first;
  std::optional<media::StreamKeys> at_second;
  std::string reoffer;
  for (const BridgeOutput& output : outputs) {
    if (const auto* said = std::get_if<SendOffer>(&output)) reoffer = said->sdp;
    const auto* command = std::get_if<media::MediaCommand>(&output);
    const auto* update = command ? std::get_if<media::UpdateBridge>(command) : nullptr;
    if (update && update->first) at_first = update->first->srtp;
    if (update && update->second) at_second = update->second->srtp;
  }
  EXPECT_EQ(at_first, ToStreamKeys(CryptoOf(kSuite80, kKey), keys));
  EXPECT_EQ(at_second,
            ToStreamKeys(CryptoOf(kSuite80, kOtherKey), {CryptoOf(kSuite80, KeyIn(offer))}));
  EXPECT_EQ("inline:" + KeyIn(reoffer), keys.at(1).key_params);
}

}  // namespace
}  // namespace lastmile::call
