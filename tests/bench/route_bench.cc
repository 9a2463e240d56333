// How long a decision takes with 500 trunks and 5,000 routes, and how long such a file takes from
// its text to a router. Bars: 20 us, 200 ms; scripts/bench_routes.sh holds the figures to them.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>
#include <string>
#include <vector>

#include "gateway/app/config.h"
#include "gateway/route/router.h"

namespace lastmile::route {
namespace {

constexpr int kTrunks = 500;

// `shape` 0: prefixes, as in tables of carriers; 1: expressions behind a prefix; 2: a route for
// each user; 3: expressions without fixed text.
Rules MakeRules(int count, int shape) {
  Rules rules{.numbering = {.country = "44", .international = "00", .national = "0"}};
  for (int i = 0; i < count; ++i) {
    Route route{
        .name = fmt::format("r{}", i),
        .trunks = {{fmt::format("t{}", i % kTrunks)}, {fmt::format("t{}", i / 10 % kTrunks)}}};
    if (i % 20 == 7) route.hours = *Hours::Parse("Mon-Fri 08:00-18:00");
    switch (shape) {
      case 0:
        route.to = fmt::format("^\\+{}", 10000 + i * 7);
        break;
      case 1:
        route.to = fmt::format("^\\+{}(1|2|3)[0-9]{{4,8}}$", 10000 + i * 7);
        break;
      case 2:
        route.to = "^\\+";
        route.from = {fmt::format("user{}", i)};
        break;
      default:
        route.to = fmt::format("[13579]{}$", 10000 + i * 7);
        break;
    }
    rules.routes.push_back(std::move(route));
  }
  return rules;
}

void BM_Decision(benchmark::State& state) {
  const int count = static_cast<int>(state.range(0));
  const auto router = Router::Make(MakeRules(count, static_cast<int>(state.range(1))));
  if (!router) return state.SkipWithError(router.error().message.c_str());
  std::mt19937_64 random(1);
  std::vector<Call> calls;
  for (int i = 0; i < 4096; ++i) {
    const auto route = random() % static_cast<uint64_t>(count);
    calls.push_back({.dialled = fmt::format("00{}{:05}", 10000 + route * 7, random() % 100000),
                     .user = fmt::format("user{}", route),
                     .from_trunk = "",
                     .time = {},
                     .draw = random()});
  }
  size_t at = 0;
  for (auto _ : state) benchmark::DoNotOptimize(router->Decide(calls[at++ % calls.size()]));
}
BENCHMARK(BM_Decision)->ArgNames({"routes", "shape"})->ArgsProduct({{50, 500, 5000}, {0, 1, 2, 3}});

void BM_ReadFile(benchmark::State& state) {
  std::string text =
      "numbering: { country: \"44\", international: \"00\", national: \"0\" }\ntrunks:\n";
  for (int i = 0; i < kTrunks; ++i)
    text += fmt::format("  t{}: {{ servers: [\"h{}:1\"] }}\n", i, i);
  text += "routes:\n";
  for (const Route& route : MakeRules(5000, 0).routes) {
    text += fmt::format("  - {{ name: {}, to: '{}', trunks: [{}, t499] }}\n", route.name, route.to,
                        route.trunks[0].name == "t499" ? "t0" : route.trunks[0].name);
  }
  for (auto _ : state) {
    auto config = app::ParseConfig(text, "bench.yaml");
    if (!config) state.SkipWithError(config.error().front().message.c_str());
    if (config) benchmark::DoNotOptimize(Router::Make(std::move(config->routing)));
  }
}
BENCHMARK(BM_ReadFile)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lastmile::route

BENCHMARK_MAIN();
