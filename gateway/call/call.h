#ifndef LASTMILE_GATEWAY_CALL_CALL_H_
#define LASTMILE_GATEWAY_CALL_CALL_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "gateway/call/bridge_io.h"
#include "gateway/call/call_io.h"
#include "gateway/call/dtmf.h"
#include "gateway/call/trunk_keys.h"
#include "gateway/call/trunk_policy.h"
#include "media_anchor/core/leg_plan.h"
#include "sdp/offer_answer.h"

namespace lastmile::call {

enum class CallDirection {
  kFromBrowser,    // the browser leg is the caller, the trunk leg the callee
  kFromTrunk,      // the other way round
  kBetweenTrunks,  // never of a Call: what a Bridge is in records
};

enum class CallState {
  kIdle,          // made, no INVITE seen yet
  kOpeningMedia,  // offer accepted, waiting for the anchor's ports and credentials
  kReserving,     // the caller has an answer, but not yet what it needs to talk (RFC 3312)
  kCalling,       // the callee's INVITE is out; 1xx come in this state
  kAnswered,      // 200 sent to the caller, its ACK is still to come
  kConnected,     // the conversation
  kClosing,       // both parties are told, waiting for the anchor to free the session
  kEnded,
};
std::string_view ToString(CallState state);
std::string_view ToString(CallDirection direction);

// How a digit goes on.
enum class DigitWay { kEvents, kTones, kInfo };

struct CallSettings {
  CallDirection direction = CallDirection::kFromBrowser;
  TrunkPolicy trunk = {};
  size_t invite_head_bytes = 0;  // of the trunk's INVITE without its SDP
  uint64_t sdp_session_id = 0;   // unpredictable; the legs use it and the number after it
  TrunkKeys trunk_keys = {};     // ours towards the trunk's party
};

// Sizes of the first offer and answer, in bytes: as one party sent them and as the other got them.
struct SdpBytes {
  size_t offer_in = 0;
  size_t offer_out = 0;
  size_t answer_in = 0;
  size_t answer_out = 0;
  bool operator==(const SdpBytes&) const = default;
};

struct CallSnapshot;  // of call_snapshot.h

// What there is to say about a call when it is over.
struct CallSummary {
  int status = 0;      // final status of the caller's INVITE; 487 if the caller gave up
  std::string reason;  // a sentence: why it ended
  std::optional<TimePoint> answered;
  SdpBytes sdp;
  size_t invite_bytes = 0;   // of the trunk's INVITE with its SDP; 0: there was none
  bool over_budget = false;  // the offer to the trunk, with nothing left to take out of it
  bool transferred = false;  // the trunk's leg or its party is another one at the end
  media::SessionStats media;
};

// One call between a browser and a carrier: the state machine between the two legs. Sans-IO: values
// in, values out, no clock, no socket. Whatever happens, it reaches kEnded: both parties told, the
// media session closed. Thread: signalling.
class Call {
 public:
  Call(CallId id, media::SessionId session, CallSettings settings);
  // A call of an earlier process, connected. Direction and head of the INVITE are the snapshot's.
  Call(CallId id, media::SessionId session, CallSettings settings, CallSnapshot snapshot,
       TimePoint now);

  // Appends to `out` what has to be done, in order.
  void On(const CallInput& input, TimePoint now, std::vector<CallOutput>& out);
  void OnTimer(TimePoint now, std::vector<CallOutput>& out);
  TimePoint next_timeout() const {
    return std::min({deadline_, trunk_offer_again_, silent_until_, progress_at_});
  }

  CallId id() const { return id_; }
  media::SessionId session() const { return session_; }
  CallState state() const { return state_; }
  // The callee is called and has said nothing yet: another trunk may take its place.
  bool may_change_trunk() const { return state_ == CallState::kCalling && last_progress_ == 100; }
  CallDirection direction() const { return settings_.direction; }
  const CallSummary& summary() const { return summary_; }
  // Which audio is to flow; nothing: the session is not there.
  std::optional<media::MediaWatch> watch() const;
  const sdp::TrunkLeg& trunk_leg() const { return trunk_leg_; }  // how its SDP came about
  std::optional<CallSnapshot> Snapshot(TimePoint now) const;     // nothing: it is not connected

