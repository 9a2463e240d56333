#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_WORLD_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_WORLD_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/call_manager.h"
#include "tests/unit/gateway/simulation/dice.h"

namespace lastmile::simulation {

class Browser;
class Carrier;
class Media;
class Peer;

// One connection. It keeps the order of what it carries; when it dies, what is on its way is lost,
// and the gateway may take its time to learn of it.
struct Link {
  uint64_t id = 0;  // the gateway's: ConnId or FlowId
  bool browser = false;
  Peer* peer = nullptr;
  bool up = true;
  bool told_dead = false;  // the gateway knows that it is closed
  TimePoint to_gateway{};  // nothing arrives earlier than what was sent before
  TimePoint to_peer{};
};

// Who ends a call that was answered; the others wait for it.
enum class HangsUp { kCaller, kCallee, kLast };

// A call as its two parties mean it: what ties their legs and the gateway's record together.
struct PlannedCall {
  int number = 0;
  bool from_browser = true;
  HangsUp hangs_up = HangsUp::kLast;
  int records = 0;
  bool local = false;     // from one browser to another: two calls
  bool referred = false;  // its browser transferred it, or wanted to

  int records_due() const { return local ? 2 : 1; }
};

struct Counts {
  size_t calls = 0;      // records written
  size_t answered = 0;   // of them
  size_t moved = 0;      // of them, to another party of the carrier
  size_t bridges = 0;    // records of what browsers' transfers left
  size_t cancelled = 0;  // legs of callees that saw a CANCEL
  size_t rebound = 0;    // browsers back over another connection
  size_t reoffers = 0;   // re-INVITEs the gateway made
  size_t excused = 0;    // legs that nobody could tell of the end
  size_t legs = 0;
  size_t messages = 0;
  size_t snapshots = 0;  // of connected calls
  size_t local = 0;      // answered calls over the local trunk
};

// One run: the real CallManager under a virtual clock, between peers and a media engine that do
// what the dice say. Whatever happens, at the end every call is over, every leg was told so, every
// call has one record, every media session is closed.
class World {
 public:
  World(uint64_t seed, bool trace);
  ~World();

  void Run();
  // What was broken first; empty: nothing.
  const std::string& failure() const { return failure_; }
  // The last messages and events; only if asked for.
  const std::deque<std::string>& trace() const { return trace_; }

  // --- for peers ---
  void In(Duration delay, std::function<void()> action);
  void Fail(std::string what);
  bool tracing() const { return tracing_; }
  void Note(std::string line);
  PlannedCall& Plan(bool from_browser);
  PlannedCall* FindPlan(int number);  // 0: the local one, whose parties know names alone

  Link& Connect(Peer& peer, bool browser);
  void Send(Link& link, std::string bytes);
  void Break(Link& link);
  size_t shut_down() const { return shut_down_; }

  TimePoint now{};
  Dice dice;
  Counts counts;
  app::CallManager manager;

 private:
  struct Event {
    TimePoint at;
    uint64_t order = 0;
    std::function<void()> action;
    bool operator<(const Event& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  Duration Latency();
  void Start();
  void Step();
  void Pump();
  void Deliver(const app::CallManagerOutputs& outputs);
  void ToPeer(Link& link, std::string bytes);
  void TakeTrunkOutput(const trunk::TrunkOutput& output);
  void OpenStream(sip::FlowId flow);
  void PlanLocalCall();
  void TakeRecord(const app::CallRecord& record);
  void TellClosed(Link& link);
  void Close();
  void TakeSnapshots();
  bool IsQuiet();
  void CheckEnd();

  const bool tracing_;
  std::string failure_;
  std::deque<std::string> trace_;
  std::priority_queue<Event> events_;
  uint64_t order_ = 0;
  size_t steps_ = 0;
  size_t turns_at_once_ = 0;
  bool pumping_ = false;
  bool done_ = false;
  size_t shut_down_ = 0;
  Dice snapshot_dice_;  // apart, so that a run is the same with and without them
  Dice local_dice_;     // likewise
  uint64_t last_conn_ = 0;
  std::deque<Link> links_;
  std::map<uint64_t, Link*> ws_;
  std::map<uint64_t, Link*> streams_;
  std::deque<PlannedCall> plans_;
  PlannedCall* local_plan_ = nullptr;
  std::vector<uint64_t> record_ids_;
  std::vector<std::unique_ptr<Browser>> browsers_;
  std::unique_ptr<Carrier> carrier_;
  std::unique_ptr<Media> media_;
};

}  // namespace lastmile::simulation

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIMULATION_WORLD_H_
