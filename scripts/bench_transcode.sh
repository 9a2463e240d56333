#!/usr/bin/env bash
# Measures transcoding in a release build and prints the calls a core has time for. Usage:
# bench_transcode.sh      Five rounds each; the median counts.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" build bench
step "configuring the benchmarks"
(cd "$ROOT" && run_logged "$(log_file configure-benches)" \
  cmake --preset release -DLASTMILE_BUILD_BENCHES=ON) || die "cmake could not configure"
build release transcode_bench
step "measuring"
result=$(log_file bench-transcode)
"$ROOT/build/release/tests/bench/transcode_bench" --benchmark_repetitions=5 \
  --benchmark_report_aggregates_only=true --benchmark_min_time=0.3 \
  --benchmark_format=json >"$result"
python3 "$ROOT/tests/bench/transcode_report.py" "$result"
