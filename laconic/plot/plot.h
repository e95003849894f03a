// SPDX-License-Identifier: Apache-2.0
// A figure and a table of runs, or the map of a sweep: what `laconic plot` draws.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "laconic/experiment/config.h"
#include "laconic/report/figures.h"

namespace laconic {

struct PlotRequest {
  FigureOptions figure;
  // As given: columns of the trace, or axes of a sweep. Of curves, figure.x and figure.y are the columns.
  std::optional<std::string> x, y;
  std::optional<std::string> out;  // unset: plot.svg, or plot.pdf with style=paper
  bool is_paper = false;
  std::vector<std::string> folders;  // as for find_results()
};

/// Each word is `key=value` with a key of plot_keys(), or a folder. Throws InputError for an unknown key, a value
/// out of range, or without a folder.
PlotRequest plot_request_of(const std::vector<std::string>& words);

/// The table of keys, for `laconic list`.
std::vector<KeyRow> plot_keys();

struct Plotted {
  std::vector<std::string> paths = {};  // of the figures that were written
  std::string table = {};               // comparison() of the runs; empty for a map
  std::string remark = {};              // a sentence for the user; empty if there is none
};

/// Draws the curves of the runs, or the map of a sweep that has no curves or if x or y is one of its axes. With
/// `latex` the table is a tabular, and curves are drawn only if the request has `out`. Throws InputError if a
/// folder holds nothing to draw, if the request does not fit the runs, or if no figure may be written at `out`
/// (require_output()); RunError if gnuplot is missing or fails.
Plotted plot(const PlotRequest& request, bool latex);

}  // namespace laconic
