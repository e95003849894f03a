#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_sanitizer.sh asan|tsan : builds that preset and runs its tests. CTest runs this as one test of the
# release build. Exit code 77 (CTest: skipped) if this machine cannot run any program under the sanitizer.
set -euo pipefail

preset=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case $preset in
  asan) flags=-fsanitize=address,undefined ;;
  tsan) flags=-fsanitize=thread ;;
  *) echo "usage: $0 asan|tsan" >&2; exit 2 ;;
esac
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1

# Check with an empty program that the sanitizer works on this machine, so that a failure below is laconic's.
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int main() {}' >"$probe/empty.cc"
g++ $flags -o "$probe/empty" "$probe/empty.cc"
source tools/find_wrapper.sh
find_wrapper "an empty program with $flags" "$probe/empty"

cmake --preset "$preset"
# The build runs the test program once to list its tests, so it needs the wrapper too.
"${wrapper[@]}" cmake --build --preset "$preset"
"${wrapper[@]}" ctest --preset "$preset" -j "$(nproc)"
