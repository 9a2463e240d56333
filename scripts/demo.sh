#!/usr/bin/env bash
# From a fresh clone to a call: installs what is missing, builds, starts the gateway and the demo
# carrier, and says what to open and dial. Ctrl-C stops both.
# Usage: demo.sh [--check]     --check: start, try page and WebSocket once, stop
# Exit status: 0 fine, 75 a port is in use, 1 anything else.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PAGE_PORT=8080 TLS_PORT=8443 SIP_PORT=5061 CARRIER_PORT=5071
PAGE_URL=http://localhost:$PAGE_PORT/
READY_SECONDS=15
RUN=$ROOT/.demo
pids=()

check_ports() {
  local port
  for port in $PAGE_PORT $TLS_PORT $SIP_PORT $CARRIER_PORT; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "demo.sh: port $port on 127.0.0.1 is in use: stop the program that listens there" >&2
      exit 75
    fi
  done
}

prepare() {
  "$ROOT/scripts/install_packages.sh" build demo
  npm_install web-demo
  build release lastmile lastmile-demo-carrier
  step "bundling the page"
  run_logged "$(log_file page)" npm run --prefix "$ROOT/web-demo" build || die "the page could not be bundled"
}

# The certificate of page and trunk: made once, for this machine, and thrown away with .demo.
make_certificate() {
  [ -f "$RUN/tls/agent.pem" ] && openssl x509 -in "$RUN/tls/cert.pem" -noout -checkend 86400 >/dev/null && return
  mkdir -p "$RUN/tls"
  run_logged "$(log_file certificate)" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1 \
    -keyout "$RUN/tls/key.pem" -out "$RUN/tls/cert.pem" || die "openssl could not make a certificate"
  cat "$RUN/tls/cert.pem" "$RUN/tls/key.pem" >"$RUN/tls/agent.pem"
}

start() {
  local name=$1
  shift
  "$@" >"$RUN/$name.log" 2>&1 &
  pids+=($!)
}

stop() {
  trap - EXIT INT TERM
  if [ ${#pids[@]} -gt 0 ]; then
    kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
  fi
}

fail_with_log() {
  printf '\n' >&2
  tail -n 15 "$RUN/gateway.log" "$RUN/carrier.log" >&2
  die "$1"
}

wait_until_ready() {
  local deadline=$((SECONDS + READY_SECONDS)) answer
  until answer=$(node "$ROOT/scripts/probe.mjs" "$PAGE_URL" 2>&1); do
    for pid in "${pids[@]}"; do
      kill -0 "$pid" 2>/dev/null || fail_with_log "a program ended while starting, see above"
    done
    [ $SECONDS -lt $deadline ] || fail_with_log "not ready after $READY_SECONDS s: $answer"
    sleep 0.2
  done
}

say_hello() {
  cat <<EOF

  Lastmile is running.

    open   $PAGE_URL      (sign in as alice, password alice; or bob, password bob)
    dial   600 echo: you hear yourself      603 early media, then an answer
           601 a tone of 880 Hz             604 reads your digits back
           602 busy                         605 calls you back
           bob, or alice: the other page    606 answers after 8 s

  Logs: .demo/gateway.log, .demo/carrier.log.   Ctrl-C stops both.

EOF
}

main() {
  local check=no
  case "${1:-}" in
    --check) check=yes ;;
    '') ;;
    *) die "usage: demo.sh [--check]" ;;
  esac
  cd "$ROOT"
  check_ports
  prepare
  check_ports
  mkdir -p "$RUN"
  make_certificate
  trap stop EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  step "starting the demo carrier and the gateway"
  start carrier build/release/demo_carrier/lastmile-demo-carrier \
    --listen "127.0.0.1:$CARRIER_PORT" --tls "$RUN/tls" --account demo:demo-trunk --gateway "127.0.0.1:$SIP_PORT"
  start gateway build/release/gateway/app/lastmile run --demo --demo-files "$RUN/tls"
  wait_until_ready
  if [ $check = yes ]; then
    step "the page and its WebSocket answer at $PAGE_URL"
    return 0
  fi
  say_hello
  wait -n "${pids[@]}" || true
  fail_with_log "one of the two programs ended, see above"
}

main "$@"
