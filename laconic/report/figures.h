// SPDX-License-Identifier: Apache-2.0
// Draws curves of runs into a file.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "laconic/report/gnuplot.h"
#include "laconic/report/saved_run.h"

namespace laconic {

/// The ends of an axis; those of the data where unset.
struct AxisRange {
  std::optional<double> least = {};
  std::optional<double> most = {};
};

struct FigureOptions {
  std::string x = "uplink_bits";
  std::string y = "grad_norm_sq";
  // The logarithmic axes: "x", "y", "xy", or "" or "none". auto: y where it falls to 0, x where the curves end
  // at costs that differ by a factor of 30 or more.
  std::string log = "auto";
  std::string title = {};
  std::string x_title = {};  // "": that of the column
  std::string y_title = {};
  AxisRange x_range = {};
  AxisRange y_range = {};
  Canvas canvas = {};
  bool is_size_fixed = false;  // otherwise the figure becomes higher if its legend needs more than a quarter
  bool names_at_ends = false;  // names stand at the ends of the curves, instead of a legend
  // What a legend calls curves: by their name, or by their method in front of the keys in which they differ.
  std::vector<std::pair<std::string, std::string>> labels = {};
};

/// Draws one quantity against another (columns.h). The file name's extension determines the format: svg, png
/// and pdf are drawn by gnuplot; tex is a figure for LaTeX with pgfplots (pgfplots.h). Throws InputError for an
/// unknown column or extension, RunError if gnuplot is missing or fails.
void draw(const std::vector<SavedRun>& runs, const FigureOptions& options, const std::string& path);

}  // namespace laconic
