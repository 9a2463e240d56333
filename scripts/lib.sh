# Shared by the scripts of this folder: progress, one-sentence failures, npm and build steps.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=$(nproc)
# Compilers see the same paths wherever the clone lies, so that ccache serves them all.
export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1

step() {
  printf '==> [%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"
}

die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# run_logged LOG COMMAND...: runs COMMAND with its output in LOG only; shows the end of it if it fails.
run_logged() {
  local log=$1
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    return 1
  fi
}

# npm_install FOLDER: npm ci, unless what is installed is already what the lockfile says.
npm_install() {
  local folder=$ROOT/$1 stamp=$ROOT/$1/node_modules/.lockfile
  if cmp -s "$folder/package-lock.json" "$stamp"; then
    return 0
  fi
  step "npm ci in $1"
  run_logged "$(log_file npm)" npm ci --prefix "$folder" --no-audit --no-fund ||
    die "npm ci failed in $1: is the npm registry within reach?"
  cp "$folder/package-lock.json" "$stamp"
}

log_file() {
  mkdir -p "$ROOT/build/log"
  echo "$ROOT/build/log/$1.log"
}

# build PRESET [TARGET...]: configures and builds. On a terminal ninja rewrites one line; elsewhere
# every 25th step is shown, and whatever is not a step.
build() {
  local preset=$1
  shift
  step "building $preset"
  (cd "$ROOT" && run_logged "$(log_file "configure-$preset")" cmake --preset "$preset") ||
    die "cmake could not configure the preset $preset"
  local ninja=(ninja -C "$ROOT/build/$preset" -j "$JOBS" "$@")
  export NINJA_STATUS='    [%f/%t, %es] '
  if [ -t 1 ]; then
    "${ninja[@]}"
  else
    "${ninja[@]}" | awk '/^    \[[0-9]+\/[0-9]+,/ && ++steps % 25 != 1 { next } { print; fflush() }'
  fi || die "the build of the preset $preset failed"
}

# build_for_benchmarks TARGET...: builds in release what is measured and what measures it.
build_for_benchmarks() {
  step "configuring the benchmarks"
  (cd "$ROOT" && run_logged "$(log_file configure-benches)" \
    cmake --preset release -DLASTMILE_BUILD_BENCHES=ON) || die "cmake could not configure"
  build release "$@"
}

# run_benchmark PROGRAM REPORT: builds PROGRAM of tests/bench, measures five rounds, of which the
# median counts, and shows them by REPORT of that folder, whose exit status it has.
run_benchmark() {
  local program=$1 report=$2 result
  result=$(log_file "$program")
  build_for_benchmarks "$program"
  step "measuring"
  "$ROOT/build/release/tests/bench/$program" --benchmark_repetitions=5 \
    --benchmark_report_aggregates_only=true --benchmark_min_time=0.3 \
    --benchmark_format=json >"$result"
  python3 "$ROOT/tests/bench/$report" "$result"
}
