// SPDX-License-Identifier: Apache-2.0
// What `laconic report` finds in the folders that it is given.
#pragma once

#include <string>
#include <vector>

namespace laconic {

struct Found {
  std::vector<std::string> runs;      // folders with a trace.csv
  std::vector<std::string> sweeps;    // folders with a sweep.csv; what is below them is theirs
  std::vector<std::string> verdicts;  // files verdicts.json
  std::vector<std::string> empty;     // runs below a folder that were killed before their first row
};

/// Each folder is a run, a sweep, or searched for those, by name; what is found twice counts once. Throws InputError
/// where a folder is not there, cannot be read, or holds none of it.
Found find_results(const std::vector<std::string>& folders);

}  // namespace laconic
