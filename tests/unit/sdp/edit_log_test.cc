#include "sdp/edit_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "sdp/codecs.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t LineCount(const SessionDescription& description) {
  size_t count = description.session.size();
  for (const MediaSection& section : description.media) count += 1 + section.lines.size();
  return count;
}

// Every line of both sides is in the log exactly once, with a rule and a reason.
void ExpectComplete(const SessionDescription& input, const SessionDescription& output,
                    const EditLog& log) {
  std::vector<int> in(LineCount(input) + 1);
  std::vector<int> out(LineCount(output) + 1);
  for (const Edit& edit : log.edits) {
    ASSERT_LT(edit.input_line, in.size());
    ASSERT_LT(edit.output_line, out.size());
    ++in[edit.input_line];
    ++out[edit.output_line];
    EXPECT_FALSE(edit.note.rule.empty()) << edit.before << edit.after;
    EXPECT_FALSE(edit.note.reason.empty()) << edit.before << edit.after;
    EXPECT_EQ(edit.fate == Fate::kAdded, edit.input_line == 0);
    EXPECT_EQ(edit.fate == Fate::kDropped, edit.output_line == 0);
    EXPECT_EQ(edit.fate == Fate::kKept, edit.before == edit.after) << edit.before;
  }
  for (size_t i = 1; i < in.size(); ++i) EXPECT_EQ(in[i], 1) << "input line " << i;
  for (size_t i = 1; i < out.size(); ++i) EXPECT_EQ(out[i], 1) << "output line " << i;
}

struct Explained {
  EditLog log;
  TrunkBuild build;
};
Explained ToTrunk(const std::string& offer, TrunkProfile profile = {}) {
  auto media = BrowserLeg(1).TakeOffer(offer);
  EXPECT_TRUE(media) << media.error().reason;
  TrunkLeg trunk(2);
  trunk.SetProfile(std::move(profile));
  trunk.BuildOffer(TrunkLocal(CodecsForOffer(media->codecs, CarrierPolicy())));
  const TrunkBuild& build = trunk.last_build();
  return {Explain(*Parse(offer), build.tree, build.trail, Towards::kTrunk), build};
}
const Edit* Find(const EditLog& log, std::string_view line) {
  for (const Edit& edit : log.edits) {
    if (edit.before == line || edit.after == line) return &edit;
  }
  ADD_FAILURE() << line << " is not in the log";
  return nullptr;
}

TEST(EditLog, SaysWhatBecameOfChromiumsOffer) {
  const std::string offer = Capture("chromium-156-audio-video-offer.sdp");
  const auto [log, build] = ToTrunk(offer);
  ExpectComplete(*Parse(offer), build.tree, log);
  EXPECT_EQ(log.bytes_in, offer.size());
  EXPECT_EQ(log.bytes_out, build.bytes);

  const struct {
    const char* line;
    Fate fate;
    const char* rule;
  } kExpected[] = {
      {"v=0", Fate::kKept, "sdp.version"},
      {"a=rtpmap:0 PCMU/8000", Fate::kKept, "codec.policy"},
      {"a=rtpmap:126 telephone-event/8000", Fate::kChanged, "codec.policy"},
      {"a=rtpmap:111 opus/48000/2", Fate::kDropped, "codec.policy"},
      {"a=fmtp:101 0-15", Fate::kAdded, "codec.parameters"},
      {"a=ice-ufrag:BhVo", Fate::kDropped, "webrtc.ice"},
      {"a=group:BUNDLE 0 1", Fate::kDropped, "webrtc.bundle"},
      {"a=rtcp-mux", Fate::kDropped, "webrtc.rtcp-mux"},
      {"a=setup:actpass", Fate::kDropped, "webrtc.dtls"},
      {"a=sendrecv", Fate::kDropped, "leg.direction"},
      {"c=IN IP4 127.0.0.1", Fate::kChanged, "anchor.address"},
      {"a=rtpmap:96 VP8/90000", Fate::kDropped, "media.refused"},
  };
  for (const auto& row : kExpected) {
    const Edit* edit = Find(log, row.line);
    ASSERT_NE(edit, nullptr);
    EXPECT_EQ(edit->fate, row.fate) << row.line;
    EXPECT_EQ(edit->note.rule, row.rule) << row.line;
  }
  EXPECT_EQ(Find(log, "a=rtpmap:126 telephone-event/8000")->after,
            "a=rtpmap:101 telephone-event/8000");
  EXPECT_EQ(Find(log, "c=IN IP4 127.0.0.1")->after, "c=IN IP4 198.51.100.20");
}

