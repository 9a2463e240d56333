#ifndef LASTMILE_GATEWAY_TRUNK_TRUNK_EDGE_H_
#define LASTMILE_GATEWAY_TRUNK_TRUNK_EDGE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "base/random.h"
#include "base/time.h"
#include "gateway/sip/framer.h"
#include "gateway/sip/refer.h"
#include "gateway/sip/session_timer.h"
#include "gateway/sip/timer_queue.h"
#include "gateway/sip/user_agent.h"
#include "gateway/trunk/header_map.h"
#include "gateway/trunk/identity.h"
#include "gateway/trunk/registration.h"
#include "gateway/trunk/server_pool.h"
#include "gateway/trunk/trunk_tls.h"

namespace lastmile::trunk {

// A block of addresses: 198.51.100.0/28. A host is a block of one.
struct AddressBlock {
  IpAddress base;
  int prefix_length = 32;

  bool Contains(const IpAddress& address) const;
  static Result<AddressBlock> Parse(std::string_view text);
  bool operator==(const AddressBlock&) const = default;
};

// What is done about session timers (RFC 4028) on a trunk's legs.
enum class SessionTimers {
  kNone,       // not known: a call that requires them is refused
  kSupported,  // offered; they run where the trunk takes part
  kRequired,   // an inbound call without them gets 421; on outbound ones the gateway refreshes
};

// When a call that has not begun to ring is offered to the trunk's next server. A connection that
// is refused or lost always is a reason.
struct FailoverRules {
  std::vector<int> statuses = {408, 500, 503};
  bool timeout = true;  // no response at all, not even a 100
  bool operator==(const FailoverRules&) const = default;
};

// A carrier or PBX.
struct Trunk {
  std::string name;
  std::string host;  // of its first server: a name or an address
  uint16_t port = 5060;
  std::vector<ConfiguredServer> servers = {};  // empty: the one at `host` and `port`
  Duration keepalive = Duration::zero();       // OPTIONS to each server; zero: none
  FailoverRules failover = {};
  // Seconds: the account of `auth` is registered there; 0: it is not.
  uint32_t register_expires = 0;
  bool tls = false;
  TrunkTls trust;                         // over TLS, both ways
  std::vector<AddressBlock> accept_from;  // inbound calls: besides the server's own address
  sip::Prack prack = sip::Prack::kSupported;
  SessionTimers session_timer = SessionTimers::kSupported;
  std::optional<sip::Credentials> auth;  // for calls that have no account of their own
  // It is the gateway itself (LocalTrunk): what is sent to it has come from it, in memory.
  bool is_local = false;
  // What its 3xx names is called instead. Not by default: it is a call to a number that nobody here
  // dialled, and who runs the gateway pays for it.
  bool follow_redirects = false;
  CallerIdPolicy caller_id = {};
  bool trust_identity = false;  // who it says is calling is believed, as in CallerOf
  HeaderPolicy headers = {};
  size_t invite_budget = 1300;  // bytes; a longer INVITE is told of in the log
};

// The trunk that leads from the gateway back into it, so that a browser's call to another browser
// is two calls like any other. There is one at most.
inline constexpr std::string_view kLocalTrunk = "local";
Trunk LocalTrunk();

struct TrunkOptions {
  std::vector<Trunk> trunks;
  std::vector<PbxUser> pbx_users = {};  // of trunks there are; a user, and an address, once
  std::string local_host;               // how carriers reach us: host of Via, Contact and From
  uint16_t tcp_port = 5060;
  uint16_t tls_port = 5061;
};

// A carrier's INVITE. Answer with Respond.
struct TrunkInvite {
  sip::DialogId dialog;
  std::string trunk;         // its name
  std::string target;        // user part of the Request-URI, or the PBX's address of `user`
  std::string user;          // whose account at the PBX is called, or whom the local trunk means;
                             // "": it names none
  std::string instance;      // its `gr` (RFC 5627): one device of the user; "" for none
  std::string caller;        // as in ShownCaller
  std::string display_name;  // likewise
  std::string offer;         // "": it wants to be offered
  bool reliable = false;     // as in sip::IncomingInvite
  std::optional<sip::Replaces> replaces = {};  // the dialog whose place it wants to take
  // From 1 to kMaxForwards.
  uint32_t max_forwards = sip::kMaxForwards;
  bool tls = false;                       // what its SDP says is seen by nobody else
  std::vector<sip::Header> headers = {};  // for the browser
};
// A carrier's MESSAGE or NOTIFY outside dialogs. Answer through user_agent().Respond.
struct TrunkRequest {
  sip::IncomingRequest request;
  std::string trunk;  // its name
  std::string user;   // as in TrunkInvite
};
// The session wants to be refreshed, and the peer takes no UPDATE: SendReoffer with what was said
// last.
struct TrunkRefresh {
  sip::DialogId dialog;
};
using TrunkEvent = std::variant<TrunkInvite, TrunkRequest, TrunkRefresh, sip::UserAgentEvent>;

// --- outputs for the stream shell ---
struct OpenStream {  // connect to this server; the flow's bytes may follow at once
  sip::FlowId flow;
  size_t trunk = 0;  // index into TrunkOptions::trunks
  std::string host;  // as configured: what its certificate has to carry
  Endpoint endpoint;
  Duration connect_timeout = 5s;
};
struct LookUpTag;
using LookUpId = StrongId<LookUpTag>;
struct LookUp {  // ask the name servers; OnLookedUp has to follow
  LookUpId id;
  std::string name;
  DnsType type = DnsType::kAddress;
};
struct CheckStream {  // does the peer acknowledge what it was sent? OnStreamChecked has to follow
  sip::FlowId flow;
};
struct SendBytes {
  sip::FlowId flow;
  std::string bytes;
};
struct CloseStream {
  sip::FlowId flow;
  std::string reason;
};
using TrunkOutput = std::variant<OpenStream, SendBytes, CloseStream, LookUp, CheckStream>;

// One trunk for whoever watches it.
struct TrunkStatus {
  std::string trunk;
  size_t servers = 0;     // that its configuration and the name servers name
  size_t up_servers = 0;  // that take calls
  bool registers = false;
  bool registered = false;              // its own account
  Duration rtt = Duration::zero();      // of an OPTIONS to its fastest server; zero: not known
  std::string last_failure = {};        // a sentence; "" for none
  RegisterFailure not_registered = {};  // of its own account
};

// A confirmed dialog with a carrier as values.
struct TrunkDialogSnapshot {
  sip::DialogSnapshot dialog;
  std::string trunk;          // its name
  bool peer_updates = false;  // it takes UPDATE
  uint32_t interval = 0;      // seconds, of its session
  sip::SessionTimerSnapshot timer;
  bool operator==(const TrunkDialogSnapshot&) const = default;
};

// The carrier side of SIP: one connection to each server of a trunk, kept and reused; how the
// servers are and which one is next when one fails; inbound connections identified by their peer's
// certificate or address, by no header; the accounts of users at PBXs with their registrations, and
// the user agent of all trunk dialogs with their session timers. Of both the other leg of a call
// learns nothing. Streams only: there is no way to send a datagram. Sans-IO. Thread: signalling.
class TrunkEdge {
 public:
  TrunkEdge(TrunkOptions options, RandomSource& random);

