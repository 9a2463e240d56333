#!/usr/bin/env bash
# Checks that programs and static libraries were built hardened: position-independent, full RELRO,
# no executable stack, stack protector, and with --fortify also _FORTIFY_SOURCE.
# Usage: check_hardening.sh [--fortify] FILE...     exit status 1 and one line for each thing missing
set -euo pipefail

fortify=false
if [ "${1:-}" = --fortify ]; then
  fortify=true
  shift
fi
[ $# -gt 0 ] || { echo "usage: check_hardening.sh [--fortify] FILE..." >&2; exit 2; }
missing=0

# expect FILE WHAT COMMAND...: COMMAND has to succeed.
expect() {
  local file=$1 what=$2
  shift 2
  if ! "$@"; then
    echo "$file: $what"
    missing=1
  fi
}
has() { grep -qE -- "$1" <<<"$2"; }
lacks() { ! has "$@"; }

for file in "$@"; do
  symbols=$(readelf --wide --symbols "$file")
  expect "$file" "no stack protector" has 'UND __stack_chk_fail' "$symbols"
  if $fortify; then
    expect "$file" "no _FORTIFY_SOURCE" has 'UND __(mem|str|v?f?s?n?printf|recv|recvfrom|read|poll|fd)[a-z]*_chk' "$symbols"
  fi
  case $file in *.a) continue ;; esac
  segments=$(readelf --wide --program-headers "$file")
  dynamic=$(readelf --wide --dynamic "$file")
  expect "$file" "not position-independent" has 'FLAGS_1.*\bPIE\b' "$dynamic"
  expect "$file" "no RELRO" has 'GNU_RELRO' "$segments"
  expect "$file" "RELRO is not full: no BIND_NOW" has 'BIND_NOW|FLAGS_1.*\bNOW\b' "$dynamic"
  expect "$file" "executable stack" has 'GNU_STACK.* RW ' "$segments"
  expect "$file" "text relocations" lacks 'TEXTREL' "$dynamic"
  expect "$file" "search path in the program" lacks 'RPATH|RUNPATH' "$dynamic"
done
exit $missing
