#!/usr/bin/env bash
# Line and branch coverage of sdp/ by its unit tests, by gcov (a part of gcc).
# Usage: sdp_coverage.sh [MINIMUM] [--uncovered]
#   MINIMUM      percent of branches below which it fails, 95 if not given
#   --uncovered  also lists the branches that no test takes, as file:line
# Counted are the branches that somebody wrote: sdp_coverage.py leaves out those of exceptions (any
# call may throw, bad_alloc behind every string) and says how it knows them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

minimum=95
uncovered=
for argument in "$@"; do
  case $argument in
    --uncovered) uncovered=1 ;;
    [0-9]*) minimum=$argument ;;
    *) die "usage: sdp_coverage.sh [MINIMUM] [--uncovered]" ;;
  esac
done
command -v gcov >/dev/null || die "gcov is missing: scripts/install_packages.sh build"

build=$ROOT/build/coverage
step "building the tests of sdp/ with --coverage in build/coverage"
run_logged "$(log_file sdp_coverage)" cmake -S "$ROOT" -B "$build" -G Ninja \
  -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g1 --coverage" || die "cmake failed"
run_logged "$(log_file sdp_coverage)" nice cmake --build "$build" -j "$JOBS" --target sdp_test ||
  die "the build failed"
find "$build" -name '*.gcda' -delete
step "running them"
run_logged "$(log_file sdp_coverage)" "$build/tests/unit/sdp/sdp_test" || die "a test fails"
step "reading the counts"
find "$build/sdp" "$build/tests/unit/sdp" -name '*.gcda' -print0 |
  xargs -0 gcov --json-format --stdout --branch-probabilities |
  python3 "$ROOT/scripts/sdp_coverage.py" "$ROOT/sdp" "$minimum" ${uncovered:+--uncovered}
