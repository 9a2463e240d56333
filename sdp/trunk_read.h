#ifndef LASTMILE_SDP_TRUNK_READ_H_
#define LASTMILE_SDP_TRUNK_READ_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sdp/leg_common.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"

// What a carrier's description says. Internal to sdp/. Pure.
namespace lastmile::sdp {

// What one section of the gateway's last offer said: what an answer may take.
struct TrunkOffered {
  std::vector<Codec> codecs;
  std::vector<Crypto> crypto;  // empty: plain RTP was offered
};

// What is read of a carrier's description.
struct TrunkReading {
  bool answer = false;
  Srtp srtp = Srtp::kNone;
  std::vector<std::string> srtp_suites = {};  // of an offer
  bool rtcp_mux = false;  // a=rtcp-mux counts: it was offered, or the trunk takes it
};

// The audio section and, if it can be used, the video section of a description.
struct TrunkSections {
  size_t audio = 0;
  std::optional<size_t> video;
  TrunkMedia media;
};
// Those in use if they still can be used, else the first ones that can: carriers offer RTP/SAVP and
// RTP/AVP side by side.
Result<TrunkSections, Refusal> ReadTrunkOffer(const SessionDescription& description,
                                              const TrunkReading& reading,
                                              std::optional<size_t> audio_in_use,
                                              std::optional<size_t> video_in_use);

Result<TrunkMedia, Refusal> ReadTrunkAudio(const SessionDescription& description,
                                           const MediaSection& section, const TrunkReading& reading,
                                           const TrunkOffered& offered);
// None: there is no video in it that can be used.
std::optional<TrunkVideo> ReadTrunkVideo(const SessionDescription& description,
                                         const MediaSection& section, const TrunkReading& reading,
                                         const TrunkOffered& offered);

// RFC 3264 section 6: the t= line of the answer is that of the offer.
std::string ReadTime(const SessionDescription& description);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_TRUNK_READ_H_
