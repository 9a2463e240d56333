#ifndef LASTMILE_GATEWAY_APP_MESSAGING_H_
#define LASTMILE_GATEWAY_APP_MESSAGING_H_

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"
#include "gateway/app/pace.h"
#include "gateway/app/relay.h"
#include "gateway/app/routing.h"
#include "gateway/browser/browser_edge.h"
#include "gateway/sip/timer_queue.h"
#include "gateway/trunk/trunk_edge.h"

namespace lastmile::app {

// Requests that are answered by somebody on the other side: MESSAGE (RFC 3428) both ways, inside
// calls and outside, and a PBX's NOTIFY of a mailbox nobody subscribed to. Each becomes a request
// of the gateway's own, to a trunk or to all browsers of a user, and the answer to that one is the
// answer. Sans-IO. Thread: signalling.
class Messaging {
 public:
  // All outlive it.
  Messaging(browser::BrowserEdge& browser_edge, trunk::TrunkEdge& trunk_edge, const Router& router);

  void OnBrowserMessage(const browser::BrowserRequest& message, TimePoint now);
  void OnTrunkMessage(const trunk::TrunkRequest& message, TimePoint now);
  void OnTrunkNotify(const trunk::TrunkRequest& notify, TimePoint now);
  // A MESSAGE in a call of `user`; `other` is the dialog with the other party.
  void OnMessageInCall(bool from_browser, const sip::IncomingRequest& message,
                       const std::string& user, sip::DialogId other, TimePoint now);
  // True: it was the answer to a request of ours.
  bool OnAnswered(bool by_browser, const sip::RequestAnswered& answered, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const { return deadlines_.next(); }

  static constexpr size_t kMaxUnanswered = 16;  // a user
  // A person who types makes one a second at most, notices of typing included.
  static constexpr int kBurst = 20;  // a user
  static constexpr Duration kInterval = 200ms;

 private:
  struct RelayTag;
  using RelayId = StrongId<RelayTag>;
  // A request that waits for the answers to ours.
  struct Relay {
    bool from_browser = false;
    bool to_browser = false;
    sip::ServerRequestId request;
    std::string user;      // who sent it; "": a trunk
    bool in_call = false;  // sent in a call's dialog
    std::vector<sip::ClientRequestId> open;
    std::optional<sip::RequestAnswered> best_failure;
  };
  struct Sender {
    Pace pace{kBurst, kInterval};
    size_t unanswered = 0;
  };
  using ByClientRequest = std::unordered_map<sip::ClientRequestId, RelayId>;

  std::string UserOf(const trunk::TrunkRequest& request) const;
  bool IsTooLarge(bool from_browser, const sip::IncomingRequest& message, TimePoint now);
  bool IsTooFast(const sip::IncomingRequest& message, const std::string& user, TimePoint now);
  void SendToUser(Relay relay, const browser::BrowserEdge::RequestToUser& request, TimePoint now);
  void Await(Relay relay, TimePoint now);
  void Answer(bool to_browser, sip::ServerRequestId request, int status, sip::Extras extras,
              TimePoint now);
  void Finish(RelayId id, int status, sip::Extras extras, TimePoint now);
  ByClientRequest& Open(bool to_browser) { return to_browser ? to_browsers_ : to_trunks_; }

  browser::BrowserEdge& browser_edge_;
  trunk::TrunkEdge& trunk_edge_;
  const Router& router_;
  IdSource<RelayId> ids_;
  std::unordered_map<RelayId, Relay> relays_;
  ByClientRequest to_browsers_;
  ByClientRequest to_trunks_;
  sip::TimerQueue<RelayId> deadlines_;
  std::unordered_map<std::string, Sender> senders_;  // by user
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_MESSAGING_H_
