#ifndef LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_
#define LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "base/random.h"
#include "base/time.h"
#include "gateway/browser/authenticator.h"
#include "gateway/browser/registrar.h"
#include "gateway/browser/ring_group.h"
#include "gateway/browser/turn_credentials.h"
#include "gateway/browser/user_directory.h"
#include "gateway/browser/waiting_list.h"
#include "gateway/sip/user_agent.h"

namespace lastmile::browser {

struct BrowserOptions {
  std::string domain;                            // realm, and the host of our URIs towards browsers
  std::vector<User> users;                       // all of them, unless they are looked up
  std::optional<LookupOptions> lookup = {};      // users come from a source outside
  BearerOptions bearer = {};                     // tokens that are taken beside passwords
  std::function<WallTime()> wall_clock = {};     // needed for tokens and TURN
  std::vector<std::string> passed_headers = {};  // of an INVITE, that trunks may be told
  std::optional<TurnOptions> turn = {};          // browsers get credentials for these servers
};

// A browser's INVITE that passed authentication. Answer through user_agent().RespondInvite.
struct BrowserInvite {
  sip::DialogId dialog;
  User user;           // the authenticated caller
  std::string target;  // the dialled number, as sip::Uri::dialled() has it
  std::string offer;
  bool anonymous = false;                 // the caller wishes not to be shown
  std::vector<sip::Header> headers = {};  // those of BrowserOptions::passed_headers it has
};
// A browser's MESSAGE or SUBSCRIBE outside dialogs that passed authentication. Answer through
// user_agent().Respond.
struct BrowserRequest {
  sip::IncomingRequest request;
  User user;  // the authenticated sender
};
// The final answer to a request of ours to a browser, of those that are not the edge's own.
struct BrowserAnswered {
  sip::RequestAnswered answered;
};
// The browser of a call is back, over another connection than the one that was lost: its media path
// may be dead. Or it had an offer of its own under way (491), and took half of ours (JsSIP 3.13).
// Both times it wants a re-offer by SendReoffer with new ICE credentials.
struct BrowserRebound {
  sip::DialogId dialog;
  bool glare = false;
};
// The browser of a call lost its connection and did not come back within kMayBeAway.
struct BrowserAway {
  sip::DialogId dialog;
};
// The browser's session is to be refreshed, and its client takes no UPDATE (SIP.js 0.21): it wants
// an offer by SendReoffer that changes nothing (RFC 4028 section 7.4).
struct BrowserRefreshDue {
  sip::DialogId dialog;
};
// Somebody about whom FindUser said kPending is known now, or known not to be.
struct UserSettled {
  std::string name;
};
// One of the above, or what happens to a call of the browser side. Of RequestAnswered only answers
// to SendReoffer.
using BrowserEvent = std::variant<BrowserInvite, BrowserRequest, BrowserAnswered, BrowserRebound,
                                  BrowserAway, BrowserRefreshDue, UserSettled, RingAnswered,
                                  PresenceChanged, sip::UserAgentEvent>;

enum class FlowEnd {
  kLost,  // by the network: the browser may come back
  kLeft,  // closed by the page or the gateway
};

struct BrowserText {
  sip::FlowId flow;
  std::string text;
};

// Why nothing can be sent to a user.
struct NotReachable {
  int status = 404;  // 404: no such user; 480: not registered now
  std::string reason;
};

// The flow is to be closed with this code of RFC 6455 section 7.4; OnFlowClosed follows.
struct BrowserClose {
  sip::FlowId flow;
  uint16_t code = 1013;
  std::string reason;  // a sentence
};

// A confirmed dialog with a browser as values.
struct BrowserDialogSnapshot {
  sip::DialogSnapshot dialog;
  std::string user;
  std::string device;  // of DeviceOf(); "": it was not registered, and cannot come back
  bool takes_update = true;
  std::optional<std::chrono::milliseconds> refresh_in;  // of its session
  bool operator==(const BrowserDialogSnapshot&) const = default;
};

// The browser side of SIP: authentication, registrations, what JsSIP needs to be told, and the user
// agent of all browser dialogs. Sans-IO. Thread: signalling.
class BrowserEdge {
 public:
  BrowserEdge(BrowserOptions options, RandomSource& random);

