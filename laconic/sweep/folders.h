// SPDX-License-Identifier: Apache-2.0
// The results that `laconic report` and `laconic plot` find in the given folders.
#pragma once

#include <string>
#include <vector>

namespace laconic {

struct FoundResults {
  std::vector<std::string> runs;      // folders with a trace.csv
  std::vector<std::string> sweeps;    // folders with a sweep.csv; folders below belong to the sweep
  std::vector<std::string> verdicts;  // paths of verdicts.json
  std::vector<std::string> empty;     // runs found by the search that were killed before their first row
};

/// Each folder is a run, a sweep, or is searched for runs and sweeps in order of name. Duplicates count once.
/// Throws InputError if a folder does not exist, cannot be read, or holds no result.
FoundResults find_results(const std::vector<std::string>& folders);

/// The folders of runs that a sweep stored, in its curves/ and best/, in order of name: gd-2 comes before
/// gd-10.
std::vector<std::string> runs_of_sweep(const std::string& sweep);

}  // namespace laconic
