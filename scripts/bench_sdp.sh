#!/usr/bin/env bash
# Measures the SDP engine in a release build and holds it to its bars. Usage: bench_sdp.sh
# Five rounds each; the median round counts. Quiet machine wanted: other programs show in p99.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" build test
run_benchmark sdp_bench report.py
