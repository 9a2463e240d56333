#ifndef LASTMILE_TESTS_SUPPORT_PLAIN_RTP_PEER_H_
#define LASTMILE_TESTS_SUPPORT_PLAIN_RTP_PEER_H_

#include <cstddef>
#include <optional>
#include <utility>

#include "base/endpoint.h"
#include "media_anchor/core/leg_plan.h"
#include "tests/support/webrtc_peer.h"

namespace lastmile::test {

// A carrier's media: plain RTP on one real UDP socket, RTCP on another. Thread: the test's.
class PlainRtpPeer {
 public:
  explicit PlainRtpPeer(const IpAddress& bind);
  ~PlainRtpPeer();
  PlainRtpPeer(const PlainRtpPeer&) = delete;
  PlainRtpPeer& operator=(const PlainRtpPeer&) = delete;

  media::TrunkRemote Description(bool latch = false) const;
  void Send(const TestRtp& packet, const Endpoint& to);
  // Plain RTCP from the socket of RTCP, or with rtcp-mux from that of RTP.
  void SendRtcp(ByteView packet, const Endpoint& to, bool mux = false);
  std::optional<std::pair<Bytes, Endpoint>> ReceiveRtcp(bool mux = false);
  // What has arrived and who sent it; does not wait.
  std::optional<std::pair<TestRtp, Endpoint>> Receive();
  const Endpoint& rtp() const { return rtp_; }
  const Endpoint& rtcp() const { return rtcp_; }
  int fd() const { return rtp_fd_; }

 private:
  int rtp_fd_;
  int rtcp_fd_;
  Endpoint rtp_;
  Endpoint rtcp_;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_PLAIN_RTP_PEER_H_
