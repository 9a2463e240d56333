#ifndef LASTMILE_SDP_VIDEO_FORMATS_H_
#define LASTMILE_SDP_VIDEO_FORMATS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/offer_answer.h"

// What is special about the codecs of video sections. Internal to sdp/. Pure.
namespace lastmile::sdp {

// VP8, VP9, H264, AV1: what can be relayed as it is. Retransmission (rtx) and error correction
// (red, ulpfec, flexfec) are agreed hop by hop and end at the gateway.
bool IsVideo(const Codec& codec);
// The registered spelling of one of these names; empty: none of them.
std::string_view VideoSpelling(std::string_view name);

// What two ends need to have in common beyond name and clock rate: "1/cb" (packetization mode and
// profile of H264), the profile of VP9 and AV1. Empty for all other codecs.
std::string VariantOf(const Codec& codec);

// A variant that every end with this codec has: constrained baseline of H264 (RFC 7742
// section 6.2), profile 0 of the others.
bool IsCommonVariant(const Codec& codec);

// The kinds of feedback that cross the gateway, as a set of bits; 0: not one of them.
using FeedbackSet = uint8_t;
FeedbackSet FeedbackNamed(std::string_view type, std::string_view parameters);
std::vector<std::string> FeedbackValues(FeedbackSet set);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_VIDEO_FORMATS_H_
