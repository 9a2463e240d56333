#!/usr/bin/env bash
# Checks that every C++ file is formatted as .clang-format says. Usage: format.sh [--fix]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v clang-format >/dev/null || die "clang-format is missing: apt-get install clang-format"
cd "$ROOT"
mapfile -t files < <(git ls-files '*.cc' '*.h')
case "${1:-}" in
  --fix) clang-format -i "${files[@]}" ;;
  '') clang-format --dry-run -Werror "${files[@]}" ;;
  *) die "usage: format.sh [--fix]" ;;
esac
