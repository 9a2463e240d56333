#ifndef LASTMILE_GATEWAY_CALL_BRIDGE_H_
#define LASTMILE_GATEWAY_CALL_BRIDGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "gateway/call/bridge_io.h"
#include "gateway/call/call.h"
#include "gateway/call/codec_plan.h"
#include "gateway/call/dtmf.h"
#include "media_anchor/core/leg_plan.h"
#include "sdp/offer_answer.h"

namespace lastmile::call {

enum class BridgeState {
  kOpeningMedia,  // waiting for the anchor's ports
  kCalling,       // the second party's INVITE is out; 1xx come in this state
  kBridged,       // the two talk
  kClosing,       // everybody is told, waiting for the anchor to free the session
  kEnded,
};
std::string_view ToString(BridgeState state);

struct BridgeSettings {
  // Both without legs: they come by TakeOver(), and the second one's from a call if `attended`.
  // Their media is what they said last to the calls they are in.
  TrunkHalf first;
  TrunkHalf second;
  bool attended = false;         // both parties have a call each already
  size_t invite_head_bytes = 0;  // of the second party's INVITE without its SDP
  uint64_t sdp_session_id = 0;   // of its leg; unpredictable
};

// What is left of a call when its browser has transferred it: two trunk legs with the anchor
// between them (RFC 3515, RFC 5589; the gateway does it all itself, REFER reaches no carrier). It
// calls the party the browser named, takes over the trunk leg of the browser's call once that party
// has answered or the browser has hung up, and moves it to its own ports by a re-INVITE. Attended,
// it takes over both. Until then a failure leaves the browser's calls as they were. Sans-IO, as
// Call. Whatever happens, it reaches kEnded: everybody told, the media session closed. Thread:
// signalling.
class Bridge {
 public:
  using Outputs = std::vector<BridgeOutput>;

  Bridge(CallId id, media::SessionId session, BridgeSettings settings);

  // First of all. Without a codec that both parties know nothing is opened, and it ends.
  void Start(TimePoint now, Outputs& out);
  void OnOpened(const media::BridgeOpened& opened, TimePoint now, Outputs& out);
  // As of a Call whose caller is the first party. What concerns a browser is ignored.
  void On(const CallInput& input, TimePoint now, Outputs& out);
  // The call of `party` has let go of its trunk leg: because of TakeLegs, or because its browser
  // hung up before the target answered. `half` has a leg.
  void TakeOver(Party party, TrunkHalf half, TimePoint now, Outputs& out);
  // The call of `party` is over, and its trunk leg too.
  void OnCallOver(Party party, TimePoint now, Outputs& out);
  void OnRefreshDue(Party party, Outputs& out);  // of the leg's session timer
  void OnTimer(TimePoint now, Outputs& out);
  TimePoint next_timeout() const;

  CallId id() const { return id_; }
  media::SessionId session() const { return session_; }
  BridgeState state() const { return state_; }
  const CallSummary& summary() const { return summary_; }
  // As of a Call.
  std::optional<media::MediaWatch> watch() const;

 private:
  struct Side {
    TrunkHalf half;
    media::TrunkPorts ports = {};
    bool joined = false;       // it has an answer to, or an offer of, the bridge's ports
    bool offer_waits = false;  // to be sent once the one before is answered
    TimePoint offer_again = kNever;
    DigitPace digits = {};  // pressed by it
  };

  Side& At(Party party) { return sides_[party == Party::kCaller ? 0 : 1]; }
  const Side& At(Party party) const { return sides_[party == Party::kCaller ? 0 : 1]; }
  void SetState(BridgeState next, std::string_view reason, TimePoint now);
  void OnCalling(const CallInput& input, TimePoint now, Outputs& out);
  void OnBothStates(const CallInput& input, TimePoint now, Outputs& out);
  void PlaceCall(TimePoint now, Outputs& out);
  void OnProgress(const CalleeProgress& progress, Outputs& out);
  void OnAnswered(const CalleeAnswered& answered, TimePoint now, Outputs& out);
  void AskForLegs(TimePoint now, Outputs& out);
  void Join(TimePoint now, Outputs& out);

  void OnReoffer(const Reoffered& reoffer, TimePoint now, Outputs& out);
  bool TakeIfAudioPasses(TrunkHalf& half, sdp::TrunkMedia& media);
  std::optional<sdp::Refusal> TakeOffer(Party party, const std::string& sdp, std::string& answer,
                                        Outputs& out);
  std::optional<sdp::Refusal> TakeAnswer(Party party, const std::string& sdp, Outputs& out);
  void OnAcked(Party party, const std::string& sdp, TimePoint now, Outputs& out);
  void OnOfferAnswered(const OfferAnswered& answered, TimePoint now, Outputs& out);
  void OnUnusableAnswer(Party party, const std::string& why, TimePoint now, Outputs& out);
  void OfferTo(Party party, Outputs& out);
  void PassHoldOn(Party from, Outputs& out);
  sdp::TrunkLocalMedia LocalFor(Party party) const;
  void UpdateMedia(std::optional<Party> moved, Outputs& out);
  Transcode transcode() const {
    return TranscodeBetween(sides_[0].half.policy, sides_[1].half.policy);
  }
  std::vector<sdp::Codec> AudioFor(Party party) const;
  bool HaveAudio() const;
  std::vector<media::PayloadMapping> Payloads() const;

  void OnInfo(const InfoReceived& info, TimePoint now, Outputs& out);
  void OnDigitHeard(const DigitHeard& heard, TimePoint now, Outputs& out);
  void PassDigitOn(Party from, const Digit& digit, Outputs& out);

  void Tell(int status, Outputs& out);
  // `gone`: this party ended its leg itself and is told nothing.
  void End(int status, std::string_view why, std::optional<Party> gone, TimePoint now,
           Outputs& out);

  const CallId id_;
  const media::SessionId session_;
  const bool attended_;
  const size_t invite_head_bytes_;
  BridgeState state_ = BridgeState::kOpeningMedia;
  TimePoint deadline_ = kNever;
  std::array<Side, 2> sides_;
  int told_ = 0;                 // the transferor's last status
  std::string second_sdp_;       // its last answer to its INVITE
  bool second_updated_ = false;  // its UPDATE made that answer an old one
  std::string reason_header_;    // of the BYE that ends it
  CallSummary summary_;
};

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_BRIDGE_H_
