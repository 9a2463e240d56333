#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/log.h"
#include "tests/unit/gateway/simulation/world.h"

// Whole calls under a virtual clock. LASTMILE_SEEDS: how many seeds to run; LASTMILE_FIRST_SEED:
// the first one; LASTMILE_SEED: one alone, with its trace whether it fails or not.
namespace lastmile::simulation {
namespace {

constexpr int kMostFailures = 20;

uint64_t Setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

void PrintTrace(uint64_t seed) {
  World world(seed, true);
  world.Run();
  std::printf("--- seed %llu ---\n", static_cast<unsigned long long>(seed));
  for (const std::string& line : world.trace()) std::printf("%s\n", line.c_str());
  std::printf("--- %s; alone again: LASTMILE_SEED=%llu ---\n", world.failure().c_str(),
              static_cast<unsigned long long>(seed));
}

TEST(Simulation, EveryCallEndsWhateverHappens) {
  spdlog::set_level(spdlog::level::off);
  const uint64_t alone = Setting("LASTMILE_SEED", 0);
  const uint64_t first = alone ? alone : Setting("LASTMILE_FIRST_SEED", 1);
  const uint64_t seeds = alone ? 1 : Setting("LASTMILE_SEEDS", LASTMILE_DEFAULT_SEEDS);
  Counts sum;
  int failures = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    World world(seed, false);
    world.Run();
    if (!world.failure().empty()) ADD_FAILURE() << "seed " << seed << ": " << world.failure();
    if (alone || (!world.failure().empty() && failures == 0)) PrintTrace(seed);
    if (!world.failure().empty() && ++failures == kMostFailures) break;
    sum.calls += world.counts.calls;
    sum.answered += world.counts.answered;
    sum.moved += world.counts.moved;
    sum.bridges += world.counts.bridges;
    sum.cancelled += world.counts.cancelled;
    sum.rebound += world.counts.rebound;
    sum.reoffers += world.counts.reoffers;
    sum.excused += world.counts.excused;
    sum.legs += world.counts.legs;
    sum.messages += world.counts.messages;
    sum.snapshots += world.counts.snapshots;
    sum.local += world.counts.local;
  }
  std::printf(
      "%llu seeds: %zu calls, %zu answered, %zu transferred, %zu bridges, %zu callees cancelled, "
      "%zu browsers "
      "back, "
      "%zu re-INVITEs of the gateway, %zu of %zu legs out of reach, %zu messages\n",
      static_cast<unsigned long long>(seeds), sum.calls, sum.answered, sum.moved, sum.bridges,
      sum.cancelled, sum.rebound, sum.reoffers, sum.excused, sum.legs, sum.messages);
  if (alone || failures > 0) return;
  // The dice do reach the interesting states.
  EXPECT_GT(sum.answered, seeds / 4);
  EXPECT_GT(sum.moved, seeds / 50);
  EXPECT_GT(sum.bridges, seeds / 50);
  EXPECT_GT(sum.cancelled, seeds / 20);
  EXPECT_GT(sum.rebound, seeds / 50);
  EXPECT_LT(sum.excused, sum.legs / 4);
  EXPECT_GT(sum.snapshots, seeds / 4);
  EXPECT_GT(sum.local, seeds / 50);
}

}  // namespace
}  // namespace lastmile::simulation
