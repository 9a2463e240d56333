#ifndef LASTMILE_SDP_BROWSER_READ_H_
#define LASTMILE_SDP_BROWSER_READ_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/leg_common.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"

// What a browser's description says. Internal to sdp/. Pure.
namespace lastmile::sdp {

inline constexpr std::string_view kBrowserProtocol = "UDP/TLS/RTP/SAVPF";
bool IsDtlsSrtp(std::string_view protocol);

// The m-lines with their mids; refused if a mid is no token.
Result<std::vector<Slot>, Refusal> ReadBrowserSlots(const SessionDescription& description);

// The audio section and, if it can be used, the video section of a description.
struct BrowserSections {
  size_t audio = 0;
  std::optional<size_t> video;
  std::vector<std::string> bundle;  // mids of the group the audio is in; empty: in none
  BrowserMedia media;
};
// Those in use if they still can be used, else the first ones that can.
Result<BrowserSections, Refusal> ReadBrowserOffer(const SessionDescription& description,
                                                  std::optional<size_t> audio_in_use,
                                                  std::optional<size_t> video_in_use);
// The sections that were offered: `video` is none if no video was.
Result<BrowserSections, Refusal> ReadBrowserAnswer(const SessionDescription& description,
                                                   size_t audio, std::optional<size_t> video);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_BROWSER_READ_H_
