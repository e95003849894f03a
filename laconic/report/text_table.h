// SPDX-License-Identifier: Apache-2.0
// A table for the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace laconic {

/// One line a row, all rows as long as the first; as many columns from the left as `words` stand on the left,
/// the others on the right.
std::string text_table(const std::vector<std::vector<std::string>>& cells, std::size_t words);

}  // namespace laconic