TEST(EditLog, ExplainsTheAnswerToTheBrowserToo) {
  const std::string carrier = Crlf(
      "v=0\no=sbc 1 1 IN IP4 203.0.113.5\ns=call\ni=words\nc=IN IP4 203.0.113.5\nb=AS:80\nt=0 0\n"
      "m=audio 40000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\na=x-own:1\n");
  BrowserLeg browser(1);
  auto offer = browser.TakeOffer(Capture("chromium-156-audio-offer.sdp"));
  ASSERT_TRUE(offer);
  TrunkLeg trunk(2);
  trunk.BuildOffer(TrunkLocal(CarrierCodecs()));
  auto answer = trunk.TakeAnswer(carrier);
  ASSERT_TRUE(answer);
  const auto input = Parse(carrier);
  const auto output =
      Parse(browser.BuildAnswer(BrowserLocal(CommonCodecs(offer->codecs, answer->codecs))));
  const EditLog log = Explain(*input, *output, {}, Towards::kBrowser);
  ExpectComplete(*input, *output, log);
  EXPECT_EQ(Find(log, "a=ice-lite")->fate, Fate::kAdded);
  EXPECT_EQ(Find(log, "a=ice-lite")->note.rule, "webrtc.ice");
  EXPECT_EQ(Find(log, "i=words")->note.rule, "leg.text");
  EXPECT_EQ(Find(log, "b=AS:80")->note.rule, "leg.bandwidth");
  EXPECT_EQ(Find(log, "a=x-own:1")->note.rule, "profile.unlisted");
  EXPECT_EQ(Find(log, "a=rtpmap:101 telephone-event/8000")->fate, Fate::kChanged);
}

TEST(EditLog, EveryLineOfEveryCaptureIsCovered) {
  auto files = OwnCaptures();
  if (const char* corpora = std::getenv("LASTMILE_CORPORA")) {
    const auto foreign = SdpFiles(std::filesystem::path(corpora) / "sdp");
    files.insert(files.end(), foreign.begin(), foreign.end());
  }
  TrunkLeg trunk(2);
  trunk.BuildOffer(TrunkLocal(CarrierCodecs()));
  BrowserLeg browser(3);
  const auto to_browser = Parse(browser.BuildOffer(BrowserLocal(CarrierCodecs())));
  ASSERT_TRUE(to_browser);
  for (const auto& file : files) {
    SCOPED_TRACE(file);
    const auto input = Parse(ReadFile(file));
    ASSERT_TRUE(input);
    const SessionDescription& to_trunk = trunk.last_build().tree;
    ExpectComplete(*input, to_trunk, Explain(*input, to_trunk, {}, Towards::kTrunk));
    ExpectComplete(*input, *to_browser, Explain(*input, *to_browser, {}, Towards::kBrowser));
    const EditLog same = Explain(*input, *input, {}, Towards::kTrunk);
    ExpectComplete(*input, *input, same);
  }
}

TEST(EditLog, NamesTheRuleAndTheStepThatDidIt) {
  TrunkProfile profile;
  Rule no_pcma{.id = "no-pcma", .action = RuleAction::kDelete, .target = {}, .value = {}};
  no_pcma.target.media = "audio";
  no_pcma.target.line = "m=audio";
  no_pcma.target.token = "8";
  Rule tag{.id = "tag", .action = RuleAction::kInsert, .target = {}, .value = "a=x-site:7"};
  tag.target.media = "audio";
  profile.rules = {no_pcma, tag};
  profile.max_sdp_bytes = 160;
  const std::string offer = Capture("chromium-156-audio-offer.sdp");
  const auto [log, build] = ToTrunk(offer, profile);
  EXPECT_EQ(build.rules_problem, "");
  EXPECT_TRUE(build.fits);
  ExpectComplete(*Parse(offer), build.tree, log);
  EXPECT_EQ(Find(log, "a=rtpmap:8 PCMA/8000")->note.rule, "rule.no-pcma");
  EXPECT_EQ(Find(log, "a=x-site:7")->note.rule, "rule.tag");
  EXPECT_EQ(Find(log, "a=rtpmap:0 PCMU/8000")->note.rule, "budget.rtpmap");
}

