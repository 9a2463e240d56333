#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "sdp/codecs.h"
#include "sdp/offer_answer.h"
#include "sdp/video_formats.h"

// What both legs of a call carry, and under which numbers.
namespace lastmile::sdp {
namespace {

constexpr std::string_view kTelephoneEvent = "telephone-event";
constexpr std::string_view kDtmfEvents = "0-15";  // RFC 4733: digits, *, #, A to D
constexpr uint8_t kTelephoneEventType = 101;      // what carriers expect; any dynamic one is valid

// Gives out the dynamic payload types of one kind of section, leaving out telephone-event's. Audio
// and video never share one: sections in one bundle may not (RFC 9143 section 9.1).
class DynamicTypes {
 public:
  std::optional<uint8_t> NextAudio() {
    if (audio_ == kTelephoneEventType) ++audio_;
    return audio_ == kFirstVideo ? std::nullopt : std::optional(audio_++);
  }
  std::optional<uint8_t> NextVideo() {
    return video_ == kEnd ? std::nullopt : std::optional(video_++);
  }

 private:
  static constexpr uint8_t kFirstVideo = 112;
  static constexpr uint8_t kEnd = 128;
  uint8_t audio_ = 96;
  uint8_t video_ = kFirstVideo;
};

// telephone-event at every clock rate that has a chosen codec (RFC 4733 section 2.1: its clock is
// that of the audio it is mixed with), whether the other leg knows it or not: the gateway converts
// events, and makes them.
void AddTelephoneEvents(DynamicTypes& types, std::vector<Codec>& chosen) {
  const size_t speech = chosen.size();
  for (size_t i = 0; i < speech; ++i) {
    const uint32_t clock_rate = chosen[i].clock_rate;
    const auto there = [&](const Codec& codec) {
      return codec.is_telephone_event() && codec.clock_rate == clock_rate;
    };
    if (IsVideo(chosen[i]) || std::ranges::any_of(chosen, there)) continue;
    const auto payload_type = clock_rate == 8000 ? kTelephoneEventType : types.NextAudio();
    if (!payload_type) continue;
    chosen.push_back({.name = std::string(kTelephoneEvent),
                      .clock_rate = clock_rate,
                      .channels = 1,
                      .payload_type = *payload_type,
                      .fmtp = std::string(kDtmfEvents)});
  }
}

bool IsEvent(const Codec& codec) { return codec.is_telephone_event(); }

auto SameFormatAs(const Codec& codec) {
  return [&codec](const Codec& other) { return other.SameFormat(codec); };
}

void Choose(const Codec& codec, DynamicTypes& types, std::vector<Codec>& chosen) {
  if (std::ranges::any_of(chosen, SameFormatAs(codec))) return;
  auto payload_type = StaticPayloadType(codec);
  if (!payload_type) payload_type = IsVideo(codec) ? types.NextVideo() : types.NextAudio();
  if (!payload_type) return;
  chosen.push_back(codec);
  chosen.back().payload_type = *payload_type;
}

}  // namespace

std::vector<Codec> CodecsForOffer(const std::vector<Codec>& remote,
                                  const std::vector<std::string>& policy) {
  DynamicTypes types;
  std::vector<Codec> chosen;
  for (const std::string& name : policy) {
    const auto named = [&](const Codec& codec) {
      return SameName(codec.name, name) && CarriesSpeech(codec);
    };
    const auto first = std::ranges::find_if(remote, named);
    if (first == remote.end()) continue;
    if (!IsVideo(*first)) {
      Choose(*first, types, chosen);
      continue;
    }
    for (const bool common : {true, false}) {
      for (const Codec& codec : remote) {
        if (named(codec) && IsCommonVariant(codec) == common) Choose(codec, types, chosen);
      }
    }
  }
  AddTelephoneEvents(types, chosen);
  return chosen;
}

namespace {

// Those of `mine` at the clocks of the audio in `common`, else the first one: what the other leg
// has does not matter, see AddTelephoneEvents.
void KeepTelephoneEvents(const std::vector<Codec>& mine, const std::vector<Codec>& theirs,
                         std::vector<Codec>& common) {
  const std::vector<Codec> speech = common;
  if (!AnyCarriesSpeech(speech)) return;
  const bool tells = std::ranges::any_of(
      theirs, [](const Codec& codec) { return IsEvent(codec) && !codec.fmtp.empty(); });
  const auto keep = [&](Codec event) {
    if (std::ranges::any_of(common, SameFormatAs(event))) return;
    // Flash and other extra events do not cross the gateway in the media.
    if (tells || !event.fmtp.empty()) event.fmtp = kDtmfEvents;
    common.push_back(std::move(event));
  };
  for (const Codec& codec : mine) {
    const auto same_clock = [&](const Codec& other) {
      return CarriesSpeech(other) && other.clock_rate == codec.clock_rate;
    };
    if (IsEvent(codec) && std::ranges::any_of(speech, same_clock)) keep(codec);
  }
  const auto first = std::ranges::find_if(mine, IsEvent);
  if (first != mine.end() && std::ranges::none_of(common, IsEvent)) keep(*first);
}

}  // namespace

std::vector<Codec> CodecsOfPolicy(const std::vector<std::string>& policy) {
  static const std::vector<Codec> kAudio = {
      {.name = "PCMU"},
      {.name = "PCMA"},
      {.name = "G722"},
      {.name = "opus", .clock_rate = 48000, .channels = 2},
      {.name = std::string(kTelephoneEvent)},
      {.name = std::string(kTelephoneEvent), .clock_rate = 48000}};
  return CodecsForOffer(kAudio, policy);
}

std::vector<Codec> CommonCodecs(const std::vector<Codec>& mine, const std::vector<Codec>& theirs) {
  std::vector<Codec> common;
  for (const Codec& codec : theirs) {
    if (IsEvent(codec)) continue;
    const auto it = std::ranges::find_if(mine, SameFormatAs(codec));
    if (it == mine.end() || std::ranges::any_of(common, SameFormatAs(codec))) continue;
    Codec shared = *it;
    shared.fmtp = codec.fmtp;  // the far end's wishes hold, whatever leg they are told on
    // RFC 4585 section 4.2: an answer has no feedback that was not offered.
    std::erase_if(shared.feedback, [&](const std::string& value) {
      return std::ranges::find(codec.feedback, value) == codec.feedback.end();
    });
    common.push_back(std::move(shared));
  }
  KeepTelephoneEvents(mine, theirs, common);
  return common;
}

namespace {

// telephone-event whose clock the other leg does not have: with one of another clock there, or with
// none.
void PairOtherEvents(const std::vector<Codec>& browser, const std::vector<Codec>& trunk_theirs,
                     const std::vector<Codec>& trunk_ours, std::vector<CodecPair>& pairs) {
  if (pairs.empty()) return;  // no audio that they could be in
  const auto missing = [](Codec like) {
    like.payload_type = kNoPayloadType;
    return like;
  };
  std::vector<CodecPair> trunk;
  for (const Codec& theirs : trunk_theirs) {
    const auto ours = std::ranges::find_if(trunk_ours, SameFormatAs(theirs));
    if (!IsEvent(theirs) || ours == trunk_ours.end()) continue;
    trunk.push_back({missing(theirs), theirs, *ours});
  }
  const auto is_paired = [&](const Codec& codec, auto member) {
    return std::ranges::any_of(pairs, SameFormatAs(codec), member);
  };
  for (const Codec& codec : browser) {
    if (!IsEvent(codec) || is_paired(codec, &CodecPair::browser)) continue;
    pairs.push_back(trunk.empty() ? CodecPair{codec, missing(codec), missing(codec)}
                                  : CodecPair{codec, trunk.front().trunk, trunk.front().trunk_in});
  }
  const auto first = std::ranges::find_if(browser, IsEvent);
  for (CodecPair& pair : trunk) {
    if (is_paired(pair.trunk, &CodecPair::trunk)) continue;
    if (first != browser.end()) pair.browser = *first;
    pairs.push_back(pair);
  }
}

}  // namespace

std::vector<CodecPair> PairCodecs(const std::vector<Codec>& browser,
                                  const std::vector<Codec>& trunk) {
  return PairCodecs(browser, trunk, trunk);
}

std::vector<CodecPair> PairCodecs(const std::vector<Codec>& browser,
                                  const std::vector<Codec>& trunk_theirs,
                                  const std::vector<Codec>& trunk_ours) {
  std::vector<CodecPair> pairs;
  for (const Codec& codec : browser) {
    const auto theirs = std::ranges::find_if(trunk_theirs, SameFormatAs(codec));
    const auto ours = std::ranges::find_if(trunk_ours, SameFormatAs(codec));
    if (theirs == trunk_theirs.end() || ours == trunk_ours.end()) continue;
    if (std::ranges::any_of(pairs, SameFormatAs(codec), &CodecPair::browser)) continue;
    pairs.push_back({codec, *theirs, *ours});
  }
  PairOtherEvents(browser, trunk_theirs, trunk_ours, pairs);
  return pairs;
}

}  // namespace lastmile::sdp
