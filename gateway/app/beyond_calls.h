#ifndef LASTMILE_GATEWAY_APP_BEYOND_CALLS_H_
#define LASTMILE_GATEWAY_APP_BEYOND_CALLS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "base/time.h"
#include "gateway/app/messaging.h"
#include "gateway/app/routing.h"
#include "gateway/app/subscriptions.h"
#include "gateway/browser/browser_edge.h"
#include "gateway/trunk/trunk_edge.h"

namespace lastmile::app {

// What the edges report that is no call: messages and subscriptions. Sans-IO. Thread: signalling.
class BeyondCalls {
 public:
  // All outlive it.
  BeyondCalls(browser::BrowserEdge& browser_edge, trunk::TrunkEdge& trunk_edge,
              const Router& router);

  // True: the event is dealt with. False: a call has to look at it.
  bool Take(const browser::BrowserEvent& event, TimePoint now);
  bool Take(const trunk::TrunkEvent& event, TimePoint now);

  struct InCall {
    bool from_browser = false;
    std::string user;     // of the call
    sip::DialogId other;  // with the other party
    bool is_up = false;   // both dialogs stand
  };
  // A request inside a call. False: it is the call's own business.
  bool TakeInCall(const sip::UserAgentEvent& event, const InCall& call, TimePoint now);

  void OnBrowserGone(sip::FlowId flow, TimePoint now) { subscriptions_.OnFlowClosed(flow, now); }
  void ShutDown(std::string_view reason, TimePoint now);  // ends everything, takes nothing new
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;
  size_t subscriptions() const { return subscriptions_.count(); }

 private:
  void OnBrowserRequest(const browser::BrowserRequest& request, TimePoint now);
  void OnTrunkRequest(const trunk::TrunkRequest& request, TimePoint now);

  browser::BrowserEdge& browser_edge_;
  trunk::TrunkEdge& trunk_edge_;
  Messaging messaging_;
  Subscriptions subscriptions_;
  std::string shut_down_reason_;  // not empty: new requests are refused
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_BEYOND_CALLS_H_
