#!/usr/bin/env bash
# Installs the Debian packages that are missing. Usage: install_packages.sh GROUP...
#   build   compiler, CMake and the libraries of the gateway
#   demo    Node, which builds the demo page, and openssl, which makes its certificate
#   test    browsers, SIP peers and sanitizer tools of the tests
#   bench   what scripts/bench.sh measures against
# Works as root or through sudo. Does nothing, and needs neither, when all of them are there.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

BUILD=(build-essential cmake ninja-build ccache pkg-config git
  libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libsofia-sip-ua-dev libnice-dev libsrtp2-dev
  libssl-dev libspdlog-dev libfmt-dev libyaml-cpp-dev libc-ares-dev libjwt-dev
  libsqlite3-dev libcurl4-openssl-dev nlohmann-json3-dev libcli11-dev libre2-dev tzdata
  libopus-dev libspandsp-dev libspeexdsp-dev)
TEST=(libgtest-dev libgmock-dev libbenchmark-dev sip-tester baresip-core chromium tcpdump clang-19 lld
  libclang-rt-19-dev python3 python3-yaml iproute2 iptables openssl kamailio
  kamailio-tls-modules rtpengine-daemon firefox-esr coturn)
BENCH=(libbenchmark-dev libgtest-dev python3 openssl kamailio kamailio-tls-modules
  kamailio-websocket-modules rtpengine-daemon linux-perf)
# Packages that come with services of their name. The tests start the programs themselves; as
# services they would take SIP's port from whatever else wants it.
SERVICES=(kamailio rtpengine-daemon coturn)
POLICY=/usr/sbin/policy-rc.d

# A Node of its own, 18 or later, is kept: Debian's would be put over it or beside it.
node_is_there() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    [ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ]
}

wanted_packages() {
  local group
  for group in "$@"; do
    case $group in
      build) printf '%s\n' "${BUILD[@]}" ;;
      demo) echo openssl ;;  # and Node, see below
      test) printf '%s\n' "${TEST[@]}" ;;
      bench) printf '%s\n' "${BENCH[@]}" ;;
      *) die "unknown group \"$group\" (build, demo, test, bench)" ;;
    esac
    if [[ $group == demo || $group == test ]] && ! node_is_there; then
      printf '%s\n' nodejs npm
    fi
  done | sort -u
}

missing_packages() {
  local name
  for name in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# Installs packages without starting their services, now or when the machine starts.
install_quietly() {
  local has_policy=0 status=0 name
  [ -e "$POLICY" ] && has_policy=1
  [ $has_policy = 1 ] || printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$POLICY"
  as_root apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 "$@" 2>&1 || status=$?
  [ $has_policy = 1 ] || as_root rm -f "$POLICY"
  for name in "${SERVICES[@]}"; do
    if [ -d /run/systemd/system ] && [[ " $* " == *" $name "* ]]; then
      as_root systemctl disable -q "$name" || true  # a package without the unit has nothing to stop
    fi
  done
  return $status
}

# Every 50th step of apt, so that a long installation can be seen to move.
apt_progress() {
  awk '/^[0-9]+ upgraded, / { print "    " $0 }
       /^(Unpacking|Setting up) / { if (++steps % 50 == 0) print "    " steps " steps, now " $1, $2, $3 }
       { fflush() }'
}

main() {
  [ $# -gt 0 ] || die "usage: install_packages.sh GROUP... (build, demo, test, bench)"
  command -v apt-get >/dev/null || die "this is not Debian: install the packages listed in $0 by hand"
  local wanted missing
  mapfile -t wanted < <(wanted_packages "$@")
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    die "packages are missing and there is no sudo: as root run apt-get install ${missing[*]}"
  fi
  as_root true || die "sudo refuses: as root run apt-get install ${missing[*]}"
  step "installing ${#missing[@]} Debian packages: ${missing[*]}"
  run_logged "$(log_file apt)" as_root apt-get update -q ||
    die "apt-get update failed: is a Debian mirror within reach?"
  install_quietly "${missing[@]}" |
    tee "$(log_file apt)" | apt_progress ||
    { tail -n 15 "$(log_file apt)" >&2; die "apt-get could not install: ${missing[*]}"; }
}

main "$@"
