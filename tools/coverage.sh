#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh [CTEST_OPTION...] : builds the preset coverage, runs the quick tests (or the tests that the
# options of ctest select, as in -R WireFormat), and prints the share of the lines and branches of laconic/
# and cli/ that they run: a line for each file, then the total. build-coverage/report/index.html shows it line
# by line.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
build="build-coverage"
[[ $# -gt 0 ]] || set -- -L 'unit|law|program'

cmake --preset coverage
cmake --build --preset coverage
find "$build" -name '*.gcda' -delete # of runs before
# Tests of the program's output fail here, because gcov prints too. Failures are ignored: `make test` judges
# tests.
ctest --preset coverage -j "$(nproc)" "$@" || true

mkdir -p "$build/report"
# Exception branches come from the compiler, nearly one a call, so they are excluded.
gcovr --root . --filter laconic/ --filter cli/ --exclude '.*/laconic/torch/' --exclude-throw-branches \
  --html-details "$build/report/index.html" --csv "$build/coverage.csv" -j "$(nproc)" "$build"
awk -F , '
  NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; next }
  function row(name, lines, hit, branches, taken) {
    printf "%-44s %6d lines %6.1f %%  %6d branches %6.1f %%\n", name, lines, lines ? 100 * hit / lines : 100,
           branches, branches ? 100 * taken / branches : 100
  }
  {
    row($at["filename"], $at["line_total"], $at["line_covered"], $at["branch_total"], $at["branch_covered"])
    lines += $at["line_total"]; hit += $at["line_covered"]
    branches += $at["branch_total"]; taken += $at["branch_covered"]
  }
  END { row("total", lines, hit, branches, taken) }' "$build/coverage.csv"
echo "line by line: $build/report/index.html"
