// SPDX-License-Identifier: Apache-2.0
// Runs read back from their folders, side by side: as a table and as a figure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "laconic/report/trace.h"

namespace laconic {

/// A run as its folder has it.
struct SavedRun {
  std::string folder;
  std::vector<std::pair<std::string, std::string>> description;
  Table trace;

  [[nodiscard]] std::string value(const std::string& key) const;  // of the description; "" when not there
  [[nodiscard]] double last(const std::string& column) const;     // of the trace; 0 when not there
};

/// Reads trace.csv and summary.json; where a killed run left no summary, the folder's name stands in for the
/// method. Throws InputError where the folder holds no run.
SavedRun read_run(const std::string& folder);

/// One name a run: its method, then those keys in which runs of the same method differ, but for how long they ran. That
/// and the folder tell apart those that are alike otherwise.
std::vector<std::string> legend(const std::vector<SavedRun>& runs);

/// A table for the terminal: method, step, rounds, squared gradient norm, bits per client up and down. Where
/// runs of `gd` are among them, also how many times fewer uplink bits a run needed to the lowest squared
/// gradient norm that it and gd both reached; against the gd with the same `step` where there is one, else
/// against the gd that fares best.
std::string comparison(const std::vector<SavedRun>& runs);

struct FigureOptions {
  std::string x = "uplink_bits";
  std::string y = "grad_norm_sq";
  std::string log = "y";  // which axes are logarithmic: "", "x", "y" or "xy"
  std::string title = {};
};

/// Draws one column of the traces against another, through gnuplot; the file's ending (svg, png, pdf) chooses
/// the format. Throws InputError for an unknown column or ending, RunError where gnuplot is missing or fails.
void draw(const std::vector<SavedRun>& runs, const FigureOptions& options, const std::string& path);

}  // namespace laconic
