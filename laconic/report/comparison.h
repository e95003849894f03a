// SPDX-License-Identifier: Apache-2.0
// The table that compares runs.
#pragma once

#include <string>
#include <vector>

#include "laconic/report/saved_run.h"

namespace laconic {

enum class TableFormat { text, latex };

/// A row for each setting: method, step, rounds, squared gradient norm, bits per client up and down; where
/// some run has them, also the accuracy on the test set and the modelled seconds. Several seeds are a row with
/// mean and sample deviation, and equal rows are one.
///
/// If there are runs of `gd`, also the ratio of gd's uplink bits to those of the run, at the lowest squared
/// gradient norm that both reached. The comparison uses the gd run with the same `step` if there is one, else
/// the gd run with the best result.
///
/// Text ends with a sentence about that ratio, LaTeX is a tabular.
std::string comparison(const std::vector<SavedRun>& runs, TableFormat format = TableFormat::text);

}  // namespace laconic
