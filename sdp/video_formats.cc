#include "sdp/video_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sdp/codecs.h"
#include "sdp/scanner.h"

namespace lastmile::sdp {
namespace {

constexpr std::array<std::string_view, 4> kVideoNames = {"VP8", "VP9", "H264", "AV1"};
constexpr std::array<std::string_view, 3> kFeedback = {"nack", "nack pli", "ccm fir"};

// "name=value" of a list separated by ";"; empty: not there.
std::string_view Parameter(std::string_view fmtp, std::string_view name) {
  while (!fmtp.empty()) {
    const size_t end = std::min(fmtp.find(';'), fmtp.size());
    std::string_view one = fmtp.substr(0, end);
    fmtp.remove_prefix(std::min(end + 1, fmtp.size()));
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    const size_t equals = one.find('=');
    if (equals == std::string_view::npos || !SameName(one.substr(0, equals), name)) continue;
    one.remove_prefix(equals + 1);
    return one.substr(0, one.find(' '));
  }
  return {};
}

std::string_view ParameterOr(std::string_view fmtp, std::string_view name,
                             std::string_view absent) {
  const std::string_view value = Parameter(fmtp, name);
  return value.empty() ? absent : value;
}

// One profile can be written in several ways: which bits of profile_iop count depends on
// profile_idc (RFC 6184 section 8.1, table 5).
struct H264Profile {
  uint8_t idc;
  uint8_t mask;
  uint8_t iop;
  std::string_view name;
};
constexpr std::array<H264Profile, 10> kH264Profiles = {{{0x42, 0x4f, 0x40, "cb"},
                                                        {0x4d, 0x8f, 0x80, "cb"},
                                                        {0x58, 0xcf, 0xc0, "cb"},
                                                        {0x42, 0x4f, 0x00, "b"},
                                                        {0x58, 0xcf, 0x80, "b"},
                                                        {0x4d, 0xaf, 0x00, "m"},
                                                        {0x58, 0xcf, 0x00, "e"},
                                                        {0x64, 0xff, 0x00, "h"},
                                                        {0x64, 0xff, 0x0c, "ch"},
                                                        {0x6e, 0xff, 0x00, "h10"}}};

std::string H264ProfileName(std::string_view profile_level_id) {
  constexpr std::string_view kAbsent = "42000a";  // RFC 6184 section 8.1: Baseline at level 1
  constexpr size_t kDigits = 6;
  constexpr uint32_t kLevelBits = 8;
  const std::string_view text = profile_level_id.empty() ? kAbsent : profile_level_id;
  uint32_t bits = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, bits, 16);
  if (error != std::errc() || stop != end || text.size() != kDigits) return "?";
  const auto idc = static_cast<uint8_t>(bits >> 16);
  const auto iop = static_cast<uint8_t>(bits >> kLevelBits);
  for (const H264Profile& profile : kH264Profiles) {
    if (profile.idc == idc && (iop & profile.mask) == profile.iop) return std::string(profile.name);
  }
  return fmt::format("{:04x}", bits >> kLevelBits);
}

}  // namespace

std::string_view VideoSpelling(std::string_view name) {
  const auto* it =
      std::ranges::find_if(kVideoNames, [&](std::string_view one) { return SameName(one, name); });
  return it == kVideoNames.end() ? std::string_view() : *it;
}

bool IsVideo(const Codec& codec) { return !VideoSpelling(codec.name).empty(); }

std::string VariantOf(const Codec& codec) {
  const std::string_view name = VideoSpelling(codec.name);
  if (name == "H264") {
    return fmt::format("{}/{}", ParameterOr(codec.fmtp, "packetization-mode", "0"),
                       H264ProfileName(Parameter(codec.fmtp, "profile-level-id")));
  }
  if (name == "VP9") return std::string(ParameterOr(codec.fmtp, "profile-id", "0"));
  if (name == "AV1") return std::string(ParameterOr(codec.fmtp, "profile", "0"));
  return {};
}

bool IsCommonVariant(const Codec& codec) {
  const std::string variant = VariantOf(codec);
  return variant.empty() || variant == "0" || variant.ends_with("/cb");
}

FeedbackSet FeedbackNamed(std::string_view type, std::string_view parameters) {
  for (size_t i = 0; i < kFeedback.size(); ++i) {
    Scanner scanner(kFeedback[i]);
    if (scanner.Word() == type && scanner.Rest() == parameters) {
      return static_cast<FeedbackSet>(1U << i);
    }
  }
  return 0;
}

std::vector<std::string> FeedbackValues(FeedbackSet set) {
  std::vector<std::string> values;
  for (size_t i = 0; i < kFeedback.size(); ++i) {
    if ((set >> i & 1U) != 0) values.emplace_back(kFeedback[i]);
  }
  return values;
}

}  // namespace lastmile::sdp
