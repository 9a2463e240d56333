#!/usr/bin/env bash
# Measures routing in a release build and holds it to its bars: a decision with 500 trunks and 5,000
# routes within 20 us, such a file read within 200 ms. Usage: bench_routes.sh
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" build test
build_for_benchmarks route_bench
step "measuring"
"$ROOT/build/release/tests/bench/route_bench" --benchmark_min_time=0.3 --benchmark_format=csv \
  2>/dev/null | awk -F, '
  /^"BM_/ {
    bar = $1 ~ /ReadFile/ ? 200 : 20000   # of its unit: ms, ns
    printf "%-40s %10.1f %s (bar %d)%s\n", $1, $3, $5, bar, ($3 > bar ? "  TOO SLOW" : "")
    if ($3 > bar) bad = 1
    ++rows
  }
  END { exit bad || rows == 0 }'
