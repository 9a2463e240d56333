#include "sdp/codecs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <optional>
#include <ranges>

#include "sdp/attributes.h"
#include "sdp/scanner.h"

namespace lastmile::sdp {
namespace {

constexpr size_t kPayloadTypes = 128;
constexpr std::string_view kTelephoneEvent = "telephone-event";
constexpr std::string_view kDtmfEvents = "0-15";  // RFC 4733: digits, *, #, A to D
constexpr uint8_t kTelephoneEventType = 101;      // what carriers expect; any dynamic one is valid
constexpr uint8_t kFirstDynamicType = 96;

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
  return std::string(name);
}

const StaticType* StaticTypeOf(const Codec& codec) {
  const auto* it = std::ranges::find_if(kStaticTypes, [&](const StaticType& type) {
    return SameName(type.name, codec.name) && type.clock_rate == codec.clock_rate &&
           type.channels == codec.channels;
  });
  return it == kStaticTypes.end() ? nullptr : it;
}

// What a=rtpmap and a=fmtp of one section say, by payload type; the first line of each counts.
struct FormatTable {
  std::array<std::optional<Codec>, kPayloadTypes> codecs;
  std::array<std::string, kPayloadTypes> parameters;
};

// Parameters go on to the other side of the call, so only what is plain text and short does.
bool IsCarried(std::string_view parameters) {
  constexpr size_t kMax = 256;
  return parameters.size() <= kMax &&
         std::ranges::all_of(parameters, [](char c) { return c >= 0x20 && c < 0x7f; });
}

FormatTable ReadTable(const MediaSection& section) {
  FormatTable table;
  for (const Line& line : section.lines) {
    const Attribute attribute = AttributeOf(line);
    if (attribute.name == "rtpmap") {
      auto rtpmap = ParseRtpmap(attribute.value);
      if (!rtpmap || table.codecs[rtpmap->payload_type]) continue;
      table.codecs[rtpmap->payload_type] = Codec{.name = RegisteredSpelling(rtpmap->encoding),
                                                 .clock_rate = rtpmap->clock_rate,
                                                 .channels = rtpmap->channels,
                                                 .payload_type = rtpmap->payload_type,
                                                 .fmtp = {}};
    } else if (attribute.name == "fmtp") {
      auto fmtp = ParseFmtp(attribute.value);
      if (!fmtp || !IsCarried(fmtp->parameters)) continue;
      const auto payload_type = ToNumber(fmtp->format, kPayloadTypes - 1);
      if (!payload_type || !table.parameters[*payload_type].empty()) continue;
      table.parameters[*payload_type] = std::move(fmtp->parameters);
    }
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
  return codec;
}

// Gives out dynamic payload types 96 to 127, leaving out telephone-event's.
class DynamicTypes {
 public:
  std::optional<uint8_t> Next() {
    if (next_ == kTelephoneEventType) ++next_;
    if (next_ >= kPayloadTypes) return std::nullopt;
    return next_++;
  }

 private:
  uint8_t next_ = kFirstDynamicType;
};

// telephone-event at every clock rate that has a chosen codec and that `remote` knows (RFC 4733
// section 2.1: its clock is that of the audio it is mixed with).
void AddTelephoneEvents(const std::vector<Codec>& remote, DynamicTypes& types,
                        std::vector<Codec>& chosen) {
  const size_t speech = chosen.size();
  for (const Codec& event : remote) {
    if (!event.is_telephone_event()) continue;
    const auto uses_clock = [&](const Codec& codec) {
      return codec.clock_rate == event.clock_rate;
    };
    const auto first = chosen.begin();
    const auto last = first + static_cast<std::ptrdiff_t>(speech);
    const bool wanted = std::any_of(first, last, uses_clock);
    const bool there = std::any_of(last, chosen.end(), uses_clock);
    if (!wanted || there) continue;
    const auto payload_type = event.clock_rate == 8000 ? kTelephoneEventType : types.Next();
    if (!payload_type) continue;
    chosen.push_back({.name = std::string(kTelephoneEvent),
                      .clock_rate = event.clock_rate,
                      .channels = 1,
                      .payload_type = *payload_type,
                      .fmtp = std::string(kDtmfEvents)});
  }
}

}  // namespace

bool SameName(std::string_view one, std::string_view other) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::ranges::equal(one, other, {}, lower, lower);
}

