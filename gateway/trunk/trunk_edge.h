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

// A carrier or PBX.
struct Trunk {
  std::string name;
  std::string host;  // of its server: a name or an address
  uint16_t port = 5060;
  bool tls = false;
  std::string ca_file;                    // PEM; "" = the system's
  std::vector<AddressBlock> accept_from;  // inbound calls: besides the server's own address
  sip::Prack prack = sip::Prack::kSupported;
  SessionTimers session_timer = SessionTimers::kSupported;
  std::optional<sip::Credentials> auth;  // for calls that have no account of their own
  // What its 3xx names is called instead. Not by default: it is a call to a number that nobody here
  // dialled, and who runs the gateway pays for it.
  bool follow_redirects = false;
  CallerIdPolicy caller_id = {};
  bool trust_identity = false;  // who it says is calling is believed, as in CallerOf
  HeaderPolicy headers = {};
};

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
  std::string user;          // whose account at the PBX is called; "": it names none
  std::string instance;      // its `gr` (RFC 5627): one device of the user; "" for none
  std::string caller;        // as in ShownCaller
  std::string display_name;  // likewise
  std::string offer;         // "": it wants to be offered
  bool reliable = false;     // as in sip::IncomingInvite
  std::optional<sip::Replaces> replaces = {};  // the dialog whose place it wants to take
  std::vector<sip::Header> headers = {};       // for the browser
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
struct OpenStream {  // connect to this trunk's server; the flow's bytes may follow at once
  sip::FlowId flow;
  size_t trunk = 0;  // index into TrunkOptions::trunks
};
struct SendBytes {
  sip::FlowId flow;
  std::string bytes;
};
struct CloseStream {
  sip::FlowId flow;
  std::string reason;
};
using TrunkOutput = std::variant<OpenStream, SendBytes, CloseStream>;

// A confirmed dialog with a carrier as values.
struct TrunkDialogSnapshot {
  sip::DialogSnapshot dialog;
  std::string trunk;          // its name
  bool peer_updates = false;  // it takes UPDATE
  uint32_t interval = 0;      // seconds, of its session
  sip::SessionTimerSnapshot timer;
  bool operator==(const TrunkDialogSnapshot&) const = default;
};

// The carrier side of SIP: one connection to each trunk's server, kept and reused, inbound
// connections identified by their peer's address alone, the accounts of users at PBXs with their
// registrations, and the user agent of all trunk dialogs with their session timers. Of both the
// other leg of a call learns nothing.
// Streams only: there is no way to send a datagram. Sans-IO. Thread: signalling.
class TrunkEdge {
 public:
  TrunkEdge(TrunkOptions options, RandomSource& random);

