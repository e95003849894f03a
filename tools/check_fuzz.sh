#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_fuzz.sh [SECONDS] : builds fuzz/ with clang in build-fuzz and fuzzes each target for SECONDS (30): the
# decoder, what a server accepts from its clients, and the stream between a site and the server. CTest runs
# this as one test of the release build. An input that crashes a target stays in build-fuzz as crash-* or
# oom-*; pass it to the target, such as build-fuzz/fuzz/decode_fuzz, to reproduce the crash. Exit code 77
# (CTest: skipped) if clang or its fuzzer is missing.
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
cmake --build --preset fuzz --target decode_fuzz answer_fuzz session_fuzz write_seeds
cd build-fuzz
"${wrapper[@]}" fuzz/write_seeds seeds seeds-answer seeds-session
# The corpora keep the inputs of earlier runs; new inputs are added to them.
mkdir -p corpus corpus-answer corpus-session
# After a crash libFuzzer exits with 77 by default, which CTest would report as a skipped test.
limits=(-max_total_time="$seconds" -rss_limit_mb=2048 -max_len=8192 -timeout=20 -print_final_stats=1
  -error_exitcode=1)
"${wrapper[@]}" fuzz/decode_fuzz "${limits[@]}" corpus seeds
"${wrapper[@]}" fuzz/answer_fuzz "${limits[@]}" corpus-answer seeds-answer
"${wrapper[@]}" fuzz/session_fuzz "${limits[@]}" corpus-session seeds-session
