// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/columns.h"

namespace laconic {
namespace {

constexpr ColumnRow kColumns[] = {
    {"run", "", "the number of the run, in the order of the grid"},
    {"problem", "", "the key of the run"},
    {"clients", "", "the key of the run"},
    {"split", "", "the key of the run"},
    {"method", "", "the key of the run"},
    {"step_rule", "", "the key step of the run: a number, theory, theory*16; the column step has its value"},
    {"seed", "", "the key of the run"},
    {"why", "",
     "why the run ended: target, rounds, max-bits, max-seconds, diverged, beaten (it could not win any "
     "more), still "
     "(its point had stopped moving)"},
    {"runs", "", "in cells.csv: the number of runs, which differ in their seeds"},
    {"score", "", "in cells.csv: the mean of the measure over these runs; empty if one has none"},
    {"deviation", "", "in cells.csv: the standard deviation of the measure over these runs"},
    {"edge", "", "in cells.csv: the tuned axes that have the best value at an end; empty if it lies inside"},
};

}  // namespace

std::span<const ColumnRow> sweep_columns() { return kColumns; }

}  // namespace laconic
