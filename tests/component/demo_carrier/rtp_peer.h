#ifndef LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_RTP_PEER_H_
#define LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_RTP_PEER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "demo_carrier/g711.h"
#include "demo_carrier/tone.h"

namespace lastmile::demo_carrier {

// A UDP socket on 127.0.0.1 that speaks RTP: PCMA as payload type 8, telephone events as 101.
class RtpPeer {
 public:
  RtpPeer();
  ~RtpPeer();
  RtpPeer(const RtpPeer&) = delete;
  RtpPeer& operator=(const RtpPeer&) = delete;

  const Endpoint& local() const { return local_; }
  void set_remote(const Endpoint& remote) { remote_ = remote; }

  Bytes Packet(uint8_t payload_type, bool marker, ByteView payload);
  void Send(ByteView packet);
  void SendDigit(uint8_t event);
  std::optional<Bytes> Receive(Duration limit);
  void Drain();
  // Sends `source` (if any) and listens for a while, both in real time; the last full second heard.
  Heard Listen(Duration duration, ToneSource* source = nullptr);
  // The level of one frequency in the next `frames` packets, root mean square of full scale 1.
  double LevelOf(double hz, const std::vector<int16_t>& samples) const;
  std::vector<int16_t> Record(Duration duration);

 private:
  int fd_;
  Endpoint local_;
  Endpoint remote_;
  uint16_t sequence_ = 100;
  uint32_t timestamp_ = 5000;
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_TESTS_COMPONENT_DEMO_CARRIER_RTP_PEER_H_
