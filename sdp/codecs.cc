#include "sdp/codecs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>
#include <utility>

#include "sdp/attributes.h"
#include "sdp/scanner.h"
#include "sdp/video_formats.h"

namespace lastmile::sdp {
namespace {

constexpr size_t kPayloadTypes = 128;
constexpr std::string_view kTelephoneEvent = "telephone-event";
constexpr size_t kMaxVideoCodecs = 32;  // of one section; browsers have about ten

struct StaticType {
  uint8_t payload_type;
  std::string_view name;
  uint32_t clock_rate;
  uint8_t channels;
};
// The audio types of RFC 3551 section 6, table 4.
constexpr std::array<StaticType, 17> kStaticTypes = {{{0, "PCMU", 8000, 1},
                                                      {3, "GSM", 8000, 1},
                                                      {4, "G723", 8000, 1},
                                                      {5, "DVI4", 8000, 1},
                                                      {6, "DVI4", 16000, 1},
                                                      {7, "LPC", 8000, 1},
                                                      {8, "PCMA", 8000, 1},
                                                      {9, "G722", 8000, 1},
                                                      {10, "L16", 44100, 2},
                                                      {11, "L16", 44100, 1},
                                                      {12, "QCELP", 8000, 1},
                                                      {13, "CN", 8000, 1},
                                                      {14, "MPA", 90000, 1},
                                                      {15, "G728", 8000, 1},
                                                      {16, "DVI4", 11025, 1},
                                                      {17, "DVI4", 22050, 1},
                                                      {18, "G729", 8000, 1}}};
// Registered spellings of names that peers write in other ways.
constexpr std::array<std::string_view, 4> kOtherNames = {"opus", kTelephoneEvent, "red", "iLBC"};

std::string RegisteredSpelling(std::string_view name) {
  for (const StaticType& type : kStaticTypes) {
    if (SameName(type.name, name)) return std::string(type.name);
  }
  for (std::string_view other : kOtherNames) {
    if (SameName(other, name)) return std::string(other);
  }
  const std::string_view video = VideoSpelling(name);
  return std::string(video.empty() ? name : video);
}

// What a=rtpmap, a=fmtp and a=rtcp-fb of one section say, by payload type; of the first two the
// first line counts.
struct FormatTable {
  std::array<std::optional<Codec>, kPayloadTypes> codecs;
  std::array<std::string, kPayloadTypes> parameters;
  std::array<FeedbackSet, kPayloadTypes> feedback{};
  FeedbackSet feedback_of_all = 0;
};

// Parameters go on to the other side of the call, so only what is plain text and short does.
bool IsCarried(std::string_view parameters) {
  constexpr size_t kMax = 256;
  return parameters.size() <= kMax &&
         std::ranges::all_of(parameters, [](char c) { return c >= 0x20 && c < 0x7f; });
}

void ReadRtpmap(std::string_view value, FormatTable& table) {
  auto rtpmap = ParseRtpmap(value);
  if (!rtpmap || table.codecs[rtpmap->payload_type]) return;
  table.codecs[rtpmap->payload_type] = Codec{.name = RegisteredSpelling(rtpmap->encoding),
                                             .clock_rate = rtpmap->clock_rate,
                                             .channels = rtpmap->channels,
                                             .payload_type = rtpmap->payload_type,
                                             .fmtp = {}};
}

void ReadParameters(std::string_view value, FormatTable& table) {
  auto fmtp = ParseFmtp(value);
  if (!fmtp || !IsCarried(fmtp->parameters)) return;
  const auto payload_type = ToNumber(fmtp->format, kPayloadTypes - 1);
  if (!payload_type || !table.parameters[*payload_type].empty()) return;
  table.parameters[*payload_type] = std::move(fmtp->parameters);
}

void ReadFeedback(std::string_view value, FormatTable& table) {
  const auto feedback = ParseRtcpFb(value);
  if (!feedback) return;
  const FeedbackSet kind = FeedbackNamed(feedback->type, feedback->parameters);
  const auto payload_type = ToNumber(feedback->format, kPayloadTypes - 1);
  (payload_type ? table.feedback[*payload_type] : table.feedback_of_all) |= kind;
}

FormatTable ReadTable(const MediaSection& section) {
  FormatTable table;
  const bool video = section.media().kind == "video";
  for (const Line& line : section.lines) {
    const Attribute attribute = AttributeOf(line);
    if (attribute.name == "rtpmap") ReadRtpmap(attribute.value, table);
    if (attribute.name == "fmtp") ReadParameters(attribute.value, table);
    if (attribute.name == "rtcp-fb" && video) ReadFeedback(attribute.value, table);
  }
  return table;
}

std::optional<Codec> CodecWithoutRtpmap(uint8_t payload_type, std::span<const Codec> offered) {
  const auto* type = std::ranges::find(kStaticTypes, payload_type, &StaticType::payload_type);
  if (type != kStaticTypes.end()) {
    return Codec{.name = std::string(type->name),
                 .clock_rate = type->clock_rate,
                 .channels = type->channels,
                 .payload_type = payload_type,
                 .fmtp = {}};
  }
  const auto it = std::ranges::find(offered, payload_type, &Codec::payload_type);
  if (it == offered.end()) return std::nullopt;
  Codec codec = *it;
  codec.fmtp.clear();
  codec.feedback.clear();
  return codec;
}

}  // namespace

bool SameName(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool Codec::is_telephone_event() const { return SameName(name, kTelephoneEvent); }

bool Codec::TakesEvent(uint8_t event) const {
  if (!is_telephone_event()) return false;
  if (fmtp.empty()) return event <= 15;
  for (std::string_view rest = fmtp; !rest.empty();) {
    const std::string_view range = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(range.size() + 1, rest.size()));
    const size_t dash = std::min(range.find('-'), range.size());
    const auto first = ToNumber(range.substr(0, dash), UINT8_MAX);
    const auto last = dash == range.size() ? first : ToNumber(range.substr(dash + 1), UINT8_MAX);
    if (first && last && *first <= event && event <= *last) return true;
  }
  return false;
}

bool Codec::SameFormat(const Codec& other) const {
  return SameName(name, other.name) && clock_rate == other.clock_rate &&
         channels == other.channels && (!IsVideo(*this) || VariantOf(*this) == VariantOf(other));
}

bool CarriesSpeech(const Codec& codec) {
  return !codec.is_telephone_event() && !SameName(codec.name, "CN") && !SameName(codec.name, "red");
}

bool AnyCarriesSpeech(const std::vector<Codec>& codecs) {
  return std::ranges::any_of(codecs, CarriesSpeech);
}

std::vector<Codec> ReadCodecs(const MediaSection& section, std::span<const Codec> offered) {
  FormatTable table = ReadTable(section);
  std::bitset<kPayloadTypes> seen;
  std::vector<Codec> codecs;
  for (const std::string& format : section.media().formats) {
    const auto number = ToNumber(format, kPayloadTypes - 1);
    if (!number || seen[*number]) continue;
    seen.set(*number);
    std::optional<Codec> codec = std::move(table.codecs[*number]);
    if (!codec) codec = CodecWithoutRtpmap(static_cast<uint8_t>(*number), offered);
    if (!codec) continue;
    codec->fmtp = std::move(table.parameters[*number]);
    codec->feedback = FeedbackValues(table.feedback[*number] | table.feedback_of_all);
    codecs.push_back(std::move(*codec));
  }
  return codecs;
}

std::vector<Codec> ReadVideoCodecs(const MediaSection& section, std::span<const Codec> offered) {
  std::vector<Codec> codecs = ReadCodecs(section, offered);
  std::erase_if(codecs, [](const Codec& codec) { return !IsVideo(codec); });
  if (codecs.size() > kMaxVideoCodecs) codecs.resize(kMaxVideoCodecs);
  return codecs;
}

std::optional<uint8_t> StaticPayloadType(const Codec& codec) {
  const auto* it = std::ranges::find_if(kStaticTypes, [&](const StaticType& type) {
    return SameName(type.name, codec.name) && type.clock_rate == codec.clock_rate &&
           type.channels == codec.channels;
  });
  return it == kStaticTypes.end() ? std::nullopt : std::optional(it->payload_type);
}

std::vector<Codec> KeepOffered(const std::vector<Codec>& answered,
                               const std::vector<Codec>& offered) {
  std::vector<Codec> kept;
  for (const Codec& codec : answered) {
    const auto same = [&](const Codec& other) { return other.SameFormat(codec); };
    if (std::ranges::any_of(offered, same) && std::ranges::none_of(kept, same)) {
      kept.push_back(codec);
    }
  }
  return kept;
}

std::vector<std::string> FormatsOf(const std::vector<Codec>& codecs) {
  std::vector<std::string> formats;
  for (const Codec& codec : codecs) formats.push_back(std::to_string(codec.payload_type));
  return formats;
}

void AddCodecs(std::vector<Line>& lines, const std::vector<Codec>& codecs, bool feedback) {
  for (const Codec& codec : codecs) {
    AddAttribute(lines, "rtpmap",
                 ToValue(Rtpmap{.payload_type = codec.payload_type,
                                .encoding = codec.name,
                                .clock_rate = codec.clock_rate,
                                .channels = codec.channels}));
    if (!codec.fmtp.empty()) {
      AddAttribute(lines, "fmtp", fmt::format("{} {}", codec.payload_type, codec.fmtp));
    }
    if (!feedback) continue;
    for (const std::string& value : codec.feedback) {
      AddAttribute(lines, "rtcp-fb", fmt::format("{} {}", codec.payload_type, value));
    }
  }
}

}  // namespace lastmile::sdp