  // --- its browser transfers it (Bridge) ---
  // While this is set, the call ends for its browser alone: what would be BYE to the trunk is
  // LetTrunkGo, and TakeTrunk() has to follow at once.
  void LeaveTrunk(bool leaves) { leaves_trunk_ = leaves; }
  // Ends it so, for the transfer has come to its end. Only in kConnected.
  void HandOver(TimePoint now, std::vector<CallOutput>& out);
  // After LetTrunkGo, once: trunk_leg() is not valid any more.
  TrunkHalf TakeTrunk();
  const TrunkPolicy& trunk_policy() const { return settings_.trunk; }
  const sdp::TrunkMedia& trunk_media() const { return trunk_; }  // what the trunk said last

  static constexpr Duration kMediaOpenTimeout = 5s;
  static constexpr Duration kMediaCloseTimeout = 10s;
  static constexpr Duration kReserveTimeout = 32s;  // 64*T1, as an 18x waits for its PRACK
  // Together with the 10 s after which the relay tells of silence: 35 s. JsSIP waits up to 30 s
  // before it tries to connect again.
  static constexpr Duration kMayBeSilent = 25s;
  // After 491 (RFC 3261 section 14.1). Two calls of this gateway with each other never wait for the
  // same time, or they would meet again.
  static constexpr Duration OfferAgain(CallId id) {
    return 2100ms + 100ms * static_cast<int>(id.value % 16);
  }
  // A 200 right behind a 183 finds JsSIP still busy with the first SDP: they become one.
  static constexpr Duration kMergeProgress = 50ms;

 private:
  using Outputs = std::vector<CallOutput>;

  // What both parties are told at the end, each according to how far its leg has come.
  struct Ending {
    int caller_status = 503;       // if the caller has no final answer yet
    std::string reason_header;     // Reason for both
    std::string warning;           // a sentence for the caller's failure response
    std::optional<Party> gone;     // this party ended its leg itself and is told nothing
    bool callee_answered = false;  // the callee is to be told by BYE although the caller has no 200
  };

  // What an answer makes the browser send.
  struct BrowserSends {
    std::string codec;
    bool video = false;
    bool operator==(const BrowserSends&) const = default;
  };

  // What the call has to do with one party of the trunk.
  struct TrunkSide {
    TrunkPolicy policy;
    TrunkKeys keys;
    sdp::TrunkLeg leg;
    sdp::TrunkMedia media = {};
    sdp::Direction told = sdp::Direction::kSendRecv;
  };
  // The trunk's party asked for another one in its place, who is called.
  struct Transfer {
    TrunkSide target;
    int notified = 100;          // what the transferor heard last
    bool alone = false;          // the transferor has hung up: its leg of the call is over
    std::string early_sdp = {};  // of the target, in an 18x
    bool heard = false;          // the media session is with the target; `target` is the old side
    BrowserSends before = {};
  };

  static sdp::TrunkProfile ProfileFor(const CallSettings& settings);
  void SetState(CallState next, std::string_view reason, TimePoint now);
  void OnIdle(const CallInput& input, TimePoint now, Outputs& out);
  void OnOpeningMedia(const CallInput& input, TimePoint now, Outputs& out);
  void OnReserving(const CallInput& input, TimePoint now, Outputs& out);
  void OnEndBeforeCallee(const CallInput& input, TimePoint now, Outputs& out);
  void OnCalling(const CallInput& input, TimePoint now, Outputs& out);
  void OnAnsweredOrConnected(const CallInput& input, TimePoint now, Outputs& out);
  void OnClosing(const CallInput& input, TimePoint now, Outputs& out);

