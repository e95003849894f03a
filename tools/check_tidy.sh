#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_tidy.sh BUILD : clang-tidy (.clang-tidy) over the library, the program and the benchmarks, by BUILD/compile_commands.json.
set -euo pipefail

build=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# What includes LibTorch's headers is left out: clang 14 does not get through those of 1.13 in C++20.
# The commands are g++'s: clang does not know all of its warnings. The last filter drops clang's count of warnings
# that were not asked for.
run-clang-tidy -quiet -p "$build" -j "$(nproc)" -extra-arg=-Wno-unknown-warning-option \
  "^$PWD/(laconic|cli|bench)/(?!problem/torch/).*\.cc$" 2>&1 | sed '/warnings\? generated\.$/d'
