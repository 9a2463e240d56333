#ifndef LASTMILE_TESTS_BENCH_LOAD_CALL_AUDIO_H_
#define LASTMILE_TESTS_BENCH_LOAD_CALL_AUDIO_H_

#include <optional>
#include <string>

#include "tests/bench/load/load_loop.h"
#include "tests/bench/load/media_leg.h"
#include "tests/support/plain_rtp_peer.h"
#include "tests/support/sip_phone.h"
#include "tests/support/webrtc_peer.h"

// The media of the phones of a load: they describe and connect it, its packets are the pump's.
// Thread: main.
namespace lastmile::bench {

class CallAudio : public test::CallMedia, public Readable {
 public:
  void Send(const test::TestRtp&) override {}
  std::optional<test::TestRtp> Receive() override { return std::nullopt; }
  virtual MediaLeg& leg() = 0;
};

// ICE and DTLS-SRTP, as a browser.
class ClientAudio final : public CallAudio {
 public:
  ClientAudio(LoadLoop& loop, uint32_t number, Tally& tally);
  ~ClientAudio() override;

  std::string Describe(bool offer) override;
  void TakeRemote(const std::string& sdp) override;
  bool ready() const override { return ready_at_ != kNever; }
  TimePoint ready_at() const { return ready_at_; }
  bool failed() const { return peer_.failed(); }
  void OnTurn(TimePoint now) override;
  void OnReadable(TimePoint now) override;
  int fd() const override { return peer_.fd(); }
  MediaLeg& leg() override { return leg_; }

 private:
  LoadLoop& loop_;
  test::WebrtcPeer peer_;
  MediaLeg leg_;
  TimePoint ready_at_ = kNever;
};

// Plain RTP, as a carrier.
class CarrierAudio final : public CallAudio {
 public:
  CarrierAudio(LoadLoop& loop, uint32_t number, Tally& tally);
  ~CarrierAudio() override;

  std::string Describe(bool offer) override;
  void TakeRemote(const std::string& sdp) override;
  bool ready() const override { return true; }
  void OnTurn(TimePoint) override {}
  void OnReadable(TimePoint) override { leg_.Read(); }
  int fd() const override { return -1; }  // the loop's, not the phone's
  MediaLeg& leg() override { return leg_; }

 private:
  LoadLoop& loop_;
  test::PlainRtpPeer peer_;
  MediaLeg leg_;
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_CALL_AUDIO_H_