  std::optional<sdp::Refusal> TakeCallerOffer(const std::string& offer, Outputs& out);
  void ChooseForTrunk();
  void ChooseForBrowser();
  void PlaceCall(std::string_view reason, TimePoint now, Outputs& out);
  void WarnAboutRules() const;
  // Applies the callee's SDP to the media session and builds `answer_` for the caller.
  std::optional<sdp::Refusal> TakeCalleeAnswer(const std::string& sdp, Outputs& out);
  std::string OfferForTrunk();
  std::string OfferForBrowser();
  std::string AnswerForBrowser();
  BrowserSends WhatTheBrowserSends() const;
  std::string AnswerForTrunk();
  bool CarriesVideo() const;
  std::vector<sdp::Codec> AudioForBrowser() const;
  std::vector<sdp::Codec> AudioForTrunk() const;
  std::vector<media::PayloadMapping> Payloads() const;
  // For the media session; says what is new of them.
  std::vector<media::PayloadMapping> SettlePayloads();
  std::optional<media::TrunkRemote> TrunkRemote();
  void RespondToCaller(AnswerCaller answer, Outputs& out);
  void OnProgress(const CalleeProgress& progress, TimePoint now, Outputs& out);
  void OnAnotherTrunk(const AnotherTrunk& another, TimePoint now, Outputs& out);
  void OnCalleeAnswered(const CalleeAnswered& answered, TimePoint now, Outputs& out);
  void OnReoffer(const Reoffered& reoffer, TimePoint now, Outputs& out);

  // --- call_early.cc ---
  void OfferBoth(Outputs& out);
  std::string LateOffer();
  std::string OfferInProgress();
  void HoldProgress(int status, TimePoint now);
  void SendHeldProgress(TimePoint now, Outputs& out);
  void AwaitResources(TimePoint now, Outputs& out);
  bool AnswersResources() const;
  std::optional<sdp::Refusal> CheckResources(const sdp::TrunkMedia& media) const;
  void OnEarlyOffer(const Reoffered& reoffer, TimePoint now, Outputs& out);
  void OnPrackAnswer(const Reoffered& reoffer, TimePoint now, Outputs& out);
  void OnAcked(Party party, const std::string& sdp, TimePoint now, Outputs& out);
  std::optional<sdp::Refusal> TakeLateAnswer(Party party, const std::string& sdp, Outputs& out);
  std::optional<sdp::Refusal> NothingInCommon() const;
  void TakeBackWhatIsNotCarried(Outputs& out);
  void TellWhatIsCarried(Party answered, const std::vector<sdp::Codec>& told, Outputs& out);
  void AnswerBy(const Reoffered& reoffer, int status, std::string warning, Outputs& out);

  std::optional<sdp::Refusal> ReofferByBrowser(const Reoffered& reoffer, std::string& answer,
                                               Outputs& out);
  std::optional<sdp::Refusal> ReofferByTrunk(const Reoffered& reoffer, std::string& answer,
                                             Outputs& out);
  void OfferRestart(const media::IceCredentials& fresh_ice, Outputs& out);
  void OnBrowserSilent(const BrowserSilent& silent, TimePoint now, Outputs& out);
  std::string OfferFor(Party party);
  void OfferTo(Party party, Outputs& out);
  void OnOfferAnswered(const OfferAnswered& answered, TimePoint now, Outputs& out);
  std::optional<sdp::Refusal> TakeAnswerToReoffer(const OfferAnswered& answered, Outputs& out);
  // --- call_digits.cc ---
  void OnInfo(const InfoReceived& info, TimePoint now, Outputs& out);
  void OnDigitHeard(const DigitHeard& heard, TimePoint now, Outputs& out);
  void PassDigitOn(Party from, const Digit& digit, Outputs& out);
  DigitWay WayToTrunk(uint8_t event);
  DigitPace& PaceOf(Party from);
  bool HasAudio() const;
  // With telephone-event only if that is this trunk's way of digits.
  void SetTrunkMedia(sdp::TrunkMedia media);

