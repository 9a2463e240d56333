#include "gateway/call/rehearsal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/unit/gateway/call/call_harness.h"

namespace lastmile::call {
namespace {

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::filesystem::path> SdpFilesIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".sdp") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

size_t LinesOf(const std::string& text) {
  const auto ends = static_cast<size_t>(std::ranges::count(text, '\n'));
  return ends + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

void ExpectEachLineOnce(std::vector<uint32_t> lines, size_t count, const char* what) {
  std::ranges::sort(lines);
  ASSERT_EQ(lines.size(), count) << what;
  for (size_t i = 0; i < count; ++i) EXPECT_EQ(lines[i], i + 1) << what;
}

// Every line of what came in and of what goes out is in the log once, with a rule and a reason.
// Returns false if a call would be refused.
bool ExplainsEveryLine(const std::string& offer, CallDirection direction) {
  const CallSettings settings{
      .direction = direction,
      .trunk = {.codecs = {"opus", "PCMU", "PCMA"}, .video = {"VP8", "H264"}},
      .sdp_session_id = 1};
  media::SessionOpened opened = OpenedSession();
  opened.trunk.video = {*Endpoint::Parse("192.0.2.1:30002"), *Endpoint::Parse("192.0.2.1:30003")};
  const auto rehearsal = Rehearse(offer, settings, opened);
  if (!rehearsal) return false;
  std::vector<uint32_t> in, out;
  for (const sdp::Edit& edit : rehearsal->log.edits) {
    if (edit.input_line) in.push_back(edit.input_line);
    if (edit.output_line) out.push_back(edit.output_line);
    EXPECT_TRUE(edit.fate == sdp::Fate::kKept || !edit.note.rule.empty());
    EXPECT_TRUE(edit.fate == sdp::Fate::kKept || !edit.note.reason.empty());
  }
  ExpectEachLineOnce(std::move(in), LinesOf(offer), "input");
  ExpectEachLineOnce(std::move(out), LinesOf(rehearsal->sdp), "output");
  EXPECT_EQ(rehearsal->log.bytes_in, offer.size());
  EXPECT_EQ(rehearsal->log.bytes_out, rehearsal->sdp.size());
  return true;
}

size_t ExplainAll(const std::filesystem::path& folder) {
  size_t explained = 0;
  for (const auto& path : SdpFilesIn(folder)) {
    SCOPED_TRACE(path);
    const std::string offer = ReadFile(path);
    for (const auto direction : {CallDirection::kFromBrowser, CallDirection::kFromTrunk}) {
      explained += ExplainsEveryLine(offer, direction) ? 1 : 0;
    }
  }
  return explained;
}

TEST(Rehearsal, TheLogCoversEveryLineOfOwnCaptures) {
  EXPECT_GE(ExplainAll(LASTMILE_OWN_CORPORA "/sdp"), 15u);
}

TEST(Rehearsal, TheLogCoversEveryLineOfForeignFiles) {
  const char* corpora = std::getenv("LASTMILE_CORPORA");
  if (!corpora) GTEST_SKIP() << "LASTMILE_CORPORA is not set";
  EXPECT_GE(ExplainAll(std::filesystem::path(corpora) / "sdp"), 15u);
}

TEST(Rehearsal, AVideoTrunkIsOfferedBothAnAudioTrunkAudioAlone) {
  const std::string offer =
      ReadFile(LASTMILE_OWN_CORPORA "/sdp/chromium-156-audio-video-offer.sdp");
  media::SessionOpened opened = OpenedSession();
  const auto audio = Rehearse(offer, {.sdp_session_id = UINT32_MAX}, opened);
  ASSERT_TRUE(audio);
  EXPECT_EQ(audio->sdp.find("m=video"), std::string::npos);
  EXPECT_LE(audio->sdp.size(), 230u);
  opened.trunk.video = {*Endpoint::Parse("192.0.2.1:30002"), *Endpoint::Parse("192.0.2.1:30003")};
  const auto both = Rehearse(offer, {.trunk = {.video = {"VP8"}}, .sdp_session_id = 1}, opened);
  ASSERT_TRUE(both);
  EXPECT_NE(both->sdp.find("m=audio"), std::string::npos);
  EXPECT_NE(both->sdp.find("m=video"), std::string::npos);
}

TEST(Rehearsal, IsRefusedAsTheCallWouldBe) {
  const auto refused = Rehearse("v=0\r\n", {}, OpenedSession());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sip_status, 488);
  EXPECT_NE(refused.error().reason, "");
}

}  // namespace
}  // namespace lastmile::call
