#ifndef LASTMILE_SDP_CODECS_H_
#define LASTMILE_SDP_CODECS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/model.h"
#include "sdp/offer_answer.h"

// Codecs between the tree and the values of offer_answer.h. Internal to sdp/. Pure.
namespace lastmile::sdp {

// False for what only accompanies speech: telephone-event, CN, red. One codec of a call has to be
// one that carries speech.
bool CarriesSpeech(const Codec& codec);
bool AnyCarriesSpeech(const std::vector<Codec>& codecs);
bool SameName(std::string_view one, std::string_view other);  // without case

// The formats of an audio section in its order, from a=rtpmap or, where that is missing, from
// RFC 3551's table, or else from `offered`: the numbers the other side was offered with. Formats
// that stay unknown are left out.
std::vector<Codec> ReadCodecs(const MediaSection& section, std::span<const Codec> offered = {});
// Those of a video section that the gateway can carry; of very many the first ones.
std::vector<Codec> ReadVideoCodecs(const MediaSection& section,
                                   std::span<const Codec> offered = {});
// The number RFC 3551 gives this audio format.
std::optional<uint8_t> StaticPayloadType(const Codec& codec);

// Those of `answered` that are in `offered`, each format once.
std::vector<Codec> KeepOffered(const std::vector<Codec>& answered,
                               const std::vector<Codec>& offered);

std::vector<std::string> FormatsOf(const std::vector<Codec>& codecs);
// a=rtpmap and a=fmtp of each codec and, with `feedback`, a=rtcp-fb.
void AddCodecs(std::vector<Line>& lines, const std::vector<Codec>& codecs, bool feedback = false);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_CODECS_H_
