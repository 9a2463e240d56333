#ifndef LASTMILE_GATEWAY_APP_SUBSCRIPTIONS_H_
#define LASTMILE_GATEWAY_APP_SUBSCRIPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/strong_id.h"
#include "base/time.h"
#include "gateway/app/relay.h"
#include "gateway/app/routing.h"
#include "gateway/browser/browser_edge.h"
#include "gateway/sip/events.h"
#include "gateway/sip/timer_queue.h"
#include "gateway/trunk/trunk_edge.h"

namespace lastmile::app {

// The event packages browsers may subscribe to at a PBX.
inline constexpr char kDialogEvent[] = "dialog";              // RFC 4235: who is in a call
inline constexpr char kMessageSummary[] = "message-summary";  // RFC 3842: what is in the mailbox
inline constexpr char kAllowEvents[] = "dialog, message-summary";

// Browsers' subscriptions at PBXs (RFC 6665). Each is two dialogs that share no header: the
// browser's, in which the gateway notifies, and one of the gateway's own at the trunk, in which it
// subscribes. The browser says when to refresh and when to end; what the PBX says is passed on as
// it is. A browser that is gone, or silent past the expiry, is unsubscribed at the PBX.
// Sans-IO. Thread: signalling.
class Subscriptions {
 public:
  // All outlive it.
  Subscriptions(browser::BrowserEdge& browser_edge, trunk::TrunkEdge& trunk_edge,
                const Router& router);

  void OnSubscribe(const browser::BrowserRequest& subscribe, TimePoint now);
  // A request inside a dialog. False: the dialog is none of a subscription.
  bool OnRequest(bool from_browser, const sip::IncomingRequest& request, TimePoint now);
  // True: it was the answer to a request of ours.
  bool OnAnswered(bool by_browser, const sip::RequestAnswered& answered, TimePoint now);
  void OnFlowClosed(sip::FlowId flow, TimePoint now);
  void ShutDown(TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const { return timers_.next(); }
  size_t count() const { return subscriptions_.size(); }

  static constexpr size_t kMaxPerUser = 50;
  static constexpr uint32_t kMaxExpires = 3600;  // seconds; also what is asked for without Expires
  // For the last NOTIFY after the end was asked for (timer N, RFC 6665 section 4.1.2).
  static constexpr Duration kLastNotify = 32s;

 private:
  struct SubscriptionTag;
  using SubscriptionId = StrongId<SubscriptionTag>;
  enum class State {
    kAsking,   // the browser's first SUBSCRIBE waits for the PBX
    kActive,   // both dialogs stand
    kEnding,   // the last NOTIFY is on its way to the browser
    kLeaving,  // the browser is gone: only the PBX still has to be told, or to answer
  };
  struct Subscription {
    SubscriptionId id;
    State state = State::kAsking;
    std::string user;
    sip::Event event;  // as the browser wrote it
    sip::FlowId flow;  // the browser's
    sip::DialogId browser_dialog;
    sip::DialogId trunk_dialog;
    sip::ServerRequestId first;  // while kAsking
    uint32_t asked = 0;          // seconds, by the first SUBSCRIBE
    TimePoint expires_at = kNever;
  };
  // A SUBSCRIBE of ours at the PBX that has no answer.
  struct Asked {
    SubscriptionId subscription;
    sip::ServerRequestId request;  // the browser's; 0: none, it is the gateway that leaves
    uint32_t expires = 0;
  };
  // A NOTIFY of ours at the browser that has no answer.
  struct Notified {
    SubscriptionId subscription;
    sip::ServerRequestId request;  // the PBX's; 0: it is the gateway's own
  };

  const Subscription* Open(const browser::BrowserRequest& subscribe, const sip::Event& event,
                           TimePoint now);
  void SendSubscribe(const Subscription& subscription, sip::ServerRequestId request,
                     uint32_t expires, TimePoint now);
  void OnResubscribe(Subscription& subscription, const sip::IncomingRequest& request,
                     TimePoint now);
  void OnNotify(Subscription& subscription, const sip::IncomingRequest& notify, TimePoint now);
  void PassOn(Subscription& subscription, const sip::IncomingRequest& notify,
              sip::SubscriptionState state, TimePoint now);
  void OnSubscribeAnswered(const Asked& asked, const sip::RequestAnswered& answered, TimePoint now);
  void OnRefused(Subscription& subscription, const Asked& asked,
                 const sip::RequestAnswered& answered, TimePoint now);
  void OnNotifyAnswered(const Notified& notified, const sip::RequestAnswered& answered,
                        TimePoint now);
  // The 200 to the browser's first SUBSCRIBE.
  void Accept(Subscription& subscription, uint32_t expires, TimePoint now);
  void Expect(Subscription& subscription, uint32_t expires, TimePoint now);
  // The last NOTIFY, of the gateway's own accord.
  void Terminate(Subscription& subscription, std::string_view reason, TimePoint now);
  std::vector<SubscriptionId> Present() const;  // those whose browser is there
  // Without the browser from now on: unsubscribes at the PBX. `subscription` may end in it.
  void Leave(Subscription& subscription, TimePoint now);
  void Close(SubscriptionId id, std::string_view why, TimePoint now);
  Subscription* Find(SubscriptionId id);
  void Refuse(sip::ServerRequestId request, int status, sip::Extras extras, TimePoint now);

  browser::BrowserEdge& browser_edge_;
  trunk::TrunkEdge& trunk_edge_;
  const Router& router_;
  IdSource<SubscriptionId> ids_;
  std::unordered_map<SubscriptionId, Subscription> subscriptions_;
  std::unordered_map<sip::DialogId, SubscriptionId> by_browser_dialog_;
  std::unordered_map<sip::DialogId, SubscriptionId> by_trunk_dialog_;
  std::unordered_map<sip::ClientRequestId, Asked> asked_;
  std::unordered_map<sip::ClientRequestId, Notified> notified_;
  std::unordered_map<std::string, size_t> per_user_;
  sip::TimerQueue<SubscriptionId> timers_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_SUBSCRIPTIONS_H_
