#!/usr/bin/env bash
# Measures this gateway against rtpengine and Kamailio, in turn and on the same core, and prints one
# table of ratios with the bars that they are held to; then what transcoding costs. Usage:
# bench.sh [--rounds 5] [--calls 400] [--seconds 5] [--steps relay,gateways,capacity,idle]
#          [--realtime] [--alone]
# About 7 minutes a round. Two cores and a quiet machine wanted: see docs/performance.md.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case "${1:-}" in
  -h | --help) sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}"; exit ;;
esac
"$ROOT/scripts/install_packages.sh" build bench
build_for_benchmarks lastmile lastmile-load
step "measuring"
result=$(log_file bench-load)
"$ROOT/tests/bench/load_bench.py" "$ROOT/build/release" --out "$result" "$@"
status=0
python3 "$ROOT/tests/bench/load_report.py" "$result" || status=$?
"$ROOT/scripts/bench_transcode.sh"
exit "$status"
