#ifndef LASTMILE_GATEWAY_SIP_USER_AGENT_H_
#define LASTMILE_GATEWAY_SIP_USER_AGENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "gateway/sip/dialog.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/ids.h"
#include "gateway/sip/message.h"

// The user agent core of RFC 3261 over reliable transports: the four transactions (section 17,
// without retransmission but for the 2xx), INVITE usages, subscriptions (RFC 6665) and their
// dialogs (sections 12 to 15). One for browsers, one for carriers. Sans-IO: parsed messages,
// commands and `now` go in, messages to send and events come out. It knows no registrar, no trunk
// and no SDP.
namespace lastmile::sip {

struct UserAgentOptions {
  Duration t1 = 500ms;  // RFC 3261 table 4; timers B, D, F, H, J are multiples of it
  // Send a 2xx again until its ACK comes (RFC 3261 section 13.3.1.4). Off towards JsSIP, which
  // takes the second one for a new answer; a missing ACK ends the dialog in both cases.
  bool retransmit_2xx = true;
  std::string product = "Lastmile";    // User-Agent and Server
  std::vector<std::string> allow;      // methods for Allow in INVITE, 2xx and 405
  std::vector<std::string> supported;  // option tags for Supported in INVITE and its 2xx
  size_t max_transactions = 20000;     // more: new requests are answered 503
  // Option tags a peer may put into Require without getting 420; the answer to OPTIONS has those
  // that hold on the flow as Supported. They bind nothing here: sessions are timed and replaced by
  // the owner of this object, the others are a registrar's.
  std::vector<std::string> known_extensions = {"timer", "replaces", "outbound", "path", "gruu"};
};

// What is done about reliable provisional responses (RFC 3262) on a flow. They end here: the caller
// of this object sees an 18x once, in order, and acknowledges nothing. Preconditions (RFC 3312) are
// known where they are: their lines are SDP, and so none of this object's business.
enum class Prack {
  kNone,       // 100rel is not known, and precondition neither
  kSupported,  // offered in our INVITEs; our 18x are reliable where the peer's INVITE requires it,
               // or has both 100rel and precondition
  kRequired,   // required in our INVITEs; our 18x are reliable; an INVITE without 100rel gets 421
};

// How we appear on one flow.
struct FlowInfo {
  std::string via_transport;  // "WSS", "WS", "TLS", "TCP"
  std::string via_sent_by;    // host:port of ours, for Via
  Uri contact;                // for Contact of dialogs on this flow
  // Who is at the other end. A request inside a dialog counts only on a flow of the dialog's owner
  // (anything else is answered 481), and the dialog moves to the newest flow of its owner that
  // carried one of its requests. 0: not known yet, shares nothing with any other flow; else below
  // 2^63.
  uint64_t owner = 0;
  Prack prack = Prack::kNone;
  bool session_timer = true;  // false: a peer that requires "timer" (RFC 4028) gets 420
};

// What is added to a request or response by its sender.
struct Extras {
  std::string reason_phrase = {};  // responses; empty: the default
  std::vector<Header> headers = {};
  std::string content_type = {};  // may have parameters
  std::string body = {};
};

// A sentence for whoever reads the peer's log, as a Warning (RFC 3261 section 20.43); "" for none.
Extras Sentence(std::string_view sentence);

// Whom a request of ours is for, and whom it is from.
struct Parties {
  Uri request_uri;
  NameAddr from;  // a tag is added
  NameAddr to;
  AccountId account = {};  // 0: none
};

struct InviteRequest {
  Uri request_uri;
  NameAddr from;  // a tag is added
  NameAddr to;
  Extras extras;
  // No final response after so long: InviteRejected 408 at once, CANCEL inside. Counted from the
  // first INVITE, the time spent on a challenge included.
  Duration ring_timeout = 180s;
  AccountId account = {};  // of the call; 0: it has none
  uint32_t max_forwards = kMaxForwards;
};

// --- events ---
// A new call of the peer. 100 is already sent. Answer with RespondInvite.
struct IncomingInvite {
  DialogId dialog;
  FlowId flow;
  Message request;
  bool reliable = false;  // our 18x will be reliable: the first one has to carry a late offer
};
// Any other request but ACK, BYE, CANCEL: REGISTER, OPTIONS, INFO, UPDATE, re-INVITE ... Answer
// with Respond. `dialog` is 0 outside dialogs, but not of a SUBSCRIBE: that one opens a dialog,
// which a final response other than 2xx closes. Of PRACKs only those with a body, after an 18x of
// ours with one: the answer to our offer, or a new offer (RFC 3262 section 5).
struct IncomingRequest {
  ServerRequestId id;
  FlowId flow;
  DialogId dialog;
  Message request;
};
struct InviteProgress {  // 101-199
  DialogId dialog;
  Message response;
};
// The first 2xx. Owed: Ack. Further 2xx of forks are ACKed and BYEd inside, also after the call.
struct InviteAccepted {
  DialogId dialog;
  Message response;
};
// Final failure; the ACK is sent, and the usage is gone. A 422 (RFC 4028) is obeyed once, inside.
// `response` is absent if nobody answered: status is then 408 (no response in time) or 503 (flow
// lost). `challenge_fault`: of a 401 or 407, why the account of the call was no answer to it.
struct InviteRejected {
  DialogId dialog;
  int status = 0;
  std::optional<Message> response;
  std::string challenge_fault = {};
  std::string warning = {};  // a sentence for the caller; not from here, but from who retries
};
// The peer ACKed our 2xx. `ack` may carry SDP (late offer).
struct InviteAcked {
  DialogId dialog;
  Message ack;
};
// The peer gave up its INVITE (CANCEL, or its flow was lost) before a final response went out: 487
// is sent where possible; the usage is gone. Also if it never acknowledged a reliable 18x: 504.
struct InviteCancelled {
  DialogId dialog;
  std::string reason_header;  // value of its Reason header, or ""
};
enum class DialogEnd {
  kBye,  // by the peer; 200 is sent
  // Our 2xx was never ACKed. BYE is sent; if the dialog's flow is lost (FlowOf is 0), Bye is owed.
  kNoAck,
  kExpired,  // its session timer (RFC 4028) ran out; not from here, but from who keeps the timer
};
struct DialogEnded {
  DialogId dialog;
  DialogEnd end = DialogEnd::kBye;
  std::string reason_header;
};
// Final response (or 408/503 made here) to SendRequest or SendInDialog.
struct RequestAnswered {
  ClientRequestId id;
  DialogId dialog;
  int status = 0;
  std::optional<Message> response;
  std::string challenge_fault = {};  // as in InviteRejected
};
using UserAgentEvent =
    std::variant<IncomingInvite, IncomingRequest, InviteProgress, InviteAccepted, InviteRejected,
                 InviteAcked, InviteCancelled, DialogEnded, RequestAnswered>;

struct OutgoingMessage {
  FlowId flow;
  Message message;
};

struct Replaces;  // refer.h

// A dialog that somebody named.
struct NamedDialog {
  enum class State {
    kIncoming,   // the peer's INVITE has no final response
    kCalling,    // ours has none
    kConfirmed,  // also before the ACK
    kOver,       // gone for the caller, its BYE is not finished
  };
  DialogId dialog;
  uint64_t owner = 0;  // as OwnerOf
  State state = State::kOver;
};

// A confirmed dialog as values. Transactions are not in it: a request under way when it was taken
// will never be answered.
struct DialogSnapshot {
  Dialog dialog;
  bool we_called = false;  // its INVITE was ours
  bool operator==(const DialogSnapshot&) const = default;
};

struct UserAgentGauges {
  size_t transactions = 0;
  size_t dialogs = 0;  // INVITE usages and subscriptions
};

// Thread: its owner's (signalling).
class UserAgent {
 public:
  UserAgent(UserAgentOptions options, RandomSource& random);
  ~UserAgent();

