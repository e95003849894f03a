// SPDX-License-Identifier: Apache-2.0
// A run as the page of `laconic report` has it.
#pragma once

#include <cstddef>
#include <string>

#include "laconic/report/figures.h"

namespace laconic {

struct PageRun {
  SavedRun saved;        // its trace thinned, with `seconds`, of timing.csv, as one more column
  std::size_t rows = 0;  // that the trace had
  std::string facts;     // what summary.json says, and theory next to what was measured: a JSON object

  /// The problem, clients and split: runs that have these in common compare. "" where they are not known.
  [[nodiscard]] std::string scene() const;
};

/// At most `limit` rows of the run, but for those that rows_to_show() adds. A run that was killed has no summary: then
/// run.toml describes it. Throws InputError where a file is not what it should be.
PageRun read_page_run(const std::string& folder, std::size_t limit);

/// The run as a JSON object: its facts, the label, the number of its group, and at most `limit` of its rows.
/// Columns are texts of numbers with spaces between, of six digits; of one that is 0 throughout the text is "0",
/// and where that says that the run has none of it (network_seconds: no clock), it is left out.
std::string json_of(const PageRun& run, const std::string& label, std::size_t group, std::size_t limit);

}  // namespace laconic
