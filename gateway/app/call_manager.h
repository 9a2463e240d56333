#ifndef LASTMILE_GATEWAY_APP_CALL_MANAGER_H_
#define LASTMILE_GATEWAY_APP_CALL_MANAGER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "gateway/app/beyond_calls.h"
#include "gateway/app/call_record.h"
#include "gateway/app/call_snapshot.h"
#include "gateway/app/redirects.h"
#include "gateway/app/routing.h"
#include "gateway/browser/browser_edge.h"
#include "gateway/browser/waiting_list.h"
#include "gateway/call/bridge.h"
#include "gateway/call/call.h"
#include "gateway/call/media_health.h"
#include "gateway/sip/refer.h"
#include "gateway/trunk/trunk_edge.h"
#include "media_anchor/core/leg_plan.h"
#include "ws/server.h"

namespace lastmile::app {

struct CallManagerOptions {
  browser::BrowserOptions browser;
  trunk::TrunkOptions trunk;
  std::unordered_map<std::string, call::TrunkPolicy> policies;  // by trunk; none: the default
  route::Rules routing;
};

// What the shells have to carry out, in order within each list.
struct CallManagerOutputs {
  std::vector<ws::Command> ws;
  std::vector<trunk::TrunkOutput> trunk;
  std::vector<media::MediaCommand> media;
  std::vector<CallRecord> records;   // of calls that are over
  std::vector<std::string> lookups;  // names that the source of users is asked for
};

struct CallManagerGauges {
  size_t calls = 0;
  size_t dialogs = 0;
  size_t transactions = 0;
  size_t registrations = 0;
  size_t trunk_streams = 0;
  size_t subscriptions = 0;
  size_t pbx_registrations = 0;  // of users, at their PBXs
  size_t pbx_registers = 0;  // REGISTERs that are unanswered, or unregister and are not sent yet
  browser::AuthFailures auth_failures;
  std::vector<trunk::TrunkStatus> trunks;
  route::Limiter::Refusals limit_refusals = {};
  std::array<uint64_t, media::kSilenceCauses> media_faults = {};  // told so far, by cause
};

// All of signalling without a socket: the two edges, the calls between them and the routes. Events
// and `now` go in, commands for the WebSocket, stream and media shells come out. Thread:
// signalling.
class CallManager {
 public:
  CallManager(CallManagerOptions options, RandomSource& random);

