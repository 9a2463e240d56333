#ifndef LASTMILE_GATEWAY_CALL_MEDIA_PLAN_H_
#define LASTMILE_GATEWAY_CALL_MEDIA_PLAN_H_

#include <string>
#include <vector>

#include "gateway/call/trunk_keys.h"
#include "gateway/call/trunk_policy.h"
#include "media_anchor/core/leg_plan.h"
#include "sdp/offer_answer.h"

// The bridge between what SDP says and what the media anchor does: sdp/ and media_anchor/ do not
// know each other. Pure. Thread: any.
namespace lastmile::call {

media::BrowserRemote ToBrowserRemote(const sdp::BrowserMedia& media, bool gateway_is_dtls_server);
// `keys`: ours towards this party.
media::TrunkRemote ToTrunkRemote(const sdp::TrunkMedia& media, bool latch, const TrunkKeys& keys);
// Of audio, or of video: `trunk_theirs` as the trunk numbers codecs, `trunk_ours` as we told it.
void AddPayloads(const std::vector<sdp::Codec>& browser,
                 const std::vector<sdp::Codec>& trunk_theirs,
                 const std::vector<sdp::Codec>& trunk_ours, bool video,
                 std::vector<media::PayloadMapping>& payloads);

// What the anchor opened; codecs, directions and video's presence are left to be said.
sdp::BrowserLocalMedia ToBrowserLocal(const media::BrowserLocal& local);
sdp::TrunkLocalMedia ToTrunkLocal(const media::TrunkLocal& local, const TrunkKeys& keys);
// Those ports at the address that the trunk reaches them at.
media::TrunkLocal ReachedBy(const TrunkPolicy& trunk, media::TrunkLocal local);

// The codecs of a bridge's first party are paired in the browser's place: it sends with the numbers
// it was told, `ours`, and is sent its own, `theirs`.
void NumberAsFirstSends(const std::vector<sdp::Codec>& theirs, const std::vector<sdp::Codec>& ours,
                        std::vector<media::PayloadMapping>& payloads);

// The first one that is not telephone-event; null: none is.
const sdp::Codec* FirstSpeech(const std::vector<sdp::Codec>& codecs);
// Removes telephone-event unless `keep`.
void KeepEventsIf(bool keep, std::vector<sdp::Codec>& codecs);

// What a party wants by itself that says `said` after it was `told` what the gateway does: who was
// told that nobody listens may well not send. `held`: c=0.0.0.0 takes nothing (RFC 3264 section
// 8.4), whatever the direction says.
sdp::Direction WishOf(sdp::Direction said, bool held, sdp::Direction told);

// "SRTP AEAD_AES_128_GCM" or "plain RTP", of the audio.
std::string NameOfTransport(const sdp::TrunkMedia& media);
// "PCMU, PCMA, telephone-event" for sentences.
std::string CodecNames(const std::vector<sdp::Codec>& codecs);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_MEDIA_PLAN_H_
