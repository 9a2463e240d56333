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
    const auto payload_type = event.clock_rate == 8000 ? kTelephoneEventType : types.NextAudio();
    if (!payload_type) continue;
    chosen.push_back({.name = std::string(kTelephoneEvent),
                      .clock_rate = event.clock_rate,
                      .channels = 1,
                      .payload_type = *payload_type,
                      .fmtp = std::string(kDtmfEvents)});
  }
}

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
  AddTelephoneEvents(remote, types, chosen);
  return chosen;
}

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
    const auto it = std::ranges::find_if(mine, SameFormatAs(codec));
    if (it == mine.end() || std::ranges::any_of(common, SameFormatAs(codec))) continue;
    Codec shared = *it;
    // The far end's wishes hold, whatever leg they are told on. Flash and other extra events do
    // not cross the gateway.
    if (!shared.is_telephone_event()) {
      shared.fmtp = codec.fmtp;
    } else if (!shared.fmtp.empty() || !codec.fmtp.empty()) {
      shared.fmtp = kDtmfEvents;
    }
    // RFC 4585 section 4.2: an answer has no feedback that was not offered.
    std::erase_if(shared.feedback, [&](const std::string& value) {
      return std::ranges::find(codec.feedback, value) == codec.feedback.end();
    });
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
    const auto theirs = std::ranges::find_if(trunk_theirs, SameFormatAs(codec));
    const auto ours = std::ranges::find_if(trunk_ours, SameFormatAs(codec));
    if (theirs == trunk_theirs.end() || ours == trunk_ours.end()) continue;
    if (std::ranges::any_of(pairs, SameFormatAs(codec), &CodecPair::browser)) continue;
    pairs.push_back({codec, *theirs, *ours});
  }
  return pairs;
}

}  // namespace lastmile::sdp
