#include "tests/unit/gateway/simulation/world.h"

#include <algorithm>
#include <utility>

#include "gateway/app/local_calls.h"
#include "tests/unit/gateway/simulation/browser.h"
#include "tests/unit/gateway/simulation/carrier.h"
#include "tests/unit/gateway/simulation/media.h"

namespace lastmile::simulation {
namespace {

constexpr Duration kCallsStart = 5s;     // all calls are placed by then
constexpr Duration kCloseAt = 90s;       // whoever still talks hangs up
constexpr Duration kInspectEvery = 50s;  // afterwards
constexpr Duration kEnd = 15min;         // longer than any of the gateway's timers in a row
constexpr size_t kMaxSteps = 5000;
constexpr size_t kMaxOutputs = 60;  // of one event
constexpr size_t kTraceLines = 400;

app::CallManagerOptions Options() {
  app::CallManagerOptions options;
  options.browser.domain = Browser::kDomain;
  static const std::string kHa1[] = {sip::Ha1("alice", Browser::kDomain, Browser::kPassword),
                                     sip::Ha1("bob", Browser::kDomain, Browser::kPassword)};
  options.browser.users = {{.name = "alice", .ha1 = kHa1[0], .caller_id = "+15550001001"},
                           {.name = "bob", .ha1 = kHa1[1], .caller_id = ""}};
  options.trunk.local_host = "198.51.100.1";
  options.trunk.trunks.push_back({.name = Carrier::kTrunk, .host = Carrier::kHost, .port = 5070});
  options.routing.routes = {{.name = "all", .to = "^6", .trunks = {{Carrier::kTrunk}}},
                            {.name = "bob", .to = "^8", .user = "bob"}};
  app::AddLocalTrunk(options, {});
  return options;
}

}  // namespace

World::World(uint64_t seed, bool trace)
    : dice(seed),
      manager(Options(), dice),
      tracing_(trace),
      snapshot_dice_(~seed),
      local_dice_(~(seed << 1)) {
  carrier_ = std::make_unique<Carrier>(*this);
  media_ = std::make_unique<Media>(*this);
  browsers_.push_back(std::make_unique<Browser>(*this, "alice"));
  if (dice.Chance(40)) browsers_.push_back(std::make_unique<Browser>(*this, "bob"));
}

World::~World() = default;

// --- what happens ---

void World::Run() {
  Start();
  In(kCloseAt, [this] { Close(); });
  while (failure_.empty() && !done_ && now < TimePoint(kEnd)) Step();
  if (failure_.empty()) CheckEnd();
}

void World::Start() {
  for (const auto& browser : browsers_) browser->Start();
  const size_t calls = 1 + dice.Below(3);
  for (size_t i = 0; i < calls; ++i) {
    const bool from_browser = dice.Chance(55);
    Browser& browser = *browsers_[dice.Below(browsers_.size())];
    PlannedCall& plan = Plan(from_browser);
    In(dice.Between(1s, kCallsStart), [this, from_browser, &browser, &plan] {
      if (from_browser) {
        browser.Call(plan);
      } else {
        carrier_->Call(plan, browser.user());
      }
    });
  }
  if (browsers_.size() > 1 && local_dice_.Chance(50)) PlanLocalCall();
  if (!dice.Chance(3)) return;
  In(dice.Between(2s, 60s), [this] {
    Note("the gateway is shut down");
    ++shut_down_;
    manager.ShutDown("the gateway is shutting down", now);
  });
}

void World::PlanLocalCall() {
  plans_.push_back({.number = static_cast<int>(plans_.size()) + 1,
                    .hangs_up = local_dice_.Chance(50) ? HangsUp::kCaller : HangsUp::kCallee,
                    .local = true});
  local_plan_ = &plans_.back();
  In(local_dice_.Between(1s, kCallsStart), [this] { browsers_.front()->Call(*local_plan_); });
}

void World::Step() {
  if (++steps_ > kMaxSteps) return Fail("it goes on and on");
  const TimePoint timer = manager.next_timeout();
  const TimePoint event = events_.empty() ? kNever : events_.top().at;
  if (timer == kNever && event == kNever) {
    now = TimePoint(kEnd);
    return;
  }
  if (timer <= event) {
    turns_at_once_ = timer <= now ? turns_at_once_ + 1 : 0;
    if (turns_at_once_ > 10) return Fail("its next timeout stays in the past");
    now = std::max(now, timer);
    manager.OnTimer(now);
  } else {
    now = event;
    const auto action = std::move(const_cast<Event&>(events_.top()).action);
    events_.pop();
    action();
  }
  Pump();
  if (snapshot_dice_.Chance(2)) TakeSnapshots();
}

// Whatever a call has been through, another process would read it as it is and go on with it.
void World::TakeSnapshots() {
  for (const app::CallSnapshot& snapshot : manager.Snapshots(now)) {
    ++counts.snapshots;
    const auto read = app::ParseCallSnapshot(app::ToJson(snapshot));
    if (!read) return Fail("a snapshot cannot be read: " + read.error().message);
    if (*read != snapshot) return Fail("a snapshot is read as another one");
    const call::Call again({1}, {1}, {}, read->call, now);
    if (again.Snapshot(now) != read->call) return Fail("a call is restored as another one");
  }
}

void World::In(Duration delay, std::function<void()> action) {
  events_.push({now + delay, ++order_, std::move(action)});
}

void World::Fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
  if (tracing_) Note("*** " + failure_);
}

