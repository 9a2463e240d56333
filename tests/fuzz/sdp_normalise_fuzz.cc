// One byte chooses the way in (browser offer, trunk offer, browser answer, trunk answer), the rest
// is the description. What is taken is carried over to the other leg; every description built on
// the way is read back by the parser.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"

namespace lastmile::sdp {
namespace {

constexpr size_t kMaxSdpBytes = 190;  // small enough for the budget to have work

const std::vector<std::string> kPolicy = {"PCMU", "PCMA", "G722", "opus"};
const std::vector<Codec> kOffered = {
    {.name = "PCMU", .payload_type = 0, .fmtp = {}},
    {.name = "opus", .clock_rate = 48000, .channels = 2, .payload_type = 96, .fmtp = {}},
    {.name = "telephone-event", .payload_type = 101, .fmtp = "0-15"}};

void CheckBuilt(const std::string& text) {
  if (!Parse(text)) std::abort();
}

// What is said to the trunk fits or has nothing left to lose, and each of its lines is explained.
void CheckTrunkBuild(std::string_view input, const TrunkBuild& build) {
  if (build.fits != (build.bytes <= kMaxSdpBytes)) std::abort();
  const EditLog log = Explain(*Parse(input), build.tree, build.trail, Towards::kTrunk);
  if (log.bytes_in != input.size() || log.bytes_out != build.bytes) std::abort();
  size_t lines_out = 0;
  for (const Edit& edit : log.edits) lines_out += edit.output_line != 0 ? 1 : 0;
  size_t expected = build.tree.session.size();
  for (const MediaSection& section : build.tree.media) expected += 1 + section.lines.size();
  if (lines_out != expected) std::abort();
  log.ToJson();
  log.ToDiff();
}

BrowserLocalMedia BrowserLocal(std::vector<Codec> codecs) {
  return {.ice_ufrag = "gwUf",
          .ice_pwd = "gatewaypasswordof24chars",
          .candidates = {Endpoint{IpAddress::V4(0xC000020A), 20000}},
          .fingerprint = {.hash = "sha-256", .digest = Bytes(32, 0xAB)},
          .codecs = std::move(codecs),
          .ptime = {}};
}
TrunkLocalMedia TrunkLocal(std::vector<Codec> codecs) {
  return {.rtp = {IpAddress::V4(0xC6336414), 30000},
          .rtcp = {IpAddress::V4(0xC6336414), 30001},
          .codecs = std::move(codecs),
          .ptime = {}};
}

void BrowserOffer(std::string_view text) {
  BrowserLeg browser(1);
  const auto media = browser.TakeOffer(text);
  if (!media) return;
  const auto codecs = CodecsForOffer(media->codecs, kPolicy);
  if (codecs.empty()) return;
  TrunkLeg trunk(2);
  trunk.SetProfile({.rules = {}, .max_sdp_bytes = kMaxSdpBytes});
  CheckBuilt(trunk.BuildOffer(TrunkLocal(codecs)));
  CheckTrunkBuild(text, trunk.last_build());
  const auto answered = CommonCodecs(media->codecs, codecs);
  if (PairCodecs(answered, codecs).size() != answered.size()) std::abort();
  CheckBuilt(browser.BuildAnswer(BrowserLocal(answered)));
}

void TrunkOffer(std::string_view text) {
  TrunkLeg trunk(1);
  const auto media = trunk.TakeOffer(text);
  if (!media) return;
  if (media->held != (media->rtp.port == 0)) std::abort();
  const auto codecs = CodecsForOffer(media->codecs, kPolicy);
  if (codecs.empty()) return;
  CheckBuilt(BrowserLeg(2).BuildOffer(BrowserLocal(codecs)));
  trunk.SetProfile({.rules = {}, .max_sdp_bytes = kMaxSdpBytes});
  CheckBuilt(trunk.BuildAnswer(TrunkLocal(CommonCodecs(media->codecs, codecs))));
  CheckTrunkBuild(text, trunk.last_build());
}

void BrowserAnswer(std::string_view text) {
  BrowserLeg browser(1);
  browser.BuildOffer(BrowserLocal(kOffered));
  const auto media = browser.TakeAnswer(text);
  if (media && CommonCodecs(kOffered, media->codecs).size() != media->codecs.size()) std::abort();
}

void TrunkAnswer(std::string_view text) {
  TrunkLeg trunk(1);
  trunk.BuildOffer(TrunkLocal(kOffered));
  const auto media = trunk.TakeAnswer(text);
  if (media && CommonCodecs(kOffered, media->codecs).size() != media->codecs.size()) std::abort();
}

}  // namespace
}  // namespace lastmile::sdp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lastmile::sdp;
  if (size == 0) return 0;
  const std::string_view text = lastmile::AsText({data + 1, size - 1});
  switch (data[0] % 4) {
    case 0:
      BrowserOffer(text);
      break;
    case 1:
      TrunkOffer(text);
      break;
    case 2:
      BrowserAnswer(text);
      break;
    default:
      TrunkAnswer(text);
  }
  return 0;
}
