#!/usr/bin/env bash
# Installs what is missing, builds every kind of build and runs every test. Ends in ctest's summary.
# Usage: test.sh [PART...]     parts: dev simulation asan tsan fuzz demo (all of them without an argument)
#   dev    unit, component and browser tests        asan  unit and component tests
#   tsan   the tests that run threads                simulation  100,000 seeds, optimised
#   fuzz   every fuzz target for a bounded time     demo        the demo starts and answers
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PARTS=(dev simulation asan tsan fuzz demo)
failed=()
summaries=()

# failures LOG: the lines of a ctest log that say what failed and why. They are shown again at the end,
# where nobody has to look for them between the parts.
failures() {
  grep -E -A 8 ': Failure$|^WARNING: ThreadSanitizer|ERROR: (Address|Leak)Sanitizer|runtime error:|^✖ |AssertionError' "$1" |
    head -n 80 || true
  grep -E -A 16 'ERROR: libFuzzer' "$1" | head -n 40 || true
  grep -E '^Base64: ' "$1" | head -n 4 || true
  grep -E '^\[  FAILED  \] [^ ]+$|\*\*\*(Failed|Timeout|Exception)' "$1" | sort -u | head -n 40 || true
}

# run_ctest PRESET ARGUMENTS...: goes on after failures, they are told at the end.
run_ctest() {
  local preset=$1 log
  shift
  log=$(log_file "ctest-$preset")
  step "testing $preset"
  if ! (cd "$ROOT" && "${wrapper[@]}" ctest --preset "$preset" --no-tests=error "$@" 2>&1 | tee "$log"); then
    failed+=("$preset")
    failures "$log" >>"$(log_file failures)"
  fi
  summaries+=("$(printf '%-6s' "$preset")$(grep -E '% tests passed' "$log" || echo 'did not run')")
}

# gcc 12's ThreadSanitizer wants its shadow memory where a kernel with much address randomisation may
# have put something else.
without_randomisation() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    wrapper=(setarch "$(uname -m)" -R)
  fi
}

run_demo() {
  step "the demo starts and answers"
  local status=0
  "$ROOT/scripts/demo.sh" --check || status=$?
  case $status in
    0) summaries+=("demo  starts and answers") ;;
    75) summaries+=("demo  LEFT OUT: one of its ports is in use") ;;
    *) failed+=(demo) summaries+=("demo  failed") ;;
  esac
}

# All the ctest runs as one, in ctest's words.
total() {
  cat "$ROOT"/build/log/ctest-*.log 2>/dev/null | awk '
    / tests passed, / { failed += $4; all += $NF }
    END { if (all) printf "%d%% tests passed, %d tests failed out of %d\n",
                          100 * (all - failed) / all, failed, all }'
}

run_part() {
  local wrapper=(env)
  case $1 in
    dev)
      build dev
      run_ctest dev -j "$JOBS"
      ;;
    simulation)
      build optimised simulation_test
      LASTMILE_SEEDS=100000 run_ctest optimised -R '^simulation_test$'
      ;;
    asan)
      build asan
      ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
        run_ctest asan -j "$JOBS" -L 'unit|component'
      ;;
    tsan)
      without_randomisation
      build tsan thread_tests
      run_ctest tsan -j "$JOBS" -L threads
      ;;
    fuzz)
      build fuzz fuzzers
      run_ctest fuzz -j "$JOBS" -L fuzz
      ;;
    demo) run_demo ;;
    *) die "unknown part \"$1\" (${PARTS[*]})" ;;
  esac
}

main() {
  [ $# -gt 0 ] && PARTS=("$@")
  "$ROOT/scripts/install_packages.sh" build demo test
  npm_install web-demo
  npm_install tests/e2e
  local part
  rm -f "$ROOT"/build/log/{ctest-*,failures}.log
  for part in "${PARTS[@]}"; do
    run_part "$part"
  done
  step "summary"
  printf '    %s\n' "${summaries[@]}"
  [ ! -s "$ROOT/build/log/failures.log" ] || sed 's/^/    /' "$ROOT/build/log/failures.log"
  total
  [ ${#failed[@]} -eq 0 ] || die "failed: ${failed[*]}; the logs are in build/log"
}

main "$@"