void World::Note(std::string line) {
  if (!tracing_) return;
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  trace_.push_back(fmt::format("{:9.3f}  {}", seconds, line));
  if (trace_.size() > kTraceLines) trace_.pop_front();
}

// --- calls ---

PlannedCall& World::Plan(bool from_browser) {
  static constexpr HangsUp kWho[] = {HangsUp::kCaller, HangsUp::kCallee, HangsUp::kLast};
  plans_.push_back({.number = static_cast<int>(plans_.size()) + 1,
                    .from_browser = from_browser,
                    .hangs_up = dice.Of(kWho)});
  return plans_.back();
}

PlannedCall* World::FindPlan(int number) {
  if (number == 0) return local_plan_;
  const auto at = static_cast<size_t>(number - 1);
  return at < plans_.size() ? &plans_[at] : nullptr;
}

void World::TakeRecord(const app::CallRecord& record) {
  const bool from_browser = record.direction == call::CallDirection::kFromBrowser;
  const std::string& number = from_browser ? record.parties.number : record.parties.caller;
  if (tracing_) Note("record of " + number + ": " + record.summary.reason);
  PlannedCall* plan = FindPlan(Peer::NumberIn(number));
  if (!plan) return Fail("a record of no call");
  record_ids_.push_back(record.id.value);
  if (record.direction == call::CallDirection::kBetweenTrunks) {
    ++counts.bridges;
    return;
  }
  if (++plan->records > plan->records_due()) Fail("a call has a record too many");
  ++counts.calls;
  if (record.summary.answered) ++counts.answered;
  if (record.summary.answered && record.parties.trunk == trunk::kLocalTrunk) ++counts.local;
  if (record.summary.transferred) ++counts.moved;
}

// --- the gateway ---

void World::Pump() {
  if (pumping_) return;
  pumping_ = true;
  for (int round = 0; failure_.empty(); ++round) {
    if (round > 20) Fail("the gateway never comes to rest");
    const app::CallManagerOutputs outputs = manager.TakeOutputs(now);
    const size_t count = outputs.ws.size() + outputs.trunk.size() + outputs.media.size();
    if (count > kMaxOutputs) Fail("one event makes " + std::to_string(count) + " outputs");
    Deliver(outputs);
    if (count == 0) break;
  }
  pumping_ = false;
}

void World::Deliver(const app::CallManagerOutputs& outputs) {
  for (const auto& record : outputs.records) TakeRecord(record);
  for (const ws::Command& command : outputs.ws) {
    if (const auto* send = std::get_if<ws::Send>(&command)) {
      ToPeer(*ws_.at(send->conn.value), send->text);
    }
  }
  for (const trunk::TrunkOutput& output : outputs.trunk) TakeTrunkOutput(output);
  for (const media::MediaCommand& command : outputs.media) {
    if (media_->Execute(command)) continue;
    manager.OnMediaRefused(std::visit([](const auto& c) { return c.session; }, command), now);
  }
}

void World::TakeTrunkOutput(const trunk::TrunkOutput& output) {
  if (const auto* open = std::get_if<trunk::OpenStream>(&output)) {
    OpenStream(open->flow);
  } else if (const auto* send = std::get_if<trunk::SendBytes>(&output)) {
    ToPeer(*streams_.at(send->flow.value), send->bytes);
  } else if (const auto* close = std::get_if<trunk::CloseStream>(&output)) {
    Link& link = *streams_.at(close->flow.value);
    if (link.told_dead) return Fail("a dead stream is closed");
    link.told_dead = true;
    const bool was_up = std::exchange(link.up, false);
    Note("gateway closes stream " + std::to_string(link.id) + ": " + close->reason);
    if (was_up) link.peer->OnLinkLost(link);
  }
}

void World::OpenStream(sip::FlowId flow) {
  links_.push_back({.id = flow.value, .peer = carrier_.get()});
  Link& link = links_.back();
  streams_[flow.value] = &link;
  const bool taken = !carrier_->unreachable();
  link.up = taken;
  Note("gateway opens stream " + std::to_string(link.id) + (taken ? "" : ", in vain"));
  link.to_peer = link.to_gateway = now + Latency();
  In(link.to_peer - now, [this, &link, taken] {
    if (link.told_dead) return;
    static const auto kPeer = *Endpoint::Parse("198.51.100.9:5070");
    if (!taken) return TellClosed(link);
    manager.trunk_edge().OnStreamOpen({link.id}, kPeer, now);
    if (link.up) carrier_->OnLinkUp(link);
  });
}

