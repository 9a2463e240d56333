#ifndef LASTMILE_TESTS_SUPPORT_RTCP_PACKETS_H_
#define LASTMILE_TESTS_SUPPORT_RTCP_PACKETS_H_

#include <utility>
#include <vector>

#include "base/bytes.h"
#include "media_anchor/core/rtcp_feedback.h"
#include "media_anchor/core/stream_meter.h"

// RTCP byte by byte, as a peer would send it.
namespace lastmile::test {

Bytes PictureLoss(uint32_t from, uint32_t media);
Bytes FullIntraRequest(uint32_t from, uint32_t media, uint8_t number);
Bytes Nack(uint32_t from, uint32_t media, const std::vector<media::Feedback::Nack>& nacks);
// By the first one's reporter, what each block says about its source.
Bytes ReceiverReport(const std::vector<std::pair<uint32_t, media::ReportBlock>>& blocks);
// An empty receiver report and those packets.
Bytes Compound(const std::vector<Bytes>& packets);

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_RTCP_PACKETS_H_