  void OnWs(const ws::Event& event, TimePoint now);
  void OnMedia(const media::MediaEvent& event, TimePoint now);
  // The media engine did not take an OpenSession.
  void OnMediaRefused(media::SessionId session, TimePoint now);
  void OnUserAnswer(const browser::UserAnswer& answer, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;
  // For the next call; what there is goes on. The old routes are in `routes` afterwards.
  void ExchangeRoutes(route::Router& routes) { router_.Exchange(routes); }
  // Ends every call, takes no new one, and unregisters its users at their PBXs.
  void ShutDown(std::string_view reason, TimePoint now);

  // Carries events from edges to calls and back until nothing is left, then hands out the commands.
  CallManagerOutputs TakeOutputs(TimePoint now);

  // Calls of carriers to users who are being looked up.
  static constexpr size_t kMaxUnknownCallees = 500;

  trunk::TrunkEdge& trunk_edge() { return trunk_edge_; }  // for stream events
  CallManagerGauges gauges() const;
  std::vector<CallSnapshot> Snapshots(TimePoint now) const;  // of every connected call

 private:
  struct Entry {
    Entry(call::CallId id, media::SessionId session, call::CallSettings settings)
        : call(id, session, std::move(settings)), health(id, false) {}
    call::Call call;
    call::MediaHealth health;
    media::MediaWatch watched = media::MediaWatch::kNothing;
    sip::DialogId browser_dialog;
    sip::DialogId trunk_dialog;
    sip::DialogId target_dialog;           // of a transfer by the trunk; a second trunk dialog
    sip::Refer refer;                      // the trunk's last one
    trunk::TrunkEdge::CallRequest target;  // who is called for it
    std::optional<uint32_t> subscribed;    // CSeq of the REFER whose sender is to be notified
    std::string instance;                  // the one browser that is called; "" = all of the user's
    Parties parties;
    std::vector<sip::Header> headers;  // of the caller's INVITE, that the callee is told
    TimePoint started;
    // Of a call to a trunk whose redirects are followed: the offer, and where it was sent on.
    std::string offer;
    std::optional<Redirects> redirects;
    call::CallId bridge;  // its browser transfers it by this one; 0: it does not
    // Of the trunk's INVITE; that of a transfer has one less.
    uint32_t max_forwards = sip::kMaxForwards;
    // What its legs to trunks count for, and what is tried if the trunk rejects it.
    route::Limiter::Slot slot;
    route::Limiter::Slot target_slot;
    std::deque<route::TrunkTry> other_trunks;
    std::vector<sip::Header> passed_headers;  // of the browser's INVITE, for those trunks
    std::vector<int> failover;
    bool priority = false;
    Duration ring{};  // of its route
  };
  // What is left of calls that their browser has transferred, or is about to.
  struct BridgeEntry {
    BridgeEntry(call::CallId id, media::SessionId session, call::BridgeSettings settings)
        : bridge(id, session, std::move(settings)), health(id, true) {}
    call::Bridge bridge;
    call::MediaHealth health;
    media::MediaWatch watched = media::MediaWatch::kNothing;
    sip::DialogId first;   // 0: its call has it still
    sip::DialogId second;  // as first, or not called yet
    call::CallId first_call;
    call::CallId second_call;              // 0: the second party is called
    std::optional<uint32_t> subscribed;    // CSeq of the REFER whose sender is to be notified
    trunk::TrunkEdge::CallRequest target;  // who is called
    Parties parties;
    TimePoint started;
    std::vector<route::Limiter::Slot> slots;  // of its legs
  };

  // `with_keys`: of SRTP towards the trunk, if that is its policy.
  Entry& NewCall(call::CallDirection direction, Parties parties, std::vector<sip::Header> headers,
                 TimePoint now, bool with_keys = true);
  void OnBrowserInvite(browser::BrowserInvite invite, TimePoint now);
  void OnTrunkInvite(trunk::TrunkInvite invite, TimePoint now);
  void OnAbsentCallee(trunk::TrunkInvite invite, const std::string& user, TimePoint now);
  void ForgetUnknownCallee(bool from_browser, const sip::UserAgentEvent& event);
  void TakeTrunkEvents(bool& quiet, TimePoint now);
  void OnBrowserRebound(const browser::BrowserRebound& back, TimePoint now);
  call::Signalling SignallingOf(const Entry& entry) const;
  void OnRingAnswered(const browser::RingAnswered& answered);
  void OnAgentEvent(bool from_browser, const sip::UserAgentEvent& event, TimePoint now);
  bool OnInfoAnswered(bool from_browser, const sip::UserAgentEvent& event);
  void SendInfo(Entry& entry, const call::SendInfo& info, TimePoint now);
  void SendTrunkInfo(sip::DialogId dialog, const call::SendInfo& info, TimePoint now);
  void Feed(Entry& entry, const call::CallInput& input, TimePoint now);
  void CarryAll(Entry& entry, const std::vector<call::CallOutput>& outputs, TimePoint now);
  void Carry(Entry& entry, const call::CallOutput& output, TimePoint now);
  void PlaceCallee(Entry& entry, const std::string& offer, TimePoint now);
  void PlaceTrunkCall(Entry& entry, const std::string& number, const std::string& offer,
                      TimePoint now);
  // True: another number is called instead, or the caller is told why not.
  bool OnTrunkRejected(Entry& entry, const sip::InviteRejected& rejected, TimePoint now);
  void Refuse(bool browser, sip::DialogId dialog, int status, std::string reason, TimePoint now);
  // --- call_routes.cc: limits, and the next trunk of a route ---
  void Refuse(bool browser, sip::DialogId dialog, const route::LimitRefusal& refusal,
              TimePoint now);
  // The first of the trunks that shows this caller and takes one more call: it goes off the list,
  // and is the one of `parties`.
  Result<route::Limiter::Slot, route::LimitRefusal> TakeTrunk(std::deque<route::TrunkTry>& trunks,
                                                              Parties& parties,
                                                              route::Limiter::Leg leg,
                                                              TimePoint now);
  // Who calls in a call's name. Who was called is looked up, if anybody still knows.
  route::Caller CallerOf(const Parties& parties, TimePoint now);
  // What that trunk is told of the headers of a browser's INVITE.
  std::vector<sip::Header> HeadersTo(const std::string& trunk,
                                     const std::vector<sip::Header>& passed) const;
  // Whether another trunk is called after that final answer.
  bool GoesOnAfter(const Entry& entry, int status) const;
  // True: another trunk is called instead.
  bool FailOver(Entry& entry, const sip::InviteRejected& rejected, TimePoint now);
  Entry* FindByDialog(bool browser, sip::DialogId dialog);
  // --- call_media.cc: where media comes from, what is silent ---
  // `command` with the addresses that the SDP of trunks behind a NAT came from: by `first`'s and
  // `second`'s connection; a call has no second one.
  media::MediaCommand WithSources(media::MediaCommand command, sip::DialogId first,
                                  sip::DialogId second) const;
  void TellWatch(media::SessionId session, std::optional<media::MediaWatch> wanted,
                 media::MediaWatch& told);
  call::MediaHealth* FindHealth(media::SessionId session);
  bool OnMediaHealth(const media::MediaEvent& event, TimePoint now);  // true: it was such
  // --- call_transfers.cc: the trunk transfers a call ---
  bool OnTransferEvent(const sip::UserAgentEvent& event, TimePoint now);
  void OnTargetEvent(Entry& entry, const sip::UserAgentEvent& event, TimePoint now);
  void OnRefer(Entry& entry, const sip::IncomingRequest& request, TimePoint now);
  call::TransferAsked Resolve(Entry& entry, TimePoint now);
  void OnReplacingInvite(const trunk::TrunkInvite& invite, TimePoint now);
  void CarryTransfer(Entry& entry, const call::CallOutput& output, TimePoint now);
  void NotifyTransferor(Entry& entry, int status, TimePoint now);
  void Reap(TimePoint now);
  call::TrunkPolicy PolicyOf(const std::string& trunk) const;
  // The call to the trunk that those parties want, without its offer.
  static trunk::TrunkEdge::CallRequest RequestOf(const Parties& parties,
                                                 std::vector<sip::Header> headers);

  // --- bridges.cc: a browser transfers a call ---
  // These give true if the event was theirs.
  bool OnBrowserRefer(const sip::UserAgentEvent& event, TimePoint now);
  bool OnBridgeEvent(const sip::UserAgentEvent& event, TimePoint now);
  bool OnBridgeMedia(const media::MediaEvent& event, TimePoint now);
  std::optional<sip::ReferError> WhyNotTransferred(const Entry& entry) const;
  void TransferToNumber(Entry& entry, const sip::Refer& refer, TimePoint now);
  void TransferToCall(Entry& entry, const sip::Refer& refer, TimePoint now);
  void FailTransfer(const Entry& entry, const sip::Refer& refer, sip::ReferError why,
                    TimePoint now);
  BridgeEntry& NewBridge(Entry& entry, const sip::Refer& refer, call::BridgeSettings settings,
                         TimePoint now);
  void StartBridge(BridgeEntry& bridge, TimePoint now);
  void GiveTrunkToBridge(Entry& entry, TimePoint now);
  void LeaveBridge(Entry& entry, TimePoint now);
  void ReleaseCalls(BridgeEntry& bridge);
  void FeedBridge(BridgeEntry& bridge, const call::CallInput& input, TimePoint now);
  void CarryAll(BridgeEntry& bridge, const call::Bridge::Outputs& outputs, TimePoint now);
  void Carry(BridgeEntry& bridge, const call::BridgeOutput& output, TimePoint now);
  void TellTransferor(BridgeEntry& bridge, int status, TimePoint now);
  void RefreshBridge(sip::DialogId dialog, TimePoint now);
  void RunBridgeTimers(TimePoint now);
  void ReapBridges(TimePoint now);
  BridgeEntry* FindBridge(media::SessionId session);
  BridgeEntry* FindBridge(sip::DialogId trunk_dialog);
  Entry* FindCall(call::CallId id);

  Router router_;  // calls count in it as long as they are there
  browser::BrowserEdge browser_edge_;
  trunk::TrunkEdge trunk_edge_;
  BeyondCalls beyond_calls_;
  const std::unordered_map<std::string, call::TrunkPolicy> policies_;
  RandomSource& random_;
  IdSource<call::CallId> call_ids_;
  IdSource<media::SessionId> session_ids_;
  std::unordered_map<call::CallId, std::unique_ptr<Entry>> calls_;
  std::unordered_map<sip::DialogId, call::CallId> by_browser_dialog_;
  std::unordered_map<sip::DialogId, call::CallId> by_trunk_dialog_;
  std::unordered_map<media::SessionId, call::CallId> by_session_;
  std::unordered_set<sip::ClientRequestId> trunk_infos_;     // unanswered
  std::unordered_set<sip::ClientRequestId> trunk_notifies_;  // unanswered
  browser::WaitingList<trunk::TrunkInvite> unknown_callees_{kMaxUnknownCallees};
  std::vector<std::string> settled_users_;
  std::unordered_map<call::CallId, std::unique_ptr<BridgeEntry>> bridges_;
  std::unordered_map<sip::DialogId, call::CallId> bridge_by_dialog_;
  std::unordered_map<media::SessionId, call::CallId> bridge_by_session_;
  std::vector<call::CallId> ended_;
  std::vector<call::CallId> ended_bridges_;
  std::vector<CallRecord> records_;
  std::vector<media::MediaCommand> media_commands_;
  std::array<uint64_t, media::kSilenceCauses> media_faults_ = {};
  TimePoint next_call_timeout_ = kNever;  // never later than the first of the calls
  std::string shut_down_reason_;          // not empty: new calls are refused
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CALL_MANAGER_H_
