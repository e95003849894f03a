// SPDX-License-Identifier: Apache-2.0
// A run as the page of `laconic report` has it.
#pragma once

#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "laconic/report/figures.h"

namespace laconic::cli {

struct PageRun {
  SavedRun saved;                // its trace thinned, with `seconds`, of timing.csv, as one more column
  std::size_t rows = 0;          // that the trace had
  nlohmann::ordered_json facts;  // what summary.json says, and theory next to what was measured

  /// The problem, clients and split: runs that have these in common compare. "" where they are not known.
  [[nodiscard]] std::string scene() const;
};

/// At most `limit` rows of the run, but for those that rows_to_show() adds. A run that was killed has no summary: then
/// run.toml describes it. Throws InputError where a file is not what it should be.
PageRun read_page_run(const std::string& folder, std::size_t limit);

/// The run as JSON: its facts and, where `limit` rows are fewer than it has still, those. Columns are texts of numbers
/// with spaces between, of six digits; one that is 0 throughout is left out, unless it is f.
nlohmann::ordered_json json_of(const PageRun& run, const std::string& label, std::size_t limit);

}  // namespace laconic::cli
