#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_tidy.sh BUILD [all] : runs clang-tidy (.clang-tidy) on the library, the program and the benchmarks,
# with BUILD/compile_commands.json. With `all`, every check reads every source file. Without it, only files
# are read that the last 20 commits or the working tree changed (all files if git has fewer than 20 commits),
# and the clang-analyzer checks are left out, because they take 60 % of the time.
set -euo pipefail

build=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Sources with LibTorch's headers are left out: clang 14 cannot parse the headers of version 1.13 in C++20.
files="$PWD/(laconic|cli|bench)/(?!torch/).*\.cc"
checks=-clang-analyzer-*  # in addition to .clang-tidy
[[ ${2-} != all ]] || checks=
if [[ ${2-} != all ]] && git rev-parse -q --verify HEAD~20 >/dev/null; then
  changed=$(git log -20 --no-merges --name-only --pretty=format: -- && git diff --name-only HEAD)
  changed=$(grep -E '^(laconic|cli|bench)/' <<<"$changed" || true)
  # a/b.h stands for a/b.cc, which includes it. A header without such a file is read only if a changed file
  # includes it.
  names=$(sed -nE 's/\.(h|cc)$//p' <<<"$changed" | sort -u | paste -sd '|')
  [[ -n $names ]] || { echo "no source file was changed by the last 20 commits"; exit 0; }
  files="$PWD/(?!laconic/torch/)($names)\.cc"
fi
# The commands are for g++: clang does not know all of its warnings. The last filter drops clang's count of
# suppressed warnings.
run-clang-tidy -quiet -p "$build" -j "$(nproc)" -checks="$checks" -extra-arg=-Wno-unknown-warning-option \
  "^$files$" 2>&1 |
  sed '/warnings\? generated\.$/d'