  // A peer connected to our listener. Who it was verified to be over TLS counts before where it
  // comes from. Streams nobody is configured for are answered 403.
  sip::FlowId OnInboundStream(const Endpoint& peer, bool tls, const VerifiedPeer& verified = {});
  // Our connection stands.
  void OnStreamOpen(sip::FlowId flow, const Endpoint& peer, TimePoint now);
  void OnStreamBytes(sip::FlowId flow, ByteView bytes, TimePoint now);
  // `reason`: a sentence, of the connection's end; "": not known.
  void OnStreamClosed(sip::FlowId flow, TimePoint now, std::string_view reason = "");
  // `stalled`: for a while now the peer has acknowledged nothing of what it was sent.
  void OnStreamChecked(sip::FlowId flow, bool stalled, TimePoint now);
  void OnLookedUp(LookUpId id, const DnsAnswer& answer, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  struct CallRequest {
    std::string trunk;
    std::string number;
    std::string caller;  // number or name shown to the carrier
    std::string user;    // of the browser; if it has an account there, that is the caller
    std::string offer;
    std::string replaces = {};  // value of Replaces (RFC 3891), "" for none
    uint32_t max_forwards = sip::kMaxForwards;
    bool anonymous = false;                 // the caller is not to be shown
    Duration ring{};                        // how long it may ring; 0: as long as anything does
    bool has_alternative = false;           // another trunk, if this one says nothing in time
    std::string diverted_by = {};           // as in CallerWishes
    std::vector<sip::Header> headers = {};  // of HeadersToTrunk
  };
  // Why the trunk does not take a call of that caller; PlaceCall would then send nobody's name.
  std::optional<CallerRefused> WhyNotShown(const CallRequest& request) const;
  // 0: no such trunk. Until the carrier's first 18x the call goes on to the trunk's next server
  // when one fails, under the same id.
  sip::DialogId PlaceCall(const CallRequest& request, TimePoint now);
  // As the user agent's: no other server is tried any more.
  void Cancel(sip::DialogId dialog, sip::Extras extras, TimePoint now);
  // Whom a request beside calls is for.
  struct Target {
    std::string trunk;
    std::string number;
    std::string caller;  // as in CallRequest
    std::string user;    // as in CallRequest
  };
  // A request outside dialogs. RequestAnswered follows; 0: no such trunk.
  sip::ClientRequestId SendRequest(const Target& target, std::string_view method,
                                   sip::Extras extras, TimePoint now);
  // A subscription's dialog, whose SUBSCRIBEs are sent by SendInDialog. 0: no such trunk.
  sip::DialogId OpenDialog(const Target& target);
  // As the user agent's, over a connection that stands (Reach).
  sip::ClientRequestId SendInDialog(sip::DialogId dialog, std::string_view method,
                                    sip::Extras extras, TimePoint now);
  // Before a request of ours in a dialog: if the dialog's connection is lost, it goes on over one
  // to its trunk's server (RFC 3261 section 18.1.1), which is opened if there is none.
  void Reach(sip::DialogId dialog);
  // Bytes of that call's INVITE without its offer; 0: no such trunk.
  size_t InviteHeadBytes(const CallRequest& request);

  // 101-699 for a TrunkInvite.
  void Respond(sip::DialogId dialog, int status, sip::Extras extras, TimePoint now);
  // The final answer to a request inside a dialog.
  void RespondInDialog(sip::DialogId dialog, sip::ServerRequestId request, int status,
                       sip::Extras extras, TimePoint now);
  void SendReoffer(sip::DialogId dialog, sip::Extras extras, TimePoint now);  // a re-INVITE
  void Bye(sip::DialogId dialog, sip::Extras extras, TimePoint now);

  // --- accounts at PBXs ---
  // A user's first browser is registered here, or the last one gone.
  void SetPresent(std::string_view user, bool present, TimePoint now);
  // Before the end: tells the PBXs that nobody is here any more.
  void UnregisterAll(TimePoint now);
  // The trunk whose PBX that user has an account at; nullptr: none.
  const Trunk* PbxOf(std::string_view user) const;
  // The number that the user is there; "": it has no account.
  std::string PbxNumberOf(std::string_view user) const;
  RegistrationGauges registrations() const { return registrations_.gauges(); }
  std::vector<TrunkStatus> status() const;  // by trunk

  // Nothing: the dialog is not confirmed, or over.
  std::optional<TrunkDialogSnapshot> Snapshot(sip::DialogId dialog, TimePoint now) const;
  // A dialog of an earlier process, of a call of that user; 0: it is there already, or there is no
  // such trunk (any more).
  sip::DialogId Restore(TrunkDialogSnapshot snapshot, std::string_view user, TimePoint now);

  std::vector<TrunkEvent> TakeEvents(TimePoint now);
  std::vector<TrunkOutput> TakeOutputs();

  const Trunk* FindTrunk(std::string_view name) const;
  const Trunk* TrunkOf(sip::DialogId dialog) const;  // nullptr: an unknown dialog
  // Where the dialog's connection leads to; nothing: it has none, or is the local trunk's.
  std::optional<IpAddress> PeerOf(sip::DialogId dialog) const;
  // Whether that host of a URI is the trunk's server, or one that calls come from.
  bool IsAt(const Trunk& trunk, std::string_view host) const;
  sip::UserAgent& user_agent() { return user_agent_; }
  const sip::UserAgent& user_agent() const { return user_agent_; }
  size_t stream_count() const { return flows_.size() - (local_flow_ ? 1 : 0); }

  static constexpr Duration kKeepAliveInterval = 30s;  // CRLFCRLF, RFC 5626 section 4.4.1
  // A message that has begun is whole after so long, or its stream is closed: 64*T1.
  static constexpr Duration kMessageTimeout = 32s;
  static constexpr size_t kUnknownPeer = SIZE_MAX;
  static constexpr uint32_t kSessionInterval = 1800;   // seconds, RFC 4028 section 4
  static constexpr uint64_t kOverloadRetryAfter = 10;  // seconds at most, when we are full
  // --- failing over ---
  static constexpr int kMaxTries = 4;
  static constexpr Duration kFailoverTime = 10s;      // no new try after so long
  static constexpr Duration kConnectTimeout = 5s;     // to the only server
  static constexpr Duration kNextServerTimeout = 2s;  // to connect, if there is another
  // An INVITE without a response: is the peer there at all?
  static constexpr Duration kStallCheck = 1s;
  // RFC 3261 section 17.2.1 has a 100 sent within 200 ms.
  static constexpr Duration kUnheardTimeout = 4s;

 private:
  struct Flow {
    size_t trunk = kUnknownPeer;
    bool inbound = false;
    bool tls = false;
    sip::Framer framer;
    ServerId server = {};  // outbound; 0: still looked up
    bool open = false;     // outbound: the connection stands
    std::optional<IpAddress> peer = {};
    std::string held = {};  // sent before the server was known
    TimePoint keepalive_at = kNever;
    TimePoint whole_until = kNever;  // a message has begun

    TimePoint next() const { return std::min(keepalive_at, whole_until); }
  };

  // What a 2xx of ours will say about the session.
  struct SessionTerms {
    uint32_t seconds = 0;
    sip::Refresher refresher = sip::Refresher::kUas;
  };
  struct TrunkDialog {
    SessionTimers mode = SessionTimers::kSupported;
    bool peer_updates = false;          // it takes UPDATE
    sip::SessionTimer timer;            // runs from the 2xx on
    std::optional<SessionTerms> terms;  // of the INVITE without a final answer
    sip::ClientRequestId update;        // our refresh, unanswered
    sip::ClientRequestId reoffer;       // our re-INVITE, unanswered
    uint32_t interval = kSessionInterval;
    // The peer's re-INVITEs and UPDATEs without an answer.
    std::unordered_map<sip::ServerRequestId, std::optional<SessionTerms>> requests;
  };

  // --- trunk_session.cc: session timers ---
  void NoteInvite(const sip::IncomingInvite& invite, size_t trunk);
  // The status to refuse a request with for its session timer; 0: none.
  static int CheckSession(SessionTimers mode, const sip::Message& request, sip::Extras& extras);
  static std::optional<SessionTerms> TermsFor(SessionTimers mode, const sip::Message& request);
  static void AddTerms(const SessionTerms& terms, sip::Extras& extras);
  void AddSessionOffer(const TrunkDialog& dialog, sip::Extras& extras) const;
  void StartAsServer(sip::DialogId id, const SessionTerms& terms, TimePoint now);
  void StartAsClient(sip::DialogId id, const sip::Message& response, TimePoint now);
  void SetTimer(sip::DialogId id);
  void RunSessionTimers(TimePoint now);
  void Refresh(sip::DialogId id, TrunkDialog& dialog, TimePoint now);
  void Expire(sip::DialogId id, std::string_view why, TimePoint now);
  // True: the answer is of interest to nobody else.
  bool OnAnswered(const sip::RequestAnswered& answered, TimePoint now);
  void Follow(const sip::UserAgentEvent& event, TimePoint now);
  void ForgetDialog(sip::DialogId id);

  // --- trunk_local.cc ---
  sip::FlowId LocalFlow(size_t trunk);
  // A message that was not sent by the user agent.
  void Send(sip::FlowId flow, std::string text);
  void SortOutgoing();
  void TellIfOverBudget(sip::FlowId flow, const sip::Message& message, size_t bytes) const;
  void CarryLocal(TimePoint now);
  // Whom that trunk means by a number without asking a route; "": nobody.
  std::string UserAt(size_t trunk, std::string_view number) const;
  // False: nothing happened.
  bool TakeRound(std::vector<TrunkEvent>& out, TimePoint now);

  // --- trunk_accounts.cc ---
  std::vector<Registrations::Account> RegistrationAccounts() const;
  void SendRegisters(TimePoint now);
  // True: it was the answer to a REGISTER.
  bool OnRegisterAnswered(const sip::RequestAnswered& answered, TimePoint now);
  sip::FlowId RegistrarFlow(size_t trunk);
  void NoteRegistrar(size_t trunk, int status);
  // Index of the user's account at that trunk; Registrations::kNone: it has none there.
  size_t PbxUserAt(size_t trunk, std::string_view user) const;
  // Whom a request to that account calls.
  std::string TargetOf(size_t pbx_user, const sip::Message& request) const;
  // That account's credentials; of kNone: those of the trunk.
  sip::AccountId AccountAt(size_t trunk, size_t pbx_user) const;
  void LogChallenge(const sip::InviteRejected& rejected);

  sip::Uri ContactOn(bool tls) const;
  sip::FlowId NewFlow(size_t trunk, bool inbound, bool tls);
  // Of the user's account there, else with the caller as given. The trunk is an index. Of `server`
  // is the host of the Request-URI.
  sip::Parties PartiesOf(size_t trunk, const Target& target, size_t server = 0) const;
  sip::InviteRequest MakeInvite(size_t trunk, const CallRequest& request, size_t server = 0) const;

  // --- trunk_servers.cc: a trunk's servers ---
  // An INVITE of ours that has had no 18x.
  struct Attempt {
    CallRequest request;
    size_t trunk = 0;
    ServerId server;
    sip::FlowId flow;
    std::vector<ServerId> untried;
    int tries = 1;
    TimePoint placed = TimePoint::min();
    TimePoint sent = kNever;  // on a connection that stands
    bool given_up = false;
    std::vector<std::string> said;  // by the servers before
  };
  struct Probe {
    size_t trunk = 0;
    ServerId server;
  };
  void MakePools();
  // A connection to the server that is next; 0: there is none.
  sip::FlowId FlowTo(size_t trunk);
  sip::FlowId FlowTo(size_t trunk, ServerId server);
  // The one whose server is still looked up.
  sip::FlowId WaitingFlow(size_t trunk);
  void OnServersFound(size_t trunk, TimePoint now);
  void LeadTo(sip::FlowId flow, ServerId server);
  void OnServerFlowLost(const Flow& flow, sip::FlowId id, std::string_view reason, TimePoint now);
  void RunServerTimers(TimePoint now);
  void SendProbe(size_t trunk, ServerId server, TimePoint now);
  bool OnProbeAnswered(const sip::RequestAnswered& answered, TimePoint now);
  void TakeLookUps();

  // --- trunk_failover.cc ---
  // Of the user agent, without those that only were the reason to try another server.
  std::vector<sip::UserAgentEvent> TakeSettledEvents(TimePoint now);
  // True: another server is tried, and nobody else needs to know.
  bool OnAttemptEvent(sip::UserAgentEvent& event, TimePoint now);
  bool OnAttemptRejected(sip::InviteRejected& rejected, TimePoint now);
  // Of one server's rejection; true: it is a reason to try another.
  bool NoteRejection(const sip::InviteRejected& rejected, Attempt& attempt, TimePoint now);
  void NoteFailure(const Attempt& attempt, std::string_view reason, TimePoint now);
  void OnAttemptRings(sip::DialogId dialog, TimePoint now);
  bool TryNext(sip::DialogId dialog, Attempt& attempt, TimePoint now);
  void AwaitResponse(sip::DialogId dialog, Attempt& attempt, TimePoint now);
  void RunAttemptTimers(TimePoint now);
  void ForgetAttempt(sip::DialogId dialog);

  // --- trunk_identity.cc; trunks are indices ---
  Result<CallerIdentity, CallerRefused> IdentityOf(size_t trunk, const CallRequest& request) const;
  CallerAccount CallerAccountOf(size_t trunk, std::string_view caller, std::string_view user) const;
  void AddIdentity(size_t trunk, const CallRequest& request, sip::InviteRequest& invite) const;
  size_t IndexOf(std::string_view trunk) const;  // kUnknownPeer: there is none
  size_t TrunkOf(const IpAddress& peer) const;
  size_t TrunkOf(const VerifiedPeer& peer) const;
  void Close(sip::FlowId flow, std::string reason, TimePoint now);
  void OnText(sip::FlowId flow, std::string_view text, TimePoint now);
  void RunFlowTimers(TimePoint now);
  void OnInvite(sip::IncomingInvite invite, std::vector<TrunkEvent>& out, TimePoint now);
  bool OnRequest(const sip::IncomingRequest& request, TimePoint now);
  void AnswerOptions(sip::ServerRequestId request, TimePoint now);
  void OnRequestOutside(sip::IncomingRequest request, std::vector<TrunkEvent>& out, TimePoint now);

  const TrunkOptions options_;
  RandomSource& random_;
  sip::UserAgent user_agent_;
  Registrations registrations_;
  std::vector<sip::AccountId> trunk_accounts_;                  // by trunk; 0: it has none
  std::vector<sip::AccountId> pbx_accounts_;                    // by account of registrations_
  std::unordered_map<sip::ClientRequestId, size_t> registers_;  // unanswered, with their account
  IdSource<sip::FlowId> flow_ids_;
  std::unordered_map<sip::FlowId, Flow> flows_;
  std::vector<ServerPool> pools_;            // by trunk
  std::vector<sip::FlowId> waiting_;         // by trunk: 0: none
  std::vector<sip::FlowId> register_flows_;  // by trunk: of the last REGISTER
  std::vector<ServerId> no_registrars_;      // by trunk: where the last REGISTER failed
  IdSource<LookUpId> look_up_ids_;
  std::unordered_map<LookUpId, std::pair<size_t, ServerPool::LookUp>> look_ups_;
  std::unordered_map<sip::ClientRequestId, Probe> probes_;
  std::unordered_map<sip::DialogId, Attempt> attempts_;
  sip::TimerQueue<sip::DialogId> attempt_timers_;
  std::vector<TrunkOutput> outputs_;
  sip::FlowId local_flow_;                // the one flow of the local trunk; 0: not used yet
  std::vector<std::string> local_texts_;  // sent on it, and not arrived yet
  std::unordered_map<sip::DialogId, TrunkDialog> dialogs_;
  sip::TimerQueue<sip::DialogId> session_timers_;
  std::vector<TrunkEvent> own_events_;
  TimePoint next_flow_timeout_ = kNever;  // never later than the first of the flows
};

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_TRUNK_EDGE_H_
