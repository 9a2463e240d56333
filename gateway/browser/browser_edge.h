#ifndef LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_
#define LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/browser/authenticator.h"
#include "gateway/browser/registrar.h"
#include "gateway/browser/ring_group.h"
#include "gateway/sip/user_agent.h"

namespace lastmile::browser {

struct BrowserOptions {
  std::string domain;  // realm, and the host of our URIs towards browsers
  std::vector<User> users;
  BearerOptions bearer = {};                  // tokens that are taken beside passwords
  std::function<WallTime()> wall_clock = {};  // needed for tokens
};

// A browser's INVITE that passed authentication. Answer through user_agent().RespondInvite.
struct BrowserInvite {
  sip::DialogId dialog;
  User user;           // the authenticated caller
  std::string target;  // user part of the Request-URI: the dialled number
  std::string offer;
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
// One of the above, or what happens to a call of the browser side. Of RequestAnswered only answers
// to SendReoffer.
using BrowserEvent = std::variant<BrowserInvite, BrowserRebound, BrowserAway, BrowserRefreshDue,
                                  RingAnswered, PresenceChanged, sip::UserAgentEvent>;

enum class FlowEnd {
  kLost,  // by the network: the browser may come back
  kLeft,  // closed by the page or the gateway
};

struct BrowserText {
  sip::FlowId flow;
  std::string text;
};

// Why a user cannot be rung.
struct NotReachable {
  int status = 404;  // 404: no such user; 480: known, but not registered now
  std::string reason;
};

// The browser side of SIP: authentication, registrations, what JsSIP needs to be told, and the user
// agent of all browser dialogs. Sans-IO. Thread: signalling.
class BrowserEdge {
 public:
  BrowserEdge(BrowserOptions options, RandomSource& random);

  void OnFlowOpened(sip::FlowId flow, bool tls);
  void OnFlowClosed(sip::FlowId flow, FlowEnd end, TimePoint now);
  void OnText(sip::FlowId flow, std::string_view text, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  struct RingRequest {
    std::string user;
    std::string instance;      // that browser only, as Registrar::FindAll; "" for all
    std::string caller;        // number or name to show
    std::string display_name;  // "" for none
    std::string offer;
  };
  // Rings all browsers of the user, as one callee (RingGroups). The dialog is the ring's, and after
  // RingAnswered that of the browser that answered.
  Result<sip::DialogId, NotReachable> Ring(const RingRequest& request, TimePoint now);
  void CancelRing(sip::DialogId ring, const sip::Extras& extras, TimePoint now);
  // 18x, 2xx or failure for a browser's INVITE.
  void Respond(sip::DialogId dialog, int status, sip::Extras extras, TimePoint now);

  // A re-INVITE or UPDATE inside a dialog. (INFO is answered through user_agent().)
  void RespondInDialog(sip::ServerRequestId request, int status, sip::Extras extras, TimePoint now);
  // While the browser's connection is lost, the BYE waits for it up to kByeOwed.
  void Bye(sip::DialogId dialog, sip::Extras extras, TimePoint now);
  // A re-INVITE. RequestAnswered follows, but after 491 BrowserRebound: the offer has to be a new
  // one.
  void SendReoffer(sip::DialogId dialog, std::string offer, TimePoint now);

  // False: there is none over which a request of this dialog could be sent.
  bool HasFlow(sip::DialogId dialog) const { return bool{user_agent_.FlowOf(dialog)}; }
  // Its browser closed the connection of this dialog on purpose, as a tab does that is closed.
  bool HasLeft(sip::DialogId dialog) const;

  std::vector<BrowserEvent> TakeEvents(TimePoint now);
  std::vector<BrowserText> TakeOutgoing();

  sip::UserAgent& user_agent() { return user_agent_; }
  const sip::UserAgent& user_agent() const { return user_agent_; }
  const Registrar& registrar() const { return registrar_; }

  // JsSIP tries to connect again after 2 to 30 s: one that lost its connection for a minute is back
  // half a minute later at the latest, and a BYE finds it.
  static constexpr Duration kMayBeAway = 100s;
  static constexpr Duration kByeOwed = 60s;
  static constexpr Duration kReofferAgain = 2100ms;  // RFC 3261 section 14.1

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
    sip::ClientRequestId refresh;    // the last UPDATE
    bool takes_update = true;        // until it says otherwise

    TimePoint next() const { return std::min({refresh_at, reoffer_at, forget_at, away_until}); }
  };

  // The authenticated user, or nullptr: the request is to be answered with `status` and `extras`.
  const User* Authorize(const sip::Message& request, sip::FlowId flow, sip::Extras& extras,
                        int& status, TimePoint now);
  void OnInvite(sip::IncomingInvite invite, std::vector<BrowserEvent>& out, TimePoint now);
  void OnRequest(sip::IncomingRequest request, std::vector<BrowserEvent>& out, TimePoint now);
  void OnRegister(const sip::IncomingRequest& request, TimePoint now);
  bool OnInDialogRequest(const sip::IncomingRequest& request, TimePoint now);
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
  Authenticator authenticator_;
  std::vector<BrowserText> texts_;  // answers that bypass the user agent: keep-alives, rejections
  // The gateway is always the refresher of their sessions: a browser that owes a refresh while its
  // WebSocket is down ends the call (J10, J11).
  std::unordered_map<sip::DialogId, BrowserDialog> dialogs_;
  std::vector<BrowserEvent> own_events_;    // those that are not of the user agent
  TimePoint next_dialog_timeout_ = kNever;  // never later than the first of them
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_
