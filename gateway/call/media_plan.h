#ifndef LASTMILE_GATEWAY_CALL_MEDIA_PLAN_H_
#define LASTMILE_GATEWAY_CALL_MEDIA_PLAN_H_

#include <string>
#include <vector>

#include "media_anchor/core/leg_plan.h"
#include "sdp/offer_answer.h"

// The bridge between what SDP says and what the media anchor does: sdp/ and media_anchor/ do not
// know each other. Pure. Thread: any.
namespace lastmile::call {

media::BrowserRemote ToBrowserRemote(const sdp::BrowserMedia& media, bool gateway_is_dtls_server);
media::TrunkRemote ToTrunkRemote(const sdp::TrunkMedia& media, bool latch);
// Of audio, or of video: `trunk_theirs` as the trunk numbers codecs, `trunk_ours` as we told it.
void AddPayloads(const std::vector<sdp::Codec>& browser,
                 const std::vector<sdp::Codec>& trunk_theirs,
                 const std::vector<sdp::Codec>& trunk_ours, bool video,
                 std::vector<media::PayloadMapping>& payloads);

// What the anchor opened; codecs, directions and video's presence are left to be said.
sdp::BrowserLocalMedia ToBrowserLocal(const media::BrowserLocal& local);
sdp::TrunkLocalMedia ToTrunkLocal(const media::TrunkLocal& local);

// "PCMU, PCMA, telephone-event" for sentences.
std::string CodecNames(const std::vector<sdp::Codec>& codecs);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_MEDIA_PLAN_H_
