#ifndef LASTMILE_GATEWAY_CALL_CALL_IO_H_
#define LASTMILE_GATEWAY_CALL_CALL_IO_H_

#include <cstdint>
#include <string>
#include <variant>

#include "base/strong_id.h"
#include "gateway/call/trunk_keys.h"
#include "gateway/call/trunk_policy.h"
#include "gateway/sip/ids.h"
#include "media_anchor/core/leg_plan.h"

// What goes into a Call and what comes out of it, as values. A call has a caller and a callee;
// which of them is the browser leg and which the trunk leg follows from its direction. SDP crosses
// as the text of a body and is read only by sdp/.
namespace lastmile::call {

struct CallTag;
using CallId = StrongId<CallTag>;

enum class Party { kCaller, kCallee };
constexpr Party Other(Party party) {
  return party == Party::kCaller ? Party::kCallee : Party::kCaller;
}

// --- inputs ---
struct Invited {          // the caller's INVITE; the first input of every call
  std::string offer;      // "": it wants to be offered, and answers in its ACK or PRACK
  bool reliable = false;  // its 18x are acknowledged (RFC 3262): the first one carries that offer
};
struct MediaOpened {
  media::SessionOpened opened;
};
struct MediaConnected {};  // audio can flow to the browser
struct MediaFailed {       // also: the media engine did not take the OpenSession
  std::string reason;
};
struct MediaClosed {
  media::SessionStats stats;
};
struct CalleeProgress {
  int status = 180;  // 101-199
  std::string sdp;   // "" without one
};
struct CalleeAnswered {
  std::string sdp;
};
struct CalleeRejected {
  int status = 0;             // 300-699; 408 and 503 also if nobody answered
  std::string reason_header;  // the callee's Reason, "" without one
  std::string warning = {};   // a sentence for the caller, "" for none
};
struct CallerCancelled {
  std::string reason_header;
};
struct CallerAcked {     // of a 2xx to its INVITE or re-INVITE
  std::string sdp = {};  // the answer to our offer in it
};
struct CalleeAcked {  // of a 2xx to its re-INVITE
  std::string sdp = {};
};
struct HungUp {  // BYE, or a dialog that ended in another way
  Party party = Party::kCaller;
  std::string reason_header;
};
struct Reoffered {  // re-INVITE, or UPDATE or PRACK with SDP
  Party party = Party::kCaller;
  sip::ServerRequestId request;
  std::string sdp;  // "": a re-INVITE that wants to be offered, and answers in its ACK
  media::IceCredentials fresh_ice = {};  // unpredictable; ours if the offer restarts ICE
  bool prack = false;                    // the answer to the offer in our 18x
};
// The browser is back after its connection was lost: it gets an offer that restarts ICE.
struct BrowserBack {
  media::IceCredentials fresh_ice;  // unpredictable; ours from now on
};
// What there is of the browser's own connection, which its offers would take.
enum class Signalling {
  kThere,
  kLost,  // it may come back
  kLeft,  // the page closed it: it does not come back
};
// The media relay hears nothing of the browser any more.
struct BrowserSilent {
  std::string reason;
  Signalling signalling = Signalling::kThere;
  media::IceCredentials fresh_ice;  // unpredictable; ours if the browser is offered a restart
};
struct BrowserHeard {};  // it does again
struct BrowserAway {};   // its connection was lost, and it did not come back in time
struct OfferAnswered {   // the final answer to SendOffer
  Party party = Party::kCaller;
  int status = 0;
  std::string sdp;
};
struct InfoReceived {
  Party party = Party::kCaller;
  sip::ServerRequestId request;
  std::string content_type;  // lower case, without parameters
  std::string body;
};
struct DigitHeard {  // in the media, from a party whose counterpart has no telephone-event
  bool from_browser = true;
  uint8_t event = 0;
};
// A leg's session timer (RFC 4028) wants an offer: it gets one that changes nothing.
struct RefreshDue {
  bool of_browser = true;
};
// --- the trunk transfers the call (call_transfer.cc); `target` is the party it names ---
struct TransferAsked {  // REFER
  sip::ServerRequestId request;
  int refused = 0;  // not 0: nobody can be called for it; what the transferor is notified of
  std::string why = {};
  TrunkPolicy policy = {};       // of the trunk by which the target is called
  TrunkKeys keys = {};           // ours towards the target
  size_t invite_head_bytes = 0;  // of that INVITE without its SDP
};
struct TargetProgress {
  int status = 180;  // 101-199
  std::string sdp;   // "" without one
};
struct TargetAnswered {
  std::string sdp;
};
struct TargetRejected {
  int status = 0;  // 300-699; 408 and 503 also if nobody answered
};
// INVITE with Replaces (RFC 3891): its sender takes the place of the trunk leg's peer.
struct TrunkReplaced {
  std::string offer;    // "": it wants to be offered, and answers in its ACK
  TrunkKeys keys = {};  // ours towards it
};
struct ShutDown {  // the gateway ends the call
  std::string reason;
};
using CallInput =
    std::variant<Invited, MediaOpened, MediaConnected, MediaFailed, MediaClosed, CalleeProgress,
                 CalleeAnswered, CalleeRejected, CallerCancelled, CallerAcked, CalleeAcked, HungUp,
                 Reoffered, BrowserBack, BrowserSilent, BrowserHeard, BrowserAway, OfferAnswered,
                 InfoReceived, DigitHeard, RefreshDue, TransferAsked, TargetProgress,
                 TargetAnswered, TargetRejected, TrunkReplaced, ShutDown>;

// --- outputs ---
struct PlaceCallee {  // send the callee its INVITE
  std::string offer;
};
struct AnswerCaller {  // any status; `sdp` with 18x and 2xx where there is one
  int status = 0;
  std::string sdp;
  std::string reason_header;  // value of Reason, "" for none
  std::string warning;        // a sentence for Warning, "" for none
};
struct AckCallee {};
struct CancelCallee {
  std::string reason_header;
};
struct HangUp {  // BYE
  Party party = Party::kCaller;
  std::string reason_header;
};
struct AnswerReoffer {
  Party party = Party::kCaller;
  sip::ServerRequestId request;
  int status = 0;
  std::string sdp;
  std::string warning;
};
struct SendOffer {  // a re-INVITE
  Party party = Party::kCaller;
  std::string sdp;
};
struct AnswerInfo {
  Party party = Party::kCaller;
  sip::ServerRequestId request;
  int status = 0;
  std::string warning;
  std::string accept;  // value of Accept, "" for none
};
struct SendInfo {  // nothing waits for its answer
  Party party = Party::kCaller;
  std::string content_type;
  std::string body;
};
// --- of a transfer by the trunk ---
struct AnswerRefer {
  sip::ServerRequestId request;
  int status = 0;
  std::string warning;
};
struct NotifyTransferor {  // of how far the call it asked for has come
  int status = 0;          // 100-699; the last one is 200 or more
};
struct PlaceTarget {  // send the target its INVITE
  std::string offer;
};
struct AckTarget {};
struct CancelTarget {
  std::string reason_header;
};
struct HangUpTarget {  // it answered with what is of no use
  std::string reason_header;
};
struct AnswerReplacing {  // the final answer to the INVITE with Replaces
  int status = 0;
  std::string sdp;
  std::string warning;
};
struct SwapTrunk {};  // the trunk leg's dialog is the target's, or the replacing one, from now on
// --- of a transfer by the browser ---
struct LetTrunkGo {};  // instead of BYE to the trunk: its leg goes on, see Call::TakeTrunk()

struct Ended {};  // the last output: the call may be deleted
using CallOutput =
    std::variant<media::MediaCommand, PlaceCallee, AnswerCaller, AckCallee, CancelCallee, HangUp,
                 AnswerReoffer, SendOffer, AnswerInfo, SendInfo, AnswerRefer, NotifyTransferor,
                 PlaceTarget, AckTarget, CancelTarget, HangUpTarget, AnswerReplacing, SwapTrunk,
                 LetTrunkGo, Ended>;

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_CALL_IO_H_