  // --- call_transfer.cc ---
  bool OnTransferInput(const CallInput& input, TimePoint now, Outputs& out);
  void OnTransferAsked(const TransferAsked& asked, Outputs& out);
  void CallTarget(const TransferAsked& asked, Outputs& out);
  void OnTargetProgress(const TargetProgress& progress, Outputs& out);
  void OnTargetAnswered(const TargetAnswered& answered, TimePoint now, Outputs& out);
  void OnTrunkReplaced(const TrunkReplaced& replaced, Outputs& out);
  std::optional<sdp::Refusal> TakeReplacingOffer(const std::string& offer, std::string& answer,
                                                 Outputs& out);
  std::optional<sdp::Refusal> MoveMedia(const std::string& sdp, Outputs& out);
  void OnTransferorGone(Outputs& out);
  void HearTarget(Outputs& out);
  void FailTransfer(int status, const std::string& why, TimePoint now, Outputs& out);
  void AbandonTransfer(const std::string& reason_header, Outputs& out);
  void MoveTrunk(std::string_view why, BrowserSends before, Outputs& out);
  TrunkSide NewTrunkSide(TrunkPolicy policy, TrunkKeys keys, sdp::TrunkProfile profile);
  void ExchangeTrunk(TrunkSide& side);
  // The trunk leg's peer is gone, and its successor has not answered yet.
  bool TrunkIsAlone() const { return transfer_ && transfer_->alone; }

  void PassHoldOn(Party from, Outputs& out);
  int StatusForCaller(int callee_status) const;
  void End(const Ending& ending, std::string_view why, TimePoint now, Outputs& out);
  bool IsBrowser(Party party) const;
  Party BrowserParty() const { return IsBrowser(Party::kCaller) ? Party::kCaller : Party::kCallee; }
  Party TrunkParty() const { return Other(BrowserParty()); }

  const CallId id_;
  const media::SessionId session_;
  CallSettings settings_;
  CallState state_ = CallState::kIdle;
  TimePoint deadline_ = kNever;

  sdp::BrowserLeg browser_leg_;
  sdp::TrunkLeg trunk_leg_;
  // What each party said last; before it has said anything, what it is to be offered.
  sdp::BrowserMedia browser_;
  sdp::TrunkMedia trunk_;
  media::BrowserLocal browser_local_;
  media::TrunkLocal trunk_local_;
  // What each party was told last of the audio's direction: what the other one wants.
  sdp::Direction told_browser_ = sdp::Direction::kSendRecv;
  sdp::Direction told_trunk_ = sdp::Direction::kSendRecv;
  TimePoint trunk_offer_again_ = kNever;
  TimePoint silent_until_ = kNever;  // then the call ends
  std::string silent_reason_;
  DigitPace caller_digits_;  // pressed by the caller
  DigitPace callee_digits_;
  std::optional<DigitWay> told_way_;  // in the log
  std::string told_transport_;        // the same, of the trunk's audio
  std::string told_audio_;            // the same, of what becomes of it
  std::string answer_;                // for the caller, from the callee's last SDP
  int last_progress_ = 100;           // the last 1xx the caller was sent
  CallSummary summary_;
  bool caller_has_sdp_ = false;  // an 18x with SDP was sent: a second one would break JsSIP
  std::optional<BrowserSends> told_ahead_;  // before the callee said anything of its media
  TimePoint progress_at_ = kNever;          // when the 18x with the browser's answer goes out
  int held_progress_ = 183;                 // its status
  bool late_ = false;                       // the caller's INVITE had no offer: it is offered
  bool reliable_ = false;                   // its 18x are acknowledged
  std::optional<Transfer> transfer_;        // under way
  uint64_t trunk_sides_ = 1;                // made so far: each has an o= line of its own
  bool answered_ahead_ = false;             // it was answered before the callee was asked
  std::optional<Party> owes_answer_;  // was offered in our 18x or 2xx; answers in PRACK or ACK
  std::string callee_sdp_;            // its last answer to its INVITE
  bool callee_updated_ = false;       // its UPDATE made that answer an old one
  int trunk_offers_ = 0;              // of ours to the trunk, without a final answer
  bool leaves_trunk_ = false;
};

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_CALL_H_
