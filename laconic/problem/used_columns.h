// SPDX-License-Identifier: Apache-2.0
// The columns that sparse rows have entries in. What is made once a column costs what the entries cost where
// it is made for these: data may have millions of columns, and the rows of one client few of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace laconic {

struct UsedColumns {
  std::vector<std::uint32_t> columns;  // ascending, each once
  std::vector<std::uint32_t> place;    // one an entry: the entry's column is columns[place]
};

/// Of entries in the columns `column`, each below `columns`. Time and memory follow the entries.
UsedColumns used_columns(std::span<const std::uint32_t> column, std::size_t columns);

}  // namespace laconic
