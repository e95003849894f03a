// SPDX-License-Identifier: Apache-2.0
// Reads runs from their folders and compares them, in a table and in a figure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "laconic/report/trace.h"

namespace laconic {

/// A run as stored in its folder.
struct SavedRun {
  std::string folder;
  std::vector<std::pair<std::string, std::string>> description;
  Table trace;

  [[nodiscard]] std::string value(const std::string& key) const;  // of the description; "" if missing
  [[nodiscard]] double last(const std::string& column) const;     // of the trace; 0 if missing
};

/// Reads trace.csv and summary.json. If a killed run left no summary, the name of the folder replaces the
/// method. Throws InputError if the folder holds no run.
SavedRun read_run(const std::string& folder);

/// One name for each run: its method, then the keys in which runs of the same method differ, except those
/// that only set the length of a run. Runs with equal names also get their rounds, and then their folder.
std::vector<std::string> legend(const std::vector<SavedRun>& runs);

/// A table for the terminal: method, step, rounds, squared gradient norm, bits per client up and down. If
/// there are runs of `gd`, also the ratio of gd's uplink bits to those of the run, at the lowest squared
/// gradient norm that both reached. The comparison uses the gd run with the same `step` if there is one, else
/// the gd run with the best result.
std::string comparison(const std::vector<SavedRun>& runs);

struct FigureOptions {
  std::string x = "uplink_bits";
  std::string y = "grad_norm_sq";
  std::string log = "y";  // the logarithmic axes
  std::string title = {};
};

/// Draws one column of the traces against another, by gnuplot. The file name's extension (svg, png, pdf)
/// determines the format. Throws InputError for an unknown column or extension, RunError if gnuplot is
/// missing or fails.
void draw(const std::vector<SavedRun>& runs, const FigureOptions& options, const std::string& path);

}  // namespace laconic