  // `peer`: where the connection comes from.
  void OnFlowOpened(sip::FlowId flow, bool tls, const IpAddress& peer);
  void OnFlowClosed(sip::FlowId flow, FlowEnd end, TimePoint now);
  void OnText(sip::FlowId flow, std::string_view text, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  // Whether there is such a user, registered or not. kPending: UserSettled follows.
  Lookup FindUser(std::string_view name, TimePoint now);
  // Names that the source of users is to be asked for; an OnUserAnswer follows for each.
  std::vector<std::string> TakeLookups() { return users_.TakeLookups(); }
  void OnUserAnswer(const UserAnswer& answer, TimePoint now);

  struct RingRequest {
    std::string user;
    std::string instance;      // that browser only, as Registrar::FindAll; "" for all
    std::string caller;        // number or name to show
    std::string display_name;  // "" for none
    std::string offer;
    std::vector<sip::Header> headers = {};  // of the caller's INVITE, that pass to browsers
    Duration ring{};                        // how long; 0: as long as anything rings
  };
  // Rings all browsers of the user, as one callee (RingGroups). The dialog is the ring's, and after
  // RingAnswered that of the browser that answered. nullopt: none is registered now.
  std::optional<sip::DialogId> Ring(const RingRequest& request, TimePoint now);
  void CancelRing(sip::DialogId ring, const sip::Extras& extras, TimePoint now);
  // 18x, 2xx or failure for a browser's INVITE.
  void Respond(sip::DialogId dialog, int status, sip::Extras extras, TimePoint now);

  // A re-INVITE or UPDATE inside a dialog. (INFO is answered through user_agent().)
  void RespondInDialog(sip::ServerRequestId request, int status, sip::Extras extras, TimePoint now);
  // While the browser's connection is lost, the BYE waits for it up to kByeOwed.
  void Bye(sip::DialogId dialog, sip::Extras extras, TimePoint now);
  // A re-INVITE. RequestAnswered follows, but after 491 BrowserRebound: the offer has to be a new
  // one. While the one before has no answer, nothing is sent: BrowserRefreshDue comes after it.
  void SendReoffer(sip::DialogId dialog, std::string offer, TimePoint now);

  struct RequestToUser {
    std::string method;
    std::string user;
    std::string instance;      // that browser only, as in RingRequest
    std::string caller;        // number or name to show
    std::string display_name;  // "" for none
    sip::Extras extras;
  };
  // The request, outside dialogs, to each browser of the user. BrowserAnswered follows for each.
  Result<std::vector<sip::ClientRequestId>, NotReachable> SendToUser(const RequestToUser& request,
                                                                     TimePoint now);

  // False: there is none over which a request of this dialog could be sent.
  bool HasFlow(sip::DialogId dialog) const { return bool{user_agent_.FlowOf(dialog)}; }
  // Its browser closed the connection of this dialog on purpose, as a tab does that is closed.
  bool HasLeft(sip::DialogId dialog) const;

  // Nothing: the dialog is not confirmed, or over.
  std::optional<BrowserDialogSnapshot> Snapshot(sip::DialogId dialog, TimePoint now) const;
  // A dialog of an earlier process. Its browser is away until it registers again; 0: it is there
  // already.
  sip::DialogId Restore(BrowserDialogSnapshot snapshot, TimePoint now);

  std::vector<BrowserEvent> TakeEvents(TimePoint now);
  std::vector<BrowserText> TakeOutgoing();
  std::vector<BrowserClose> TakeClosings();

  sip::UserAgent& user_agent() { return user_agent_; }
  const sip::UserAgent& user_agent() const { return user_agent_; }
  const Registrar& registrar() const { return registrar_; }
  const AuthFailures& auth_failures() const { return authenticator_.failures(); }

  // JsSIP tries to connect again after 2 to 30 s: one that lost its connection for a minute is back
  // half a minute later at the latest, and a BYE finds it.
  static constexpr Duration kMayBeAway = 100s;
  static constexpr Duration kByeOwed = 60s;
  static constexpr Duration kReofferAgain = 2100ms;  // RFC 3261 section 14.1
  // Requests whose user is being looked up: in all, and of one connection.
  static constexpr size_t kMaxWaiting = 2000;
  static constexpr size_t kMaxWaitingOnFlow = 8;

 private:
  // A call's dialog with a browser.
  struct BrowserDialog {
    std::string user;
    std::string device;             // of DeviceOf(); "": not registered
    TimePoint refresh_at = kNever;  // of its session (RFC 4028)
    TimePoint reoffer_at = kNever;  // after 491
    TimePoint forget_at = kNever;   // it is over: BYE is sent, or `bye` is owed
    TimePoint away_until = kNever;  // without a connection
    bool left = false;
    std::optional<sip::Extras> bye;  // owed
    sip::ClientRequestId reoffer;    // unanswered
    bool reoffer_owed = false;       // another one has to follow it
    sip::ClientRequestId refresh;    // the last UPDATE
    bool takes_update = true;        // until it says otherwise

    TimePoint next() const { return std::min({refresh_at, reoffer_at, forget_at, away_until}); }
  };

  // From and To of what is sent to a user; the Request-URI is a binding's.
  sip::Parties PartiesOf(const std::string& user, const std::string& caller,
                         const std::string& display_name) const;
  using Waiting = std::variant<sip::IncomingInvite, sip::IncomingRequest>;

  // Who has sent the request. Not `waits`: without a user it is to be answered with `status` and
  // `extras`. `waits`: its user is being looked up, and it was moved away to be handled later.
  struct Authorized {
    const User* user = nullptr;
    bool waits = false;
    int status = 401;
    sip::Extras extras = {};
  };
  template <class Request>
  Authorized Authorize(Request& request, TimePoint now);
  bool CanWait(sip::FlowId flow) const;
  // Goes on with what has waited for names that are settled now.
  void GoOn(TimePoint now);
  static bool RefusesUpdate(const sip::Message& message);
  std::vector<sip::Header> PassedHeaders(const sip::Message& invite) const;
  void OnInvite(sip::IncomingInvite invite, std::vector<BrowserEvent>& out, TimePoint now);
  void OnRequest(sip::IncomingRequest request, std::vector<BrowserEvent>& out, TimePoint now);
  void OnRequestOutside(sip::IncomingRequest request, std::vector<BrowserEvent>& out,
                        TimePoint now);
  // `headers`: besides what it has for everybody.
  void AnswerOptions(sip::ServerRequestId request, std::vector<sip::Header> headers, TimePoint now);
  // Empty: none are configured, or not for this connection.
  std::vector<sip::Header> IceServersFor(const User& user, sip::FlowId flow) const;
  void OnRegister(sip::IncomingRequest request, TimePoint now);
  bool OnInDialogRequest(const sip::IncomingRequest& request, TimePoint now);
  void RunAgentEvents(std::vector<BrowserEvent>& out, TimePoint now);
  void OnAgentEvent(sip::UserAgentEvent event, std::vector<BrowserEvent>& out, TimePoint now);
  void StartSessionTimer(sip::DialogId dialog, TimePoint now);
  void RunDialogTimers(TimePoint now);
  void RefreshSession(sip::DialogId dialog, TimePoint now);
  void Rebind(const User& user, sip::FlowId flow, TimePoint now);
  void OnRequestAnswered(sip::RequestAnswered answered, std::vector<BrowserEvent>& out,
                         TimePoint now);
  void ForgetEnded(const sip::UserAgentEvent& event, TimePoint now);

  const BrowserOptions options_;
  sip::UserAgent user_agent_;
  RingGroups rings_;
  Registrar registrar_;
  UserDirectory users_;
  Authenticator authenticator_;
  WaitingList<Waiting> waiting_{kMaxWaiting};
  std::unordered_set<sip::FlowId> private_flows_;  // nobody on the way reads what is sent there
  std::vector<BrowserClose> closings_;
  std::vector<BrowserText> texts_;  // answers that bypass the user agent: keep-alives, rejections
  // The gateway is always the refresher of their sessions: a browser that owes a refresh while its
  // WebSocket is down ends the call (J10, J11).
  std::unordered_map<sip::DialogId, BrowserDialog> dialogs_;
  std::vector<BrowserEvent> own_events_;    // those that are not of the user agent
  TimePoint next_dialog_timeout_ = kNever;  // never later than the first of them
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_