  // Once more for the same flow: replaces its FlowInfo; what the flow carries gets the new owner.
  void AddFlow(FlowId flow, FlowInfo info);
  // Transactions on it end (events as if they had timed out, status 503); unanswered INVITEs of the
  // peer end in InviteCancelled. Confirmed dialogs stay, without a flow, until BindFlow.
  void RemoveFlow(FlowId flow, TimePoint now);

  void OnMessage(FlowId flow, Message message, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  // Moves what has come up since the last call, in order. Outgoing messages are complete.
  std::vector<UserAgentEvent> TakeEvents();
  std::vector<OutgoingMessage> TakeOutgoing();

  // --- as server ---
  // 101-699. 1xx and 2xx create the dialog (one To-tag for its life) and carry Contact. A second
  // final status, or an unknown id, is ignored. A reliable 18x waits until the one before is
  // acknowledged, and a 2xx for an 18x with a body; until it is out, InviteCancelled may come.
  void RespondInvite(DialogId dialog, int status, Extras extras, TimePoint now);
  void Respond(ServerRequestId request, int status, Extras extras, TimePoint now);

  // --- as client ---
  DialogId Invite(FlowId flow, InviteRequest request, TimePoint now);
  // A call whose InviteRejected was reported once more, under its id, to another server. False:
  // there is no such flow, or the id is in use.
  bool InviteAgain(DialogId dialog, FlowId flow, InviteRequest request, TimePoint now);
  // An INVITE of ours that has had no response yet, not even a 100, and is still wanted.
  bool IsUnheard(DialogId dialog) const;
  // Gives one up: InviteRejected 408 at once. If a response comes after all it is cancelled, and
  // its 2xx ACKed and BYEd.
  void GiveUp(DialogId dialog, TimePoint now);
  // Bytes of that INVITE up to its body, whose length is taken to have four digits.
  size_t InviteHeadBytes(FlowId flow, InviteRequest request) const;
  void Ack(DialogId dialog, Extras extras, TimePoint now);
  // Ends an INVITE of ours that has no final response: CANCEL as soon as a 1xx came. InviteRejected
  // (487, or the failure that crossed it, but never 401 or 407) follows; a 2xx that crossed is
  // ACKed and BYEd inside, then InviteRejected 487 is reported.
  void Cancel(DialogId dialog, Extras extras, TimePoint now);
  // Ends a confirmed dialog (also one whose 2xx is not ACKed yet, in either direction). The usage
  // is gone for the caller at once; its BYE is finished inside.
  void Bye(DialogId dialog, Extras extras, TimePoint now);
  // RequestAnswered follows in any case: 481 if there is no dialog, 491 if `method` is INVITE and
  // another INVITE is under way in it. The 2xx of a re-INVITE with a body is ACKed inside; of one
  // without (the peer makes the offer) Ack is owed. A re-INVITE that the peer cancels is answered
  // inside, and its ServerRequestId is then unknown. Not for ACK, BYE, CANCEL.
  ClientRequestId SendInDialog(DialogId dialog, std::string_view method, Extras extras,
                               TimePoint now);
  // Outside dialogs (OPTIONS, REGISTER, MESSAGE). Call-ID, CSeq, From-tag, Via, and the Contact of
  // requests that tell the peer where to send its own are added if absent.
  ClientRequestId SendRequest(FlowId flow, Message request, TimePoint now, AccountId account = {});
  ClientRequestId SendRequest(FlowId flow, std::string_view method, Parties parties, Extras extras,
                              TimePoint now);

  // --- subscriptions ---
  // A dialog of ours for a subscription. SendInDialog sends its first SUBSCRIBE. The first 2xx or
  // NOTIFY makes the dialog; what other forks send gets 481. 0: no such flow.
  DialogId OpenDialog(FlowId flow, Parties parties);
  // Ends a subscription's dialog, whoever opened it. Requests of the peer that wait for a response
  // get 481; those of ours are finished inside.
  void CloseDialog(DialogId dialog, TimePoint now);

  // --- accounts (RFC 3261 section 22) ---
  // A 401 or 407 to a request of an account is answered inside, BYE and PRACK included; events only
  // tell how it ended. ACK carries what its INVITE carried, CANCEL nothing.
  AccountId AddAccount(Credentials credentials);
  // For requests of ours in a dialog that the peer began.
  void SetAccount(DialogId dialog, AccountId account);

  void BindFlow(DialogId dialog, FlowId flow);
  FlowId FlowOf(DialogId dialog) const;     // 0: none, or an unknown dialog
  uint64_t OwnerOf(DialogId dialog) const;  // FlowInfo::owner of its flows; 0: an unknown dialog
  // By its Call-ID and tags, in whatever order these are. Whether who names it may do so is the
  // caller's business: `owner` says whose it is.
  std::optional<NamedDialog> FindDialog(const Replaces& name) const;
  UserAgentGauges gauges() const;

  // Nothing: the dialog is not confirmed, or over.
  std::optional<DialogSnapshot> Snapshot(DialogId dialog) const;
  // A dialog of an earlier user agent, with FlowInfo::owner of its flows (0: of whom BindFlow gives
  // it). It has no flow before BindFlow, or before a request of its owner. 0: its tag is missing or
  // is another dialog's.
  DialogId Restore(DialogSnapshot snapshot, uint64_t owner);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_USER_AGENT_H_