  // A peer connected to our listener. Streams nobody is configured for are answered 403.
  sip::FlowId OnInboundStream(const Endpoint& peer, bool tls);
  // Our connection stands: `peer` is where the trunk's name led.
  void OnStreamOpen(sip::FlowId flow, const Endpoint& peer, TimePoint now);
  void OnStreamBytes(sip::FlowId flow, ByteView bytes, TimePoint now);
  void OnStreamClosed(sip::FlowId flow, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  struct CallRequest {
    std::string trunk;
    std::string number;
    std::string caller;  // number or name shown to the carrier
    std::string user;    // of the browser; if it has an account there, that is the caller
    std::string offer;
    std::string replaces = {};              // value of Replaces (RFC 3891), "" for none
    bool anonymous = false;                 // the caller is not to be shown
    std::string diverted_by = {};           // as in CallerWishes
    std::vector<sip::Header> headers = {};  // of HeadersToTrunk
  };
  // Why the trunk does not take a call of that caller; PlaceCall would then send nobody's name.
  std::optional<CallerRefused> WhyNotShown(const CallRequest& request) const;
  // 0: no such trunk.
  sip::DialogId PlaceCall(const CallRequest& request, TimePoint now);
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

  // Nothing: the dialog is not confirmed, or over.
  std::optional<TrunkDialogSnapshot> Snapshot(sip::DialogId dialog, TimePoint now) const;
  // A dialog of an earlier process, of a call of that user; 0: it is there already, or there is no
  // such trunk (any more).
  sip::DialogId Restore(TrunkDialogSnapshot snapshot, std::string_view user, TimePoint now);

  std::vector<TrunkEvent> TakeEvents(TimePoint now);
  std::vector<TrunkOutput> TakeOutputs();

  const Trunk* FindTrunk(std::string_view name) const;
  const Trunk* TrunkOf(sip::DialogId dialog) const;  // nullptr: an unknown dialog
  // Whether that host of a URI is the trunk's server, or one that calls come from.
  bool IsAt(const Trunk& trunk, std::string_view host) const;
  sip::UserAgent& user_agent() { return user_agent_; }
  const sip::UserAgent& user_agent() const { return user_agent_; }
  size_t stream_count() const { return flows_.size(); }

  static constexpr Duration kKeepAliveInterval = 30s;  // CRLFCRLF, RFC 5626 section 4.4.1
  // A message that has begun is whole after so long, or its stream is closed: 64*T1.
  static constexpr Duration kMessageTimeout = 32s;
  static constexpr size_t kUnknownPeer = SIZE_MAX;
  static constexpr uint32_t kSessionInterval = 1800;  // seconds, RFC 4028 section 4

 private:
  struct Flow {
    size_t trunk = kUnknownPeer;
    bool inbound = false;
    sip::Framer framer;
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

  // --- trunk_accounts.cc ---
  std::vector<Registrations::Account> RegistrationAccounts() const;
  void SendRegisters(TimePoint now);
  // True: it was the answer to a REGISTER.
  bool OnRegisterAnswered(const sip::RequestAnswered& answered, TimePoint now);
  // Index of the user's account at that trunk; Registrations::kNone: it has none there.
  size_t PbxUserAt(size_t trunk, std::string_view user) const;
  // That account's credentials; of kNone: those of the trunk.
  sip::AccountId AccountAt(size_t trunk, size_t pbx_user) const;
  void LogChallenge(const sip::InviteRejected& rejected);

  sip::Uri ContactOn(bool tls) const;
  sip::FlowId NewFlow(size_t trunk, bool inbound, bool tls);
  sip::FlowId FlowTo(size_t trunk);
  // --- trunk_identity.cc; trunks are indices ---
  Result<CallerIdentity, CallerRefused> IdentityOf(size_t trunk, const CallRequest& request) const;
  CallerAccount CallerAccountOf(size_t trunk, std::string_view caller, std::string_view user) const;
  void AddIdentity(size_t trunk, const CallRequest& request, sip::InviteRequest& invite) const;

  // Of the user's account there, else with the caller as given. The trunk is an index.
  sip::Parties PartiesOf(size_t trunk, const Target& target) const;
  sip::InviteRequest MakeInvite(size_t trunk, const CallRequest& request) const;
  size_t IndexOf(std::string_view trunk) const;  // kUnknownPeer: there is none
  size_t TrunkOf(const IpAddress& peer) const;
  void Close(sip::FlowId flow, std::string reason, TimePoint now);
  void OnText(sip::FlowId flow, std::string_view text, TimePoint now);
  void RunFlowTimers(TimePoint now);
  void OnInvite(sip::IncomingInvite invite, std::vector<TrunkEvent>& out, TimePoint now);
  bool OnRequest(const sip::IncomingRequest& request, TimePoint now);
  void AnswerOptions(sip::ServerRequestId request, TimePoint now);
  void OnRequestOutside(sip::IncomingRequest request, std::vector<TrunkEvent>& out, TimePoint now);

  const TrunkOptions options_;
  sip::UserAgent user_agent_;
  Registrations registrations_;
  std::vector<sip::AccountId> trunk_accounts_;                  // by trunk; 0: it has none
  std::vector<sip::AccountId> pbx_accounts_;                    // by account of registrations_
  std::unordered_map<sip::ClientRequestId, size_t> registers_;  // unanswered, with their account
  IdSource<sip::FlowId> flow_ids_;
  std::unordered_map<sip::FlowId, Flow> flows_;
  std::vector<sip::FlowId> outbound_;        // by trunk: the flow we opened, 0 for none
  std::vector<IpAddress> server_addresses_;  // by trunk: where its name last led
  std::vector<TrunkOutput> outputs_;
  std::unordered_map<sip::DialogId, TrunkDialog> dialogs_;
  sip::TimerQueue<sip::DialogId> session_timers_;
  std::vector<TrunkEvent> own_events_;
  TimePoint next_flow_timeout_ = kNever;  // never later than the first of the flows
};

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_TRUNK_EDGE_H_
