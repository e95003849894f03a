// SPDX-License-Identifier: Apache-2.0
// The page about runs and sweeps, for the verb `report` and for what leaves a page of its own.
#pragma once

#include <string>
#include <vector>

namespace laconic {

/// Writes the page about what is in these folders to `out`, whose name ends in .html; its folder is made where it
/// is missing, and a link is followed. Returns what to say of it: "98 runs, 15 sweeps, 1.79 MB -> x.html". Throws
/// InputError where a folder holds nothing to show, `out` cannot be written or is no page to be, or the program
/// is without charts.
std::string write_report(const std::vector<std::string>& folders, const std::string& title,
                         const std::string& out);

}  // namespace laconic
