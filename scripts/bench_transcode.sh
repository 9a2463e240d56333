#!/usr/bin/env bash
# Measures transcoding in a release build and prints the calls a core has time for. Usage:
# bench_transcode.sh      Five rounds each; the median counts.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" build bench
run_benchmark transcode_bench transcode_report.py