TEST(EditLog, SaysWhatBecameOfTheVideo) {
  const std::string offer = Capture("chromium-156-audio-video-offer.sdp");
  auto media = BrowserLeg(1).TakeOffer(offer);
  ASSERT_TRUE(media && media->video);
  TrunkLeg trunk(2);
  trunk.SetProfile({.rules = {}, .max_sdp_bytes = 900});
  trunk.BuildOffer(TrunkLocal(CodecsForOffer(media->codecs, CarrierPolicy()),
                              CodecsForOffer(media->video->codecs, {"VP8", "H264"})));
  const TrunkBuild& build = trunk.last_build();
  EXPECT_TRUE(build.fits);
  const EditLog log = Explain(*Parse(offer), build.tree, build.trail, Towards::kTrunk);
  ExpectComplete(*Parse(offer), build.tree, log);
  const struct {
    const char* line;
    Fate fate;
    const char* rule;
    const char* reason;
  } kExpected[] = {
      {"a=rtpmap:96 VP8/90000", Fate::kChanged, "codec.policy", "another number"},
      {"a=rtcp-fb:96 nack pli", Fate::kChanged, "webrtc.feedback", "feedback is for video"},
      {"a=rtcp-fb:96 goog-remb", Fate::kDropped, "webrtc.feedback", "feedback is for video"},
      {"a=rtpmap:97 rtx/90000", Fate::kDropped, "codec.policy", "end at the gateway"},
      {"a=rtpmap:120 ulpfec/90000", Fate::kDropped, "codec.policy", "end at the gateway"},
      {"a=rtpmap:98 VP9/90000", Fate::kDropped, "codec.policy", "no codec of the policy"},
      {"a=rtpmap:39 H264/90000", Fate::kDropped, "budget.video-codec", "over budget"},
      {"a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f",
       Fate::kDropped, "budget.video-codec", "over budget"},
      {"a=rtcp-fb:39 nack", Fate::kDropped, "budget.video-codec", "over budget"},
  };
  for (const auto& row : kExpected) {
    const Edit* edit = Find(log, row.line);
    ASSERT_NE(edit, nullptr);
    EXPECT_EQ(edit->fate, row.fate) << row.line;
    EXPECT_EQ(edit->note.rule, row.rule) << row.line;
    EXPECT_THAT(edit->note.reason, HasSubstr(row.reason)) << row.line;
  }
  // A line that the gateway said under another number is the same codec, whatever its variant.
  const Edit* h264 = Find(log, "a=rtpmap:108 H264/90000");
  EXPECT_EQ(h264->after, "a=rtpmap:113 H264/90000");
}

TEST(EditLog, FindsTheSectionThatStandsForAnother) {
  const auto input =
      Parse("v=0\r\nm=video 4002 RTP/AVP 31\r\na=x:v\r\nm=audio 4000 RTP/AVP 0\r\na=x:a\r\n");
  // The audio moves to the front, a second one is new, bundle-only is not refused, port 0 is.
  const auto output = Parse(
      "v=0\r\nm=audio 4000 RTP/AVP 0\r\na=x:a\r\nm=video 0 RTP/AVP 31\r\na=bundle-only\r\n"
      "a=x:v\r\nm=audio 4004 RTP/AVP 8\r\na=x:a\r\nm=video 0 RTP/AVP 31\r\n");
  ASSERT_TRUE(input && output);
  const EditLog log = Explain(*input, *output, {}, Towards::kTrunk);
  ExpectComplete(*input, *output, log);
  EXPECT_EQ(Find(log, "a=x:v")->fate, Fate::kKept);
  EXPECT_EQ(Find(log, "a=x:a")->fate, Fate::kKept);
  EXPECT_EQ(Find(log, "m=audio 4004 RTP/AVP 8")->fate, Fate::kAdded);
}

