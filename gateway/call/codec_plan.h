#ifndef LASTMILE_GATEWAY_CALL_CODEC_PLAN_H_
#define LASTMILE_GATEWAY_CALL_CODEC_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/call/trunk_policy.h"
#include "media_anchor/core/leg_plan.h"
#include "sdp/offer_answer.h"

// Which codecs each side of a call is told, and what becomes of the audio between them. What both
// sides have is relayed. Where they have nothing in common, or the trunk's policy wants it, each
// side has codecs of its own, out of those that the anchor turns into each other: the browser one,
// so that there is no doubt what it sends, the trunk all that it may have. In a bridge the first
// party is in the browser's place. Pure. Thread: any.
namespace lastmile::call {

using Codecs = std::vector<sdp::Codec>;
using CodecNamesOfPolicy = std::vector<std::string>;  // TrunkPolicy::codecs

// Nothing: the anchor cannot turn it into others.
std::optional<media::AudioCodec> AudioCodecOf(const sdp::Codec& codec);

// What the trunk is offered if the browser has offered `browser`; empty: the call cannot be.
Codecs OfferToTrunk(const Codecs& browser, const CodecNamesOfPolicy& policy, Transcode transcode);
// What the browser is offered if the trunk has offered `trunk`.
Codecs OfferToBrowser(const Codecs& trunk, const CodecNamesOfPolicy& policy, Transcode transcode);

// Whether the sides of a call have their own codecs.
bool IsTranscoded(const Codecs& one, const Codecs& other, Transcode transcode);
// Of its own codecs, those that a side is told if the other one has `other`. Empty: no audio can
// pass.
Codecs ToldBrowser(const Codecs& browser, const Codecs& other, Transcode transcode);
Codecs ToldTrunk(const Codecs& trunk, const Codecs& other, const TrunkPolicy& policy,
                 Transcode transcode);
// Of a bridge: nothing is transcoded that could be relayed.
Transcode TranscodeBetween(const TrunkPolicy& first, const TrunkPolicy& second);

// `trunk_theirs` and `trunk_ours` as for AddPayloads.
struct AudioSides {
  const Codecs& browser;
  const Codecs& trunk_theirs;
  const Codecs& trunk_ours;
  std::optional<uint16_t> browser_ptime;  // ms, that the side asks for
  std::optional<uint16_t> trunk_ptime;
};
// Adds what the anchor does with audio.
void AddAudioPayloads(const AudioSides& sides, Transcode transcode,
                      std::vector<media::PayloadMapping>& payloads);

// "audio is transcoded: opus and PCMU" or "audio is relayed".
std::string SayWhatBecomesOfAudio(const std::vector<media::PayloadMapping>& payloads);
// Whether what is sent to that side can have tones in it.
bool HasG711(const std::vector<media::PayloadMapping>& payloads, media::MediaLeg side);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_CODEC_PLAN_H_
