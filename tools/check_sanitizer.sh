#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_sanitizer.sh asan|tsan : builds that preset and runs its tests. CTest runs this as one test of the release build.
# Exit code 77 (skipped, says CTest) where the machine cannot run any program under the sanitizer.
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

# Sanitizers of g++ 12 die at start on kernels that randomise addresses with 32 bits, and leaks cannot be looked for
# where ptrace is forbidden. Find out with an empty program what this machine can do, before blaming laconic.
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'int main() {}' >"$probe/empty.cc"
g++ $flags -o "$probe/empty" "$probe/empty.cc"
runs() {  # several times: the layout is random
  for _ in 1 2 3 4 5 6 7 8; do "$@" "$probe/empty" >"$probe/log" 2>&1 || return 1; done
}
fixed_layout=(setarch "$(uname -m)" -R)
without_leaks=(env ASAN_OPTIONS=detect_leaks=0)
if runs; then wrapper=()
elif runs "${fixed_layout[@]}"; then wrapper=("${fixed_layout[@]}")
elif runs "${without_leaks[@]}"; then wrapper=("${without_leaks[@]}")
elif runs "${fixed_layout[@]}" "${without_leaks[@]}"; then wrapper=("${fixed_layout[@]}" "${without_leaks[@]}")
else
  cat "$probe/log"
  echo "skipped: an empty program does not run with $flags on this machine"
  exit 77
fi
[[ ${#wrapper[@]} -eq 0 ]] || echo "running under: ${wrapper[*]}"

cmake --preset "$preset"
# The build runs the test program once, to list its tests: so it needs the wrapper too.
"${wrapper[@]}" cmake --build --preset "$preset"
"${wrapper[@]}" ctest --preset "$preset" -j "$(nproc)"
