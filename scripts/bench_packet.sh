#!/usr/bin/env bash
# Measures in a release build what a relayed packet and a check of ICE cost beside the kernel, and
# prints ratios to their cryptography alone. Usage: bench_packet.sh
# Five rounds each; the median counts.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" build bench
step "configuring the benchmarks"
(cd "$ROOT" && run_logged "$(log_file configure-benches)" \
  cmake --preset release -DLASTMILE_BUILD_BENCHES=ON) || die "cmake could not configure"
build release packet_bench
step "measuring"
result=$(log_file bench-packet)
"$ROOT/build/release/tests/bench/packet_bench" --benchmark_repetitions=5 \
  --benchmark_report_aggregates_only=true --benchmark_min_time=0.3 \
  --benchmark_format=json >"$result"
python3 "$ROOT/tests/bench/packet_report.py" "$result"
