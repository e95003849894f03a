// SPDX-License-Identifier: Apache-2.0
// The page about runs and sweeps, for `laconic report` and for other verbs that write a page.
#pragma once

#include <string>
#include <vector>

namespace laconic {

/// Writes the page about the results in these folders to `out`. Its name must end in .html. Makes the
/// folder of `out` if needed; links are followed. Returns a report line: "98 runs, 15 sweeps, 1.79 MB ->
/// x.html". Throws InputError if a folder holds nothing to show, if `out` cannot be written or does not name
/// an HTML file, or if the program has no charting library.
std::string write_report(const std::vector<std::string>& folders, const std::string& title,
                         const std::string& out);

}  // namespace laconic
