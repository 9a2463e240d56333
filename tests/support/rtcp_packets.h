#ifndef LASTMILE_TESTS_SUPPORT_RTCP_PACKETS_H_
#define LASTMILE_TESTS_SUPPORT_RTCP_PACKETS_H_

#include <vector>

#include "base/bytes.h"
#include "media_anchor/core/rtcp_feedback.h"

// RTCP feedback byte by byte, as a peer would send it.
namespace lastmile::test {

Bytes PictureLoss(uint32_t from, uint32_t media);
Bytes FullIntraRequest(uint32_t from, uint32_t media, uint8_t number);
Bytes Nack(uint32_t from, uint32_t media, const std::vector<media::Feedback::Nack>& nacks);
// An empty receiver report and those packets.
Bytes Compound(const std::vector<Bytes>& packets);

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_RTCP_PACKETS_H_