// --- the network ---

Duration World::Latency() {
  return dice.Chance(96) ? dice.Between(0s, 30ms) : dice.Between(0s, 2s);
}

Link& World::Connect(Peer& peer, bool browser) {
  links_.push_back({.browser = browser, .peer = &peer, .to_gateway = now, .to_peer = now});
  Link& link = links_.back();
  if (browser) {
    link.id = ++last_conn_;
    ws_[link.id] = &link;
    manager.OnWs(ws::Opened{.conn = {link.id}, .peer = {}, .tls = true}, now);
  } else {
    static const auto kPeer = *Endpoint::Parse("198.51.100.9:33333");
    link.id = manager.trunk_edge().OnInboundStream(kPeer, false).value;
    streams_[link.id] = &link;
  }
  return link;
}

void World::Send(Link& link, std::string bytes) {
  if (!link.up) return;
  ++counts.messages;
  link.to_gateway = std::max(link.to_gateway, now + Latency());
  In(link.to_gateway - now, [this, &link, bytes = std::move(bytes)] {
    if (!link.up) return;
    if (tracing_) Note(link.peer->name() + " -> gateway  " + Peer::Describe(bytes));
    if (link.browser) {
      manager.OnWs(ws::Message{{link.id}, bytes}, now);
    } else {
      manager.trunk_edge().OnStreamBytes({link.id}, AsBytes(bytes), now);
    }
  });
}

void World::ToPeer(Link& link, std::string bytes) {
  if (tracing_ && bytes != "\r\n\r\n") {
    Note("gateway -> " + link.peer->name() + (link.up ? "  " : " (lost)  ") +
         Peer::Describe(bytes));
  }
  if (link.told_dead) return Fail("the gateway sends on a connection it knows to be closed");
  ++counts.messages;
  if (!link.up) return link.peer->OnLost(bytes);
  link.to_peer = std::max(link.to_peer, now + Latency());
  In(link.to_peer - now, [&link, bytes = std::move(bytes)] {
    if (link.up) {
      link.peer->OnBytes(link, bytes);
    } else {
      link.peer->OnLost(bytes);
    }
  });
}

void World::Break(Link& link) {
  if (!std::exchange(link.up, false)) return;
  Note(link.peer->name() + " loses connection " + std::to_string(link.id));
  link.peer->OnLinkLost(link);
  // At once, or when a probe fails.
  const Duration noticed = dice.Chance(60) ? dice.Between(0s, 200ms) : dice.Between(0s, 40s);
  In(noticed, [this, &link] { TellClosed(link); });
}

void World::TellClosed(Link& link) {
  if (std::exchange(link.told_dead, true)) return;
  Note("gateway learns that connection " + std::to_string(link.id) + " is closed");
  if (link.browser) {
    manager.OnWs(ws::Closed{.conn = {link.id}}, now);
  } else {
    manager.trunk_edge().OnStreamClosed({link.id}, now);
  }
}

// --- the end ---

// One leg of every call that the gateway still has hangs up. Legs it has no call for get no help.
void World::Close() {
  for (PlannedCall& plan : plans_) {
    if (plan.records >= plan.records_due() && !plan.referred) continue;
    bool done = false;
    const auto end = [&](Peer& peer) {
      if (!done) done = peer.HangUp(plan.number);
    };
    if (dice.Chance(50)) end(*carrier_);
    for (const auto& browser : browsers_) end(*browser);
    end(*carrier_);
    if (done) continue;
    // Nobody is left who could: the browser's media stops.
    bool disturbed = carrier_->Disturbed(plan.number);
    for (const auto& browser : browsers_) disturbed |= browser->Disturbed(plan.number);
    if (disturbed) media_->FailAll();
  }
  In(kInspectEvery, [this] {
    done_ = IsQuiet();
    if (!done_) Close();
  });
}

bool World::IsQuiet() {
  const auto gauges = manager.gauges();
  bool quiet = gauges.calls == 0 && gauges.dialogs == 0 && gauges.transactions == 0 &&
               media_->AllClosed() && carrier_->LiveLegs().empty();
  for (const auto& browser : browsers_) quiet = quiet && browser->LiveLegs().empty();
  return quiet;
}

void World::CheckEnd() {
  const auto gauges = manager.gauges();
  if (gauges.calls != 0) return Fail("a call is stuck");
  if (gauges.dialogs != 0) return Fail("a dialog is left");
  if (gauges.transactions != 0) return Fail("a transaction is left");
  if (!media_->AllClosed()) return Fail("a media session is not closed");
  for (size_t i = 0; i < record_ids_.size(); ++i) {
    if (std::ranges::count(record_ids_, i + 1) != 1) return Fail("a call has no record");
  }
  carrier_->CheckEnd();
  for (const auto& browser : browsers_) browser->CheckEnd();
}

}  // namespace lastmile::simulation
