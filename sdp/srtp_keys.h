#ifndef LASTMILE_SDP_SRTP_KEYS_H_
#define LASTMILE_SDP_SRTP_KEYS_H_

#include <optional>
#include <string_view>
#include <vector>

#include "sdp/attributes.h"
#include "sdp/model.h"

// SRTP keys in a=crypto lines (RFC 4568). Internal to sdp/. Pure.
namespace lastmile::sdp {

// "RTP/SAVP" and "RTP/SAVPF": keys are in the description.
bool IsSdesSrtp(std::string_view protocol);
// The same profile, "RTP/AVP" or "RTP/AVPF", with or without SRTP.
std::string_view WithSrtp(std::string_view protocol, bool srtp);

// A suite that SRTP of this gateway has (RFC 4568 section 6.2, RFC 7714), one key of its length
// without an MKI, and no session parameter that would change the packets.
bool IsUsable(const Crypto& crypto);

// The first usable a=crypto of an offer that has one of `suites`: the carrier's order counts (RFC
// 4568 section 5.1.2).
std::optional<Crypto> ReadOfferedCrypto(const MediaSection& section,
                                        const std::vector<std::string>& suites);
// The first one of an answer that takes one of `offered`: same tag, same suite (section 5.1.3).
std::optional<Crypto> ReadAnsweredCrypto(const MediaSection& section,
                                         const std::vector<Crypto>& offered);

// What to answer `theirs` with: ours of the same suite, under the tag of the offer.
std::optional<Crypto> AnswerTo(const Crypto& theirs, const std::vector<Crypto>& ours);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_SRTP_KEYS_H_
