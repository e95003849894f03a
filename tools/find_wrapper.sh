# SPDX-License-Identifier: Apache-2.0
# To be sourced. find_wrapper WHAT COMMAND... : sets the array `wrapper` to the prefix that programs under
# sanitizers need to run on this machine. It is found by running COMMAND, a program that does nothing. If no
# prefix helps, prints that WHAT does not run and exits with 77 (CTest: skipped).
#
# Sanitizers of g++ 12 and clang 14 crash at start on kernels that randomise addresses with 32 bits. Leak
# detection fails where ptrace is forbidden.
find_wrapper() {
  local what=$1 log
  shift
  log=$(mktemp)
  local fixed_layout=(setarch "$(uname -m)" -R) without_leaks=(env ASAN_OPTIONS=detect_leaks=0)
  runs() {  # several times: the layout is random
    for _ in 1 2 3 4 5 6 7 8; do "$@" >"$log" 2>&1 || return 1; done
  }
  if runs "$@"; then wrapper=()
  elif runs "${fixed_layout[@]}" "$@"; then wrapper=("${fixed_layout[@]}")
  elif runs "${without_leaks[@]}" "$@"; then wrapper=("${without_leaks[@]}")
  elif runs "${fixed_layout[@]}" "${without_leaks[@]}" "$@"; then wrapper=("${fixed_layout[@]}" "${without_leaks[@]}")
  else
    cat "$log"
    echo "skipped: $what does not run on this machine"
    exit 77
  fi
  rm -f "$log"
  [[ ${#wrapper[@]} -eq 0 ]] || echo "running under: ${wrapper[*]}"
}
