#!/usr/bin/env bash
# Measures the SDP engine in a release build and holds it to its bars. Usage: bench_sdp.sh
# Five rounds each; the median round counts. Quiet machine wanted: other programs show in p99.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" build test
step "configuring the benchmarks"
(cd "$ROOT" && run_logged "$(log_file configure-benches)" \
  cmake --preset release -DLASTMILE_BUILD_BENCHES=ON) || die "cmake could not configure"
build release benches
step "measuring"
result=$(log_file bench-sdp)
"$ROOT/build/release/tests/bench/sdp_bench" --benchmark_repetitions=5 \
  --benchmark_report_aggregates_only=true --benchmark_min_time=0.3 \
  --benchmark_format=json >"$result"
python3 "$ROOT/tests/bench/report.py" "$result"
