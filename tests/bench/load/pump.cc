#include "tests/bench/load/pump.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

namespace lastmile::bench {
namespace {

constexpr Duration kPacketTime = 20ms;
constexpr Duration kUpkeep = 5ms;
constexpr Duration kDrain = 500ms;  // what is not here by then is lost
// Bounds how long what arrives waits while the load catches up.
constexpr int kMostSendsPerTurn = 16;

double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

Duration OwnCpu() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + Duration(used.tv_nsec);
}

double MsAt(std::vector<uint32_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(static_cast<double>(sorted.size() - 1) * share);
  return sorted[at] / 1e6;
}

// Whose turn it is to send, and when.
class Pacer {
 public:
  explicit Pacer(const std::vector<MediaLeg*>& legs) : legs_(legs), start_(MonotonicNow()) {}

  void SendDue(TimePoint now) {
    for (int i = 0; i < kMostSendsPerTurn && due() <= now; ++i, ++next_) {
      legs_[static_cast<size_t>(next_) % legs_.size()]->Send();
    }
  }

 private:
  TimePoint due() const {
    const auto count = static_cast<int64_t>(legs_.size());
    return start_ + kPacketTime * (next_ / count) + kPacketTime * (next_ % count) / count;
  }

  const std::vector<MediaLeg*>& legs_;
  const TimePoint start_;
  int64_t next_ = 0;
};

}  // namespace

nlohmann::json PumpMedia(LoadLoop& loop, const std::vector<MediaLeg*>& legs, Tally& tally,
                         const ProcessMeter& meter, const PumpOptions& options,
                         const std::function<void(TimePoint)>& upkeep) {
  tally = {};
  tally.delays_ns.reserve(
      static_cast<size_t>(static_cast<double>(legs.size()) * (options.measured / kPacketTime)));
  Pacer pacer(legs);
  TimePoint next_upkeep = MonotonicNow();
  const auto run_until = [&](TimePoint end, bool sending) {
    for (TimePoint now = MonotonicNow(); now < end; now = MonotonicNow()) {
      if (sending) pacer.SendDue(now);
      // Never asleep: else who sends to the load would pay for waking it, which no network asks
      // for.
      loop.Turn(now);
      if (MonotonicNow() < next_upkeep) continue;
      upkeep(MonotonicNow());
      next_upkeep = MonotonicNow() + kUpkeep;
    }
  };
  run_until(MonotonicNow() + options.warm_up, true);
  tally.refused = 0;  // what came before both sides had learned where to send
  tally.from_ns = WallNs();
  const TimePoint from = MonotonicNow();
  const Duration cpu_from = meter.Cpu();
  const Duration own_from = OwnCpu();
  run_until(from + options.measured, true);
  tally.until_ns = WallNs();
  const Duration cpu = meter.Cpu() - cpu_from;
  const Duration own = OwnCpu() - own_from;
  const double elapsed = Seconds(MonotonicNow() - from);
  run_until(MonotonicNow() + kDrain, false);

  std::ranges::sort(tally.delays_ns);
  const auto received = static_cast<double>(std::max<uint64_t>(tally.received, 1));
  const auto sent = static_cast<double>(std::max<uint64_t>(tally.sent, 1));
  const double wanted = static_cast<double>(legs.size()) / Seconds(kPacketTime);
  return {{"us_per_packet", Seconds(cpu) * 1e6 / received},
          {"core", Seconds(cpu) / elapsed},
          {"pps", received / elapsed},
          {"loss", 1 - static_cast<double>(tally.received) / sent},
          {"refused", tally.refused},
          {"p50_ms", MsAt(tally.delays_ns, 0.5)},
          {"p99_ms", MsAt(tally.delays_ns, 0.99)},
          {"p999_ms", MsAt(tally.delays_ns, 0.999)},
          {"pace", sent / elapsed / wanted},
          {"load_core", Seconds(own) / elapsed}};
}

}  // namespace lastmile::bench
