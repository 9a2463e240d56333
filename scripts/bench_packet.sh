#!/usr/bin/env bash
# Measures in a release build what a relayed packet and a check of ICE cost beside the kernel, and
# prints ratios to their cryptography alone. Usage: bench_packet.sh
# Five rounds each; the median counts.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" build bench
run_benchmark packet_bench packet_report.py
