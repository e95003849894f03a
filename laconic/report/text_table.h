// SPDX-License-Identifier: Apache-2.0
// A table for the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace laconic {

/// One line for each row. All rows must have the length of the first. The first `words` columns are
/// left-aligned, the others right-aligned. `notes`, one for each row or none, follow behind the rows.
std::string text_table(const std::vector<std::vector<std::string>>& cells, std::size_t words,
                       const std::vector<std::string>& notes = {});

}  // namespace laconic
