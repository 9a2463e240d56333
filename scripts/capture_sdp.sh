#!/usr/bin/env bash
# Captures the SDP that real browsers and SIP programs make, as it is on the wire but for the
# addresses of this machine. Usage: capture_sdp.sh [FOLDER]     (build/captures without one)
# What is worth keeping is copied to tests/corpora/sdp by hand: its tests name lines of the files.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/install_packages.sh" test
npm_install web-demo
npm_install tests/e2e
step "capturing"
node "$ROOT/tests/e2e/captures/main.js" "${1:-$ROOT/build/captures}"
