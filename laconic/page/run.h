// SPDX-License-Identifier: Apache-2.0
// A run, as shown on the page of `laconic report`.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "laconic/report/saved_run.h"

namespace laconic {

struct PageRun {   // NOLINT(bugprone-exception-escape): the move constructor of a JSON value does not throw
  SavedRun saved;  // its thinned trace, with two more columns: the seconds of timing.csv, and the gap
  std::size_t rows = 0;  // number of rows of the full trace
  // an object: the content of summary.json, and the theory next to the measured values
  nlohmann::ordered_json facts;

  /// Problem, clients and split: runs that agree in these are compared. "" if they are not known.
  [[nodiscard]] std::string workload() const;
};

/// Reads at most `limit` rows of the run, plus those that rows_to_show() adds. A run that was killed has no
/// summary; then its description is taken from run.toml. Throws InputError if a file is malformed.
PageRun read_page_run(const std::string& folder, std::size_t limit);

/// The run as an object: its facts, the label, the number of its group, and at most `limit` of its rows.
/// A column is a text of numbers with six digits, separated by spaces. A column that is 0 throughout is "0";
/// if that means that the run has no such quantity (network_seconds: no clock), the column is left out.
nlohmann::ordered_json json_of(const PageRun& run, const std::string& label, std::size_t group,
                               std::size_t limit);

}  // namespace laconic
