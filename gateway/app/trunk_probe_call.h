#ifndef LASTMILE_GATEWAY_APP_TRUNK_PROBE_CALL_H_
#define LASTMILE_GATEWAY_APP_TRUNK_PROBE_CALL_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.h"
#include "base/random.h"
#include "base/time.h"
#include "gateway/app/config.h"
#include "gateway/app/probe_report.h"
#include "gateway/call/trunk_keys.h"
#include "gateway/net/loop.h"
#include "gateway/trunk/trunk_edge.h"
#include "media_anchor/core/tone_echo.h"
#include "media_anchor/io/media_engine.h"
#include "sdp/offer_answer.h"

namespace lastmile::app {

// A UDP socket on the trunk's media address, read and written without waiting. Thread: its owner's.
class ProbeSocket {
 public:
  explicit ProbeSocket(const IpAddress& bind);  // a wildcard: the loopback address
  ~ProbeSocket();
  ProbeSocket(const ProbeSocket&) = delete;
  ProbeSocket& operator=(const ProbeSocket&) = delete;

  const Endpoint& local() const { return local_; }  // port 0: it could not be bound
  void Send(ByteView packet, uint16_t port) const;  // to the same address
  std::optional<size_t> Receive(MutableByteView room) const;

 private:
  int fd_ = -1;
  Endpoint local_;
};

// The test's call: a media engine of its own whose bridge leads from the trunk leg to a socket of
// ours, a tone through it once the call is answered, and what came back of it. Whatever happens, it
// ends with the call hung up and is_done(). Thread: main; the engine's worker has its own.
class TrunkProbeCall {
 public:
  struct Shells {
    const Config& config;
    trunk::TrunkEdge& edge;
    net::Loop& loop;
    RandomSource& random;
    std::function<void(ProbeStep)> report;
  };

  TrunkProbeCall(Shells shells, const trunk::Trunk& trunk, std::string number);
  ~TrunkProbeCall();

  void Start(TimePoint now);
  void OnEvent(const sip::UserAgentEvent& event, TimePoint now);
  void OnTurn(TimePoint now);  // after the edge's events
  TimePoint next_timeout() const { return next_; }
  void HangUp(TimePoint now);  // before its time
  bool is_done() const { return state_ == State::kDone; }

  static constexpr Duration kRingTime = 30s;
  static constexpr Duration kToneTime = 2s;
  static constexpr Duration kEchoTime = 300ms;  // after the tone: what is still on its way
  static constexpr Duration kEndTime = 3s;      // until CANCEL or BYE is answered
  static constexpr Duration kPacketTime = 20ms;

 private:
  enum class State { kOpening, kRinging, kCancelling, kTalking, kEnding, kDone };

  void OnMedia(const media::MediaEvent& event, TimePoint now);
  void PlaceCall(const media::TrunkPorts& ports, TimePoint now);
  void OnRejected(const sip::InviteRejected& rejected, TimePoint now);
  void OnAccepted(const sip::InviteAccepted& accepted, TimePoint now);
  // Nothing: there is no audio to be tested, and why.
  std::optional<std::string> StartTone(const sdp::TrunkMedia& media, TimePoint now);
  void RunTone(TimePoint now);
  void End(TimePoint now);  // of the media; the call is told already
  void Finish();
  bool Post(media::MediaCommand command);

  const Shells shells_;
  const trunk::Trunk& trunk_;
  const std::string number_;
  const call::TrunkPolicy& policy_;
  call::TrunkKeys keys_;  // ours, of SRTP
  State state_ = State::kOpening;
  TimePoint next_ = kNever;
  TimePoint deadline_ = kNever;
  TimePoint placed_ = TimePoint::min();
  sip::DialogId dialog_;
  sdp::TrunkLeg leg_;
  std::string early_answer_;
  uint16_t bridge_port_ = 0;  // of its first side
  ProbeSocket socket_;
  media::TrunkRemote remote_;  // the carrier's
  std::optional<media::ToneEcho> tone_;
  TimePoint next_packet_ = kNever;
  TimePoint tone_ends_ = kNever;
  HeardAudio heard_;
  Mailbox<media::MediaEvent> events_{64};
  std::vector<media::MediaEvent> batch_;
  std::unique_ptr<media::MediaEngine> engine_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_TRUNK_PROBE_CALL_H_
