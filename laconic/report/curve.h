// SPDX-License-Identifier: Apache-2.0
// The curves of a figure. Runs that differ only in their seeds are one curve, the median of the runs, with a
// band from the least to the greatest:
//
// - A curve has the rounds at which each of its runs has a row. There, x and y are the medians over the runs.
// - A run that ended, for example at its target, keeps its last row.
// - The curve ends at the median of the runs' last rounds.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "laconic/report/saved_run.h"

namespace laconic {

struct Curve {
  std::string name;    // in the legend
  std::string method;  // with its arguments
  std::string folder;  // of its first run
  std::size_t runs = 1;
  std::vector<double> x, y;
  std::vector<double> low = {}, high = {};  // the band, along x; empty for one run
};

/// The curves of quantity y over quantity x (columns.h), in the order of the runs.
std::vector<Curve> curves_of(const std::vector<SavedRun>& runs, const std::string& x, const std::string& y);

}  // namespace laconic
