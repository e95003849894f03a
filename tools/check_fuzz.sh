#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_fuzz.sh [SECONDS] : builds fuzz/ with clang in build-fuzz and fuzzes the decoder for SECONDS (30).
# CTest runs this as one test of the release build. An input that crashes the decoder stays in build-fuzz as
# crash-* or oom-*; pass it to build-fuzz/fuzz/decode_fuzz to reproduce the crash. Exit code 77 (CTest:
# skipped) if clang or its fuzzer is missing.
set -euo pipefail

seconds=${1:-30}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# Check with an empty target that fuzzing works on this machine, so that a failure below is laconic's.
probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT
echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' >"$probe/empty.cc"
if ! clang++ -fsanitize=fuzzer,address,undefined -o "$probe/empty" "$probe/empty.cc" >"$probe/log" 2>&1; then
  cat "$probe/log"
  echo "skipped: clang++ -fsanitize=fuzzer does not work on this machine"
  exit 77
fi
source tools/find_wrapper.sh
find_wrapper "an empty fuzz target" "$probe/empty" -runs=1

cmake --preset fuzz
cmake --build --preset fuzz --target decode_fuzz write_seeds
cd build-fuzz
"${wrapper[@]}" fuzz/write_seeds seeds
# corpus keeps the inputs of earlier runs; new inputs are added to it.
mkdir -p corpus
"${wrapper[@]}" fuzz/decode_fuzz -max_total_time="$seconds" -rss_limit_mb=2048 -max_len=8192 -timeout=20 -print_final_stats=1 corpus seeds
