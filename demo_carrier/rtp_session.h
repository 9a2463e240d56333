#ifndef LASTMILE_DEMO_CARRIER_RTP_SESSION_H_
#define LASTMILE_DEMO_CARRIER_RTP_SESSION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "base/time.h"
#include "demo_carrier/dial_plan.h"
#include "demo_carrier/dtmf.h"
#include "demo_carrier/sdp_answer.h"
#include "demo_carrier/tone.h"

namespace lastmile::demo_carrier {

struct PortRange {
  uint16_t first = 40000;
  uint16_t last = 40999;
};

// The media of one call: a pair of UDP ports, RTP (RFC 3550) with G.711 and telephone events, 20 ms
// a packet. Sends to the address of the peer's SDP, and hears whoever sends to its port: a carrier
// does not know from which of its addresses a peer sends. Thread: the carrier's; OnReadable and
// OnTick are called by its loop.
class RtpSession {
 public:
  struct Events {
    std::function<void(char digit)> on_digit;
    std::function<void(const Heard& heard)> on_heard;  // once a second while it is started
  };

  // `search_from`: where to begin in the range, so that a port just freed is not taken at once.
  static Result<std::unique_ptr<RtpSession>> Open(const IpAddress& bind_address, PortRange range,
                                                  uint16_t search_from, Events events);
  ~RtpSession();
  RtpSession(const RtpSession&) = delete;
  RtpSession& operator=(const RtpSession&) = delete;

  int fd() const { return rtp_fd_; }
  uint16_t port() const { return port_; }

  void SetRemote(const RemoteAudio& remote) { remote_ = remote; }
  // From now on packets leave, if there is a remote side.
  void Play(Sound sound, double tone_hz, TimePoint now);
  void OnReadable();
  void OnTick(TimePoint now);

 private:
  RtpSession(int rtp_fd, int rtcp_fd, uint16_t port, Events events);

  void OnPacket(ByteView packet);
  void OnAudio(ByteView payload);
  void OnDigit(char digit);
  void Echo(ByteView packet);
  void SendFrame();
  void NextDigitTone();
  void Send(ByteView packet);

  const int rtp_fd_;
  const int rtcp_fd_;  // holds the port, so that the peer's RTCP meets no refusal; never read
  const uint16_t port_;
  const Events events_;
  std::optional<RemoteAudio> remote_;
  Sound sound_ = Sound::kSilence;
  bool playing_ = false;
  TimePoint next_frame_ = kNever;
  TimePoint next_report_ = kNever;
  const uint32_t ssrc_;
  uint16_t sequence_;
  uint32_t timestamp_;
  bool first_packet_ = true;
  ToneSource tone_;
  ToneMeter meter_;
  DtmfListener listener_;
  std::deque<char> digits_;  // to be read back
  int digit_frames_ = 0;     // left of the digit or of the gap behind it
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_RTP_SESSION_H_
