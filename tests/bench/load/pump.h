#ifndef LASTMILE_TESTS_BENCH_LOAD_PUMP_H_
#define LASTMILE_TESTS_BENCH_LOAD_PUMP_H_

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/time.h"
#include "tests/bench/load/load_loop.h"
#include "tests/bench/load/media_leg.h"
#include "tests/bench/load/process_meter.h"

namespace lastmile::bench {

struct PumpOptions {
  Duration warm_up = 1s;
  Duration measured = 5s;
};

// Lets every leg send 50 packets a second, all of them spread evenly over time, and tells what it
// cost the programs under test and what became of the packets: `us_per_packet`, `core` (of one),
// `loss`, `p50_ms`, `p99_ms`, `p999_ms`, `pps`, `refused`, and of the load itself `load_core` and
// `pace`, the share of the packets that it should have sent. The legs are read by the loop;
// `upkeep` is called every few milliseconds.
nlohmann::json PumpMedia(LoadLoop& loop, const std::vector<MediaLeg*>& legs, Tally& tally,
                         const ProcessMeter& meter, const PumpOptions& options,
                         const std::function<void(TimePoint)>& upkeep);

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_PUMP_H_
