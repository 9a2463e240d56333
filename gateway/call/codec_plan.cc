#include "gateway/call/codec_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "gateway/call/media_plan.h"

namespace lastmile::call {
namespace {

struct Recodable {
  std::string_view name;
  uint32_t clock_rate;
  media::AudioCodec codec;
};
// The browser's preference, where the gateway has the choice.
constexpr std::array<Recodable, 4> kRecodable = {{
    {"opus", 48000, media::AudioCodec::kOpus},
    {"G722", 8000, media::AudioCodec::kG722},
    {"PCMU", 8000, media::AudioCodec::kPcmu},
    {"PCMA", 8000, media::AudioCodec::kPcma},
}};

std::string_view NameOf(media::AudioCodec codec) {
  return std::ranges::find(kRecodable, codec, &Recodable::codec)->name;
}

Codecs RecodableOf(const Codecs& codecs) {
  Codecs recodable;
  std::ranges::copy_if(codecs, std::back_inserter(recodable),
                       [](const sdp::Codec& codec) { return AudioCodecOf(codec).has_value(); });
  return recodable;
}

bool Has(const Codecs& codecs, const sdp::Codec& wanted) {
  return std::ranges::any_of(codecs,
                             [&](const sdp::Codec& codec) { return codec.SameFormat(wanted); });
}

// The codecs that are told, in a list that is paired with `like`: as if they were that codec.
Codecs InPlaceOf(const sdp::Codec& like, const sdp::Codec& real, const Codecs& codecs) {
  Codecs list = {like};
  list.front().payload_type = real.payload_type;
  std::ranges::copy_if(codecs, std::back_inserter(list), &sdp::Codec::is_telephone_event);
  return list;
}

}  // namespace

std::optional<media::AudioCodec> AudioCodecOf(const sdp::Codec& codec) {
  const auto* known = std::ranges::find_if(kRecodable, [&](const Recodable& candidate) {
    return candidate.name == codec.name && candidate.clock_rate == codec.clock_rate;
  });
  return known == kRecodable.end() ? std::nullopt : std::optional(known->codec);
}

bool IsTranscoded(const Codecs& one, const Codecs& other, Transcode transcode) {
  if (transcode == Transcode::kNever) return false;
  if (transcode == Transcode::kNeeded && FirstSpeech(sdp::CommonCodecs(one, other))) return false;
  return !RecodableOf(one).empty() && !RecodableOf(other).empty();
}

Codecs OfferToTrunk(const Codecs& browser, const CodecNamesOfPolicy& policy, Transcode transcode) {
  const Codecs shared = sdp::CodecsForOffer(browser, policy);
  const Codecs all = sdp::CodecsOfPolicy(policy);
  const bool relays = transcode == Transcode::kNever ||
                      (transcode == Transcode::kNeeded && FirstSpeech(shared) != nullptr);
  return relays || RecodableOf(browser).empty() || RecodableOf(all).empty() ? shared : all;
}

Codecs OfferToBrowser(const Codecs& trunk, const CodecNamesOfPolicy& policy, Transcode transcode) {
  Codecs shared = sdp::CodecsForOffer(trunk, policy);
  if (transcode != Transcode::kAlways || RecodableOf(shared).empty()) return shared;
  CodecNamesOfPolicy names;
  for (const Recodable& codec : kRecodable) names.emplace_back(codec.name);
  return sdp::CodecsOfPolicy(names);
}

Codecs ToldBrowser(const Codecs& browser, const Codecs& other, Transcode transcode) {
  if (!IsTranscoded(browser, other, transcode)) return sdp::CommonCodecs(browser, other);
  return sdp::CommonCodecs(browser, {RecodableOf(browser).front()});
}

Codecs ToldTrunk(const Codecs& trunk, const Codecs& other, const TrunkPolicy& policy,
                 Transcode transcode) {
  if (!IsTranscoded(trunk, other, transcode)) return sdp::CommonCodecs(trunk, other);
  const Codecs allowed = sdp::CodecsForOffer(trunk, policy.codecs);
  Codecs told = RecodableOf(trunk);
  std::erase_if(told, [&](const sdp::Codec& codec) { return !Has(allowed, codec); });
  return sdp::CommonCodecs(trunk, told);
}

Transcode TranscodeBetween(const TrunkPolicy& first, const TrunkPolicy& second) {
  const bool never = first.transcode == Transcode::kNever || second.transcode == Transcode::kNever;
  return never ? Transcode::kNever : Transcode::kNeeded;
}

void AddAudioPayloads(const AudioSides& sides, Transcode transcode,
                      std::vector<media::PayloadMapping>& payloads) {
  const auto& [browser, theirs, ours, browser_ptime, trunk_ptime] = sides;
  if (!IsTranscoded(browser, theirs, transcode)) {
    return AddPayloads(browser, theirs, ours, false, payloads);
  }
  const Codecs told = ToldBrowser(browser, theirs, transcode);
  const sdp::Codec& one = *FirstSpeech(told);
  Codecs others = RecodableOf(theirs);
  std::erase_if(others, [&](const sdp::Codec& codec) { return !Has(ours, codec); });
  if (Has(others, one)) {
    AddPayloads(told, theirs, ours, false, payloads);
  } else if (!others.empty()) {
    // Events find their partner beside audio of the same codec only.
    AddPayloads(told, InPlaceOf(one, others.front(), theirs), InPlaceOf(one, others.front(), ours),
                false, payloads);
    std::erase_if(payloads, [](const media::PayloadMapping& mapping) {
      return !mapping.telephone_event && !mapping.video;
    });
  }
  for (const sdp::Codec& codec : others) {
    if (codec.SameFormat(one)) continue;
    const auto as_told = std::ranges::find_if(
        ours, [&](const sdp::Codec& candidate) { return candidate.SameFormat(codec); });
    payloads.push_back({.browser_pt = one.payload_type,
                        .trunk_pt = codec.payload_type,
                        .trunk_pt_in = as_told->payload_type,
                        .clock_rate = one.clock_rate,
                        .trunk_clock_rate = codec.clock_rate,
                        .recoding = media::Recoding{
                            .browser = *AudioCodecOf(one),
                            .trunk = *AudioCodecOf(codec),
                            .browser_ptime = std::chrono::milliseconds(browser_ptime.value_or(20)),
                            .trunk_ptime = std::chrono::milliseconds(trunk_ptime.value_or(20))}});
  }
}

std::string SayWhatBecomesOfAudio(const std::vector<media::PayloadMapping>& payloads) {
  const auto audio = std::ranges::find_if(payloads, [](const media::PayloadMapping& mapping) {
    return !mapping.telephone_event && !mapping.video;
  });
  if (audio == payloads.end() || !audio->recoding) return "audio is relayed";
  return fmt::format("audio is transcoded: {} and {}", NameOf(audio->recoding->browser),
                     NameOf(audio->recoding->trunk));
}

bool HasG711(const std::vector<media::PayloadMapping>& payloads, media::MediaLeg side) {
  return std::ranges::any_of(payloads, [&](const media::PayloadMapping& mapping) {
    if (!mapping.recoding) return LawOf(mapping.codec) != media::G711::kNone;
    const bool to_trunk = side == media::MediaLeg::kTrunk;
    return LawOf(to_trunk ? mapping.recoding->trunk : mapping.recoding->browser) !=
           media::G711::kNone;
  });
}

}  // namespace lastmile::call
