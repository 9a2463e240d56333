#include "tests/fuzz/sdp_fuzz_legs.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "sdp/parser.h"
#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

size_t LineCount(const SessionDescription& description) {
  size_t count = description.session.size();
  for (const MediaSection& section : description.media) count += 1 + section.lines.size();
  return count;
}

void CheckLog(const SessionDescription& input, const SessionDescription& output,
              const EditLog& log) {
  size_t lines_in = 0;
  size_t lines_out = 0;
  for (const Edit& edit : log.edits) {
    lines_in += edit.input_line != 0 ? 1 : 0;
    lines_out += edit.output_line != 0 ? 1 : 0;
    if (edit.note.rule.empty() || edit.note.reason.empty()) std::abort();
  }
  if (lines_in != LineCount(input) || lines_out != LineCount(output)) std::abort();
  // Writing them down costs as much as all the rest: one log in eight is.
  if (log.bytes_in % 8 != 0) return;
  if (log.ToJson().empty() || log.ToDiff().empty()) std::abort();
}

}  // namespace

const std::vector<std::string>& FuzzPolicy() {
  static const std::vector<std::string> kPolicy = {"PCMU", "PCMA", "G722", "opus"};
  return kPolicy;
}

const std::vector<Codec>& FuzzOffered() {
  static const std::vector<Codec> kOffered = {
      {.name = "PCMU", .payload_type = 0, .fmtp = {}},
      {.name = "opus", .clock_rate = 48000, .channels = 2, .payload_type = 96, .fmtp = {}},
      {.name = "telephone-event", .payload_type = 101, .fmtp = "0-15"}};
  return kOffered;
}

size_t CountSpeech(const std::vector<Codec>& codecs) {
  return static_cast<size_t>(std::ranges::count_if(
      codecs, [](const Codec& codec) { return !codec.is_telephone_event(); }));
}

TrunkLeg FuzzTrunkLeg(Srtp srtp) {
  TrunkLeg trunk(2);
  trunk.SetProfile({.rules = {},
                    .max_sdp_bytes = kMaxSdpBytes,
                    .srtp = srtp,
                    .srtp_suites = {"AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"}});
  return trunk;
}

const std::vector<Crypto>& FuzzKeys() {
  static const std::vector<Crypto> kKeys = {
      {1, "AEAD_AES_128_GCM", "inline:" + std::string(38, 'A') + "==", ""},
      {2, "AES_CM_128_HMAC_SHA1_80", "inline:" + std::string(40, 'A'), ""}};
  return kKeys;
}

Turns SplitTurns(std::string_view text) {
  const size_t end = text.find('\0');
  if (end == std::string_view::npos) return {.first = text, .second = {}};
  return {.first = text.substr(0, end), .second = text.substr(end + 1)};
}

void CheckBuilt(const std::string& text, const std::string& again) {
  if (again != text) std::abort();
  const auto parsed = Parse(text);
  if (!parsed || Print(*parsed) != text) std::abort();
}

void CheckTrunkBuild(std::string_view input, const TrunkBuild& build) {
  if (build.fits != (build.bytes <= kMaxSdpBytes)) std::abort();
  const auto tree = Parse(input);
  const EditLog log = Explain(*tree, build.tree, build.trail, Towards::kTrunk);
  if (log.bytes_in != input.size() || log.bytes_out != build.bytes) std::abort();
  CheckLog(*tree, build.tree, log);
}

void CheckExplained(std::string_view input, const std::string& output, Towards towards) {
  const auto from = Parse(input);
  const auto to = Parse(output);
  const EditLog log = Explain(*from, *to, {}, towards);
  if (log.bytes_in != input.size() || log.bytes_out != output.size()) std::abort();
  CheckLog(*from, *to, log);
}

}  // namespace lastmile::sdp
