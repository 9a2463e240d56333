#ifndef LASTMILE_GATEWAY_SIP_USER_AGENT_IMPL_H_
#define LASTMILE_GATEWAY_SIP_USER_AGENT_IMPL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/strong_id.h"
#include "gateway/sip/dialog.h"
#include "gateway/sip/digest_client.h"
#include "gateway/sip/timer_queue.h"
#include "gateway/sip/transactions.h"
#include "gateway/sip/user_agent.h"

// Private to user_agent*.cc: the state behind UserAgent. The methods are in six files: what both
// roles share (user_agent.cc), our requests (user_agent_client.cc) and their credentials
// (user_agent_accounts.cc), the peer's (user_agent_server.cc), RFC 3262 in both roles
// (user_agent_reliable.cc), the dialogs of subscriptions in both (user_agent_subscription.cc), and
// dialogs as values (user_agent_snapshot.cc).
namespace lastmile::sip {

class UserAgent::Impl {
 public:
  Impl(UserAgentOptions options, RandomSource& random);

  void AddFlow(FlowId flow, FlowInfo info);
  void RemoveFlow(FlowId flow, TimePoint now);
  void OnMessage(FlowId flow, Message message, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;
  std::vector<UserAgentEvent> TakeEvents();
  std::vector<OutgoingMessage> TakeOutgoing();

  void RespondInvite(DialogId dialog, int status, Extras extras, TimePoint now);
  void Respond(ServerRequestId request, int status, Extras extras, TimePoint now);

  DialogId Invite(FlowId flow, InviteRequest request, TimePoint now);
  bool InviteAgain(DialogId dialog, FlowId flow, InviteRequest request, TimePoint now);
  bool IsUnheard(DialogId dialog) const;
  void GiveUp(DialogId dialog, TimePoint now);
  size_t InviteHeadBytes(FlowId flow, InviteRequest request) const;
  void Ack(DialogId dialog, Extras extras, TimePoint now);
  void Cancel(DialogId dialog, Extras extras, TimePoint now);
  void Bye(DialogId dialog, Extras extras, TimePoint now);
  ClientRequestId SendInDialog(DialogId dialog, std::string_view method, Extras extras,
                               TimePoint now);
  ClientRequestId SendRequest(FlowId flow, Message request, TimePoint now, AccountId account);
  DialogId OpenDialog(FlowId flow, Parties parties);
  void CloseDialog(DialogId dialog, TimePoint now);

  AccountId AddAccount(Credentials credentials);
  void SetAccount(DialogId dialog, AccountId account);

  void BindFlow(DialogId dialog, FlowId flow);
  FlowId FlowOf(DialogId dialog) const;
  uint64_t OwnerOf(DialogId dialog) const;
  std::optional<NamedDialog> FindDialog(const Replaces& name) const;
  UserAgentGauges gauges() const { return {transactions_.size(), usages_.size()}; }

  std::optional<DialogSnapshot> Snapshot(DialogId dialog) const;
  DialogId Restore(DialogSnapshot snapshot, uint64_t owner);

 private:
  enum class State {
    kCalling,   // our INVITE has no final response
    kAnswered,  // our INVITE got a 2xx: Ack is owed
    kIncoming,  // the peer's INVITE has no final response
    kUnacked,   // our 2xx has no ACK
    kConfirmed,
    kSubscription,  // no INVITE ever
    kEnding,        // gone for the caller; what peers are owed is finished inside
  };
  enum class Timer {
    kRing,           // InviteRequest::ring_timeout
    kCancel,         // no final response after our CANCEL (section 9.1)
    kResend,         // the 2xx again
    kAckDeadline,    // no ACK at all
    kReinvite,       // no final response to our re-INVITE
    kPrackResend,    // the reliable 18x again
    kPrackDeadline,  // no PRACK at all
  };
  struct TimerKey {
    DialogId usage;
    Timer timer;
    auto operator<=>(const TimerKey&) const = default;
  };
  struct Flow {
    FlowInfo info;
    uint64_t order = 0;  // a newer flow has a higher one
    uint64_t owner = 0;  // info.owner, or a value no other flow has
    std::set<DialogId> usages;
  };
  // A response of ours that may not go out yet.
  struct Held {
    int status = 0;
    Extras extras;
  };
  // A 2xx of ours that waits for its ACK.
  struct Unacked {
    TransactionId transaction;
    uint32_t cseq = 0;
    Message response;
    Duration interval{};
  };
  // A 2xx of the peer that we have not ACKed.
  struct OwedAck {
    TransactionId transaction;
    uint32_t cseq = 0;
  };
  // Our 18x to a peer that acknowledges them (RFC 3262 section 3).
  struct Reliable {
    uint32_t invite_cseq = 0;
    uint32_t rseq = 0;     // of the last one sent
    bool open = false;     // it waits for its PRACK
    bool has_sdp = false;  // it has a body
    Message response;
    Duration interval{};
    TransactionId prack = {};  // with a body, and not answered yet
    std::deque<Held> waiting;  // 18x after it
    std::optional<Held> final_response;
  };
  // As long as its call: a message, of 1 KiB even when empty, is kept apart where it is rare.
  struct Usage {
    DialogId id;
    State state = State::kCalling;
    FlowId flow;
    uint64_t owner = 0;
    bool we_called = false;
    std::string local_tag;
    // The dialog. Ours before its 2xx: one for each fork heard of, the one heard last at the end;
    // of a subscription one without a remote tag.
    std::vector<Dialog> legs;

    AccountId account;     // of our requests
    Message invite;        // ours, as sent last
    ChallengeTries tries;  // of it
    TransactionId invite_transaction;
    bool proceeding = false;  // a 1xx came
    bool cancelling = false;  // CANCEL wanted or sent
    bool cancel_sent = false;
    bool interval_raised = false;  // a 422 was obeyed
    std::vector<Header> cancel_headers;
    std::optional<OwedAck> owed_ack;
    // Sent into a flow that is lost, or not at all: repeated by BindFlow.
    std::unique_ptr<Message> ack_on_bind;

    TransactionId peer_invite;           // unanswered: their first INVITE or a re-INVITE
    std::unique_ptr<Reliable> reliable;  // for it our 18x are
    std::unique_ptr<Unacked> unacked;
    Extras bye;  // kEnding and unacked: the BYE to be sent after the ACK

    TransactionId our_reinvite;           // unanswered
    std::vector<TransactionId> requests;  // of the peer, unanswered, without its first INVITE
    size_t open = 0;                      // client transactions without a final response
    std::vector<TransactionId> accepted;  // client INVITEs with a 2xx, until timer M
    // Another fork's 2xx may still come, so that `accepted` must outlive the call.
    bool may_fork = false;
  };
  struct SentAck {
    std::string to_tag;
    Message ack;
  };
  struct ClientUse {
    enum class Kind { kInvite, kReinvite, kRequest, kInside };  // kInside: CANCEL, BYE
    Kind kind = Kind::kInside;
    DialogId usage = {};  // 0: outside dialogs
    ClientRequestId request = {};
    bool has_body = false;
    // What a challenge of any request but our first INVITE needs; `sent` only with an account.
    AccountId account = {};
    std::unique_ptr<Message> sent = {};
    ChallengeTries tries = {};
    std::optional<std::string> winner = {};  // To-tag of the first 2xx
    std::vector<SentAck> acks = {};
  };
  struct ServerUse {
    DialogId usage = {};  // 0: outside dialogs
    std::string to_tag = {};
    std::optional<Uri> target = {};  // target refresh, valid if answered 2xx
    std::string remote_tag = {};     // of the dialog that is refreshed
    bool opens = false;              // the SUBSCRIBE that opened its dialog
    FlowId flow = {};
  };

  // --- user_agent.cc ---
  Flow* FindFlow(FlowId flow);
  Usage* FindUsage(DialogId dialog);
  Usage& NewUsage(DialogId id, FlowId flow, State state);
  void SetFlow(Usage& usage, FlowId flow);
  void OnUsageTimer(TimerKey key, TimePoint now);
  void OnTransactionEnded(TransactionId id, int status, TimePoint now);
  std::vector<std::string> AllowOn(const Flow& flow) const;
  std::vector<std::string> SupportedOn(const Flow& flow) const;
  // A response with what all of ours carry; `contact` 0: none.
  Message BuildResponse(const Message& request, int status, std::string_view to_tag, Extras extras,
                        FlowId contact);
  // Adds Via and User-Agent and sends.
  void SendStateless(FlowId flow, Message request);
  TransactionId SendStateful(FlowId flow, Message request, ClientUse use, TimePoint now);
  void Stamp(Message& request, const Flow& flow);
  void Stamp(Message& request, const Flow& flow, std::string branch) const;
  Message MakeInvite(const Flow& flow, InviteRequest request, const std::string& local_tag) const;
  // The caller hears no more of the usage. It is erased as soon as nothing is owed; `usage` is not
  // valid afterwards.
  void End(Usage& usage, TimePoint now);
  void EraseIfDone(Usage& usage);
  // End() with a BYE. `usage` is not valid afterwards.
  void EndWithBye(Usage& usage, Extras extras, TimePoint now);

  // --- user_agent_client.cc ---
  void SendInvite(Usage& usage, TimePoint now);
  void StartInvite(DialogId dialog, FlowId flow, InviteRequest request, TimePoint now);
  void OnResponse(FlowId flow, Message response, TimePoint now);
  void OnInviteResponse(TransactionId id, Message response, TimePoint now);
  void OnInviteSuccess(TransactionId id, Message response, TimePoint now);
  void OnFurtherSuccess(TransactionId id, const Message& response, TimePoint now);
  void OnStraySuccess(FlowId flow, const Message& response, TimePoint now);
  void OnReinviteResponse(TransactionId id, Message response, TimePoint now);
  void OnReinviteTimeout(Usage& usage, TimePoint now);
  void OnClientEnded(TransactionId id, int status, TimePoint now);
  bool RaiseInterval(Usage& usage, const Message& response);
  void TakeEarlyLeg(Usage& usage, const Message& response);
  void MarkAccepted(TransactionId id, ClientUse& use, Usage& usage, const Message& response);
  void RejectInvite(Usage& usage, int status, std::optional<Message> response, TimePoint now,
                    std::string challenge_fault = {});
  void StartCancel(Usage& usage, TimePoint now);
  void SendAck(Usage& usage, Extras extras);
  ClientRequestId AnswerAtOnce(DialogId dialog, int status);

  // --- user_agent_accounts.cc ---
  DigestClient* FindAccount(AccountId account);
  // Credentials for what the account was asked for before.
  void Preempt(AccountId account, Message& request);
  // Gives our INVITE its next try's credentials and CSeq.
  Result<void> AnswerInviteChallenge(Usage& usage, const Message& response);
  // Sends what was answered with 401 or 407 once more. `use` goes on as that of the new one.
  Result<void> AnswerChallenge(FlowId flow, ClientUse& use, const Message& response, TimePoint now);
  uint32_t NextCSeq(Usage* usage, const Message& sent);

  // --- user_agent_server.cc ---
  void OnRequest(FlowId flow, Message request, TimePoint now);
  // The status to refuse it with before anybody looks at it; 0: none.
  int CheckRequest(const Flow& flow, const Message& request, std::vector<Header>& headers) const;
  // Whether the peer may put the option tag into Require.
  bool Knows(const Flow& flow, std::string_view tag) const;
  void OnNewInvite(FlowId flow, Message request, TimePoint now);
  void OnRequestInDialog(FlowId flow, Message request, TimePoint now);
  void OnReinvite(Usage& usage, FlowId flow, Message request, TimePoint now);
  void OnAck(FlowId flow, Message ack, TimePoint now);
  void OnCancel(FlowId flow, const Message& cancel, TimePoint now);
  void OnBye(Usage& usage, const std::string& remote_tag, const Message& bye, TimePoint now);
  void OnServerEnded(TransactionId id, TimePoint now);
  // The dialog of a request, if the flow's owner is the dialog's.
  Dialog* MatchDialog(FlowId flow, const Message& request, Usage*& usage);
  void FollowFlow(Usage& usage, FlowId flow);
  void PassOn(FlowId flow, Usage* usage, Message request, TimePoint now);
  void Refuse(FlowId flow, const Message& request, int status, std::vector<Header> headers);
  void SendInviteResponse(Usage& usage, int status, Extras extras, TimePoint now);
  void GiveUpInvite(Usage& usage, int status, std::string reason_header, TimePoint now);
  void AnswerRequest(TransactionId id, Usage* usage, int status, Extras extras, TimePoint now);
  void EndRequests(Usage& usage, int status, TimePoint now);
  void AwaitAck(Usage& usage, TransactionId transaction, Message response, TimePoint now);
  void StopAwaitingAck(Usage& usage);
  void OnNoAck(Usage& usage, TimePoint now);

  // --- user_agent_reliable.cc ---
  // Whether our 18x to this INVITE are reliable.
  static bool WantsReliable(const Flow& flow, const Message& invite);
  // True: `status` is kept or dropped instead of sent.
  static bool HoldBack(Usage& usage, int status, Extras& extras);
  void SendHeldBack(Usage& usage, TimePoint now);
  void MakeReliable(Usage& usage, Message& response, TimePoint now);
  void OnPrack(Usage& usage, FlowId flow, Message request, TimePoint now);
  void OnPrackAnswered(Usage& usage, TransactionId id, TimePoint now);
  void ResendReliable(Usage& usage, TimePoint now);
  void StopReliable(Usage& usage);
  // The peer's 18x: false if it is a reliable one that came before or out of order.
  bool IsNews(const Usage& usage, const Message& response) const;
  // `response` made or moved the newest leg.
  void Acknowledge(Usage& usage, const Message& response, TimePoint now);

  // --- user_agent_subscription.cc ---
  void OnNewSubscribe(FlowId flow, Message request, TimePoint now);
  // Takes the peer's tag of the first request that comes in a dialog of ours.
  static Dialog* AdoptPeer(Usage& usage, const Message& request);
  // A 2xx to a request of ours in a subscription's dialog.
  static void FollowResponse(Dialog& leg, const Message& response);

  const UserAgentOptions options_;
  RandomSource& random_;
  std::vector<UserAgentEvent> events_;
  std::vector<OutgoingMessage> outgoing_;
  Transactions transactions_;  // writes to outgoing_
  TimerQueue<TimerKey> timers_;
  IdSource<DialogId> dialog_ids_;
  IdSource<ClientRequestId> request_ids_;
  uint64_t flows_added_ = 0;
  std::unordered_map<FlowId, Flow> flows_;
  std::unordered_map<DialogId, Usage> usages_;
  std::unordered_map<std::string, DialogId> by_local_tag_;
  std::unordered_map<TransactionId, ClientUse> client_uses_;
  std::unordered_map<TransactionId, ServerUse> server_uses_;
  IdSource<AccountId> account_ids_;
  std::unordered_map<AccountId, DigestClient> accounts_;
};

namespace internal {

constexpr int kTimeoutInT1 = 64;
// A re-INVITE may wait for a person's consent; as long as a proxy's timer C (section 16.6).
constexpr Duration kReinviteTimeout = 3min;
constexpr size_t kMaxForks = 16;  // early dialogs and further 2xx a usage keeps book of

inline constexpr size_t kTagLength = 12;
inline constexpr size_t kCallIdLength = 24;
inline constexpr size_t kBranchLength = 16;  // after the magic cookie
std::string NewTag(RandomSource& random);
// Value of the Reason header (RFC 3326), or "".
std::string ReasonOf(const Message& message);
// Adds headers and body; list headers the message has as fields go there.
void Apply(Message& message, Extras extras);

}  // namespace internal
}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_USER_AGENT_IMPL_H_