bool Codec::is_telephone_event() const { return SameName(name, kTelephoneEvent); }

bool Codec::SameFormat(const Codec& other) const {
  return SameName(name, other.name) && clock_rate == other.clock_rate && channels == other.channels;
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
    codecs.push_back(std::move(*codec));
  }
  return codecs;
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

void AddCodecs(std::vector<Line>& lines, const std::vector<Codec>& codecs) {
  for (const Codec& codec : codecs) {
    AddAttribute(lines, "rtpmap",
                 ToValue(Rtpmap{.payload_type = codec.payload_type,
                                .encoding = codec.name,
                                .clock_rate = codec.clock_rate,
                                .channels = codec.channels}));
    if (codec.fmtp.empty()) continue;
    AddAttribute(lines, "fmtp", fmt::format("{} {}", codec.payload_type, codec.fmtp));
  }
}

std::vector<Codec> CodecsForOffer(const std::vector<Codec>& remote,
                                  const std::vector<std::string>& policy) {
  DynamicTypes types;
  std::vector<Codec> chosen;
  for (const std::string& name : policy) {
    const auto named = [&](const Codec& codec) {
      return SameName(codec.name, name) && CarriesSpeech(codec);
    };
    const auto it = std::ranges::find_if(remote, named);
    if (it == remote.end()) continue;
    const auto same = [&](const Codec& other) { return other.SameFormat(*it); };
    if (std::ranges::any_of(chosen, same)) continue;
    Codec codec = *it;
    if (const StaticType* type = StaticTypeOf(codec)) {
      codec.payload_type = type->payload_type;
    } else {
      const auto payload_type = types.Next();
      if (!payload_type) continue;
      codec.payload_type = *payload_type;
    }
    chosen.push_back(std::move(codec));
  }
  AddTelephoneEvents(remote, types, chosen);
  return chosen;
}

std::vector<Codec> CommonCodecs(const std::vector<Codec>& mine, const std::vector<Codec>& theirs) {
  std::vector<Codec> common;
  for (const Codec& codec : theirs) {
    const auto same = [&](const Codec& other) { return other.SameFormat(codec); };
    const auto it = std::ranges::find_if(mine, same);
    if (it == mine.end() || std::ranges::any_of(common, same)) continue;
    Codec shared = *it;
    // The far end's wishes hold, whatever leg they are told on. Flash and other extra events do
    // not cross the gateway.
    if (!shared.is_telephone_event()) {
      shared.fmtp = codec.fmtp;
    } else if (!shared.fmtp.empty() || !codec.fmtp.empty()) {
      shared.fmtp = kDtmfEvents;
    }
    common.push_back(std::move(shared));
  }
  return common;
}

std::vector<CodecPair> PairCodecs(const std::vector<Codec>& browser,
                                  const std::vector<Codec>& trunk) {
  return PairCodecs(browser, trunk, trunk);
}

std::vector<CodecPair> PairCodecs(const std::vector<Codec>& browser,
                                  const std::vector<Codec>& trunk_theirs,
                                  const std::vector<Codec>& trunk_ours) {
  std::vector<CodecPair> pairs;
  for (const Codec& codec : browser) {
    const auto same = [&](const Codec& other) { return other.SameFormat(codec); };
    const auto theirs = std::ranges::find_if(trunk_theirs, same);
    const auto ours = std::ranges::find_if(trunk_ours, same);
    const bool paired = std::ranges::any_of(pairs, same, &CodecPair::browser);
    if (theirs != trunk_theirs.end() && ours != trunk_ours.end() && !paired) {
      pairs.push_back({codec, *theirs, *ours});
    }
  }
  return pairs;
}

}  // namespace lastmile::sdp
