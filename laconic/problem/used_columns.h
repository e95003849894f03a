// SPDX-License-Identifier: Apache-2.0
// The columns in which sparse rows have entries. Data may have millions of columns and the rows of one client
// few of them: work done for each used column costs no more than the entries do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace laconic {

struct UsedColumns {
  std::vector<std::uint32_t> columns;  // ascending, without repetition
  std::vector<std::uint32_t> place;    // one for each entry: its column is columns[place]
};

/// The columns used by entries in the columns `column`, each below `columns`. Time and memory are
/// proportional to the number of entries.
UsedColumns used_columns(std::span<const std::uint32_t> column, std::size_t columns);

}  // namespace laconic
