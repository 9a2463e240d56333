#ifndef LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_
#define LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/browser/registrar.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/user_agent.h"

namespace lastmile::browser {

struct BrowserOptions {
  std::string domain;  // realm, and the host of our URIs towards browsers
  std::vector<User> users;
};

// A browser's INVITE that passed authentication. Answer through user_agent().RespondInvite.
struct BrowserInvite {
  sip::DialogId dialog;
  User user;           // the authenticated caller
  std::string target;  // user part of the Request-URI: the dialled number
  std::string offer;
};
// BrowserInvite, or what happens to a call of the browser side.
using BrowserEvent = std::variant<BrowserInvite, sip::UserAgentEvent>;

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
  void OnFlowClosed(sip::FlowId flow, TimePoint now);
  void OnText(sip::FlowId flow, std::string_view text, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  struct RingRequest {
    std::string user;
    std::string caller;        // number or name to show
    std::string display_name;  // "" for none
    std::string offer;
  };
  Result<sip::DialogId, NotReachable> Ring(const RingRequest& request, TimePoint now);
  // 18x, 2xx or failure for a browser's INVITE.
  void Respond(sip::DialogId dialog, int status, sip::Extras extras, TimePoint now);

  // A re-INVITE or UPDATE inside a dialog.
  void RespondInDialog(sip::ServerRequestId request, int status, sip::Extras extras, TimePoint now);
  void Bye(sip::DialogId dialog, sip::Extras extras, TimePoint now);

  std::vector<BrowserEvent> TakeEvents(TimePoint now);
  std::vector<BrowserText> TakeOutgoing();

  sip::UserAgent& user_agent() { return user_agent_; }
  const sip::UserAgent& user_agent() const { return user_agent_; }
  const Registrar& registrar() const { return registrar_; }

 private:
  // The authenticated user, or nullptr: the request is then challenged or refused already.
  const User* Authorize(const sip::Message& request, sip::FlowId flow, sip::Extras& challenge,
                        int& status, TimePoint now);
  void OnInvite(sip::IncomingInvite invite, std::vector<BrowserEvent>& out, TimePoint now);
  void OnRequest(sip::IncomingRequest request, std::vector<BrowserEvent>& out, TimePoint now);
  void OnRegister(const sip::IncomingRequest& request, TimePoint now);
  bool OnInDialogRequest(const sip::IncomingRequest& request, TimePoint now);
  void StartSessionTimer(sip::DialogId dialog, TimePoint now);
  void RefreshSessions(TimePoint now);

  const BrowserOptions options_;
  sip::UserAgent user_agent_;
  Registrar registrar_;
  sip::DigestServer digest_;
  std::vector<BrowserText> texts_;  // answers that bypass the user agent: keep-alives, rejections
  // Dialogs with a session timer (RFC 4028). The gateway is always the refresher: a browser that
  // owes a refresh while its WebSocket is down ends the call (J10, J11).
  std::unordered_map<sip::DialogId, TimePoint> refresh_at_;
  TimePoint next_refresh_ = kNever;  // never later than the first of them
};

}  // namespace lastmile::browser

#endif  // LASTMILE_GATEWAY_BROWSER_BROWSER_EDGE_H_