TEST(EditLog, NamesWhatARuleTookFromTheSession) {
  TrunkProfile profile;
  Rule rule{.id = "no-name", .action = RuleAction::kDelete, .target = {}, .value = {}};
  rule.target.media = "session";
  rule.target.line = "s=";
  profile.rules = {rule};
  const auto [log, build] = ToTrunk(Capture("chromium-156-audio-offer.sdp"), profile);
  EXPECT_EQ(Find(log, "s=-")->note.rule, "rule.no-name");
  EXPECT_EQ(Find(log, "s=-")->fate, Fate::kDropped);
}

TEST(EditLog, NamesKeysAndSharedPortsOfTheTrunk) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.rtcp_mux = true;
  local.maxptime = 60;
  local.crypto = {{.tag = 1,
                   .suite = "AES_CM_128_HMAC_SHA1_80",
                   .key_params = "inline:secretkeysecretkeysecretkeysecretkeysecr",
                   .session_params = {}}};
  TrunkLeg trunk(2);
  trunk.BuildOffer(local);
  const auto input = Parse(Capture("firefox-153-audio-video-offer.sdp"));
  const TrunkBuild& build = trunk.last_build();
  const EditLog log = Explain(*input, build.tree, build.trail, Towards::kTrunk);
  ExpectComplete(*input, build.tree, log);
  EXPECT_EQ(Find(log, "a=rtcp-mux")->fate, Fate::kKept);
  EXPECT_EQ(Find(log, "a=maxptime:60")->note.rule, "codec.ptime");
  EXPECT_THAT(log.ToDiff(), HasSubstr("+ a=crypto:1 AES_CM_128_HMAC_SHA1_80 ***\n"
                                      "    [srtp.keys] keys are each leg's own"));
  EXPECT_THAT(log.ToDiff(), Not(HasSubstr("secretkey")));
  EXPECT_EQ(Find(log, "a=rtpmap:120 VP8/90000")->note.rule, "media.refused");
}

TEST(EditLog, WritesJsonAndADiffWithoutKeys) {
  const std::string offer =
      Capture("chromium-156-audio-offer.sdp") +
      "k=clear:secretkey\r\na=crypto:1\r\n"
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secretkeysecretkey\r\na=x:\"\\\x01\xC4\r\n";
  const auto [log, build] = ToTrunk(offer);
  for (const std::string& text : {log.ToJson(), log.ToDiff()}) {
    EXPECT_THAT(text, Not(HasSubstr("secretkey")));
    EXPECT_THAT(text, Not(HasSubstr("qKOEZPOMM8sK4FqyNiGwFzhN")));
    EXPECT_THAT(text, HasSubstr("a=ice-pwd:***"));
    EXPECT_THAT(text, HasSubstr("a=crypto:1 AES_CM_128_HMAC_SHA1_80 ***"));
  }
  EXPECT_THAT(log.ToJson(), HasSubstr("\"a=x:\\\"\\\\\\u0001\\u00c4\""));
  EXPECT_THAT(log.ToJson(),
              HasSubstr("{\"fate\":\"kept\",\"input_line\":1,\"before\":\"v=0\",\"output_line\":1,"
                        "\"after\":\"v=0\",\"rule\":\"sdp.version\",\"reason\":"
                        "\"the same on both legs\"}"));
  EXPECT_THAT(log.ToDiff(), HasSubstr("- a=rtcp-mux\n    [webrtc.rtcp-mux] "));
  EXPECT_THAT(log.ToDiff(), HasSubstr("- a=rtpmap:126 telephone-event/8000\n"
                                      "+ a=rtpmap:101 telephone-event/8000\n    [codec.policy] "));
}

}  // namespace
}  // namespace lastmile::sdp
