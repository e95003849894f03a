// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/used_columns.h"

#include <algorithm>

namespace laconic {

UsedColumns used_columns(std::span<const std::uint32_t> column, std::size_t columns) {
  UsedColumns used;
  used.place.reserve(column.size());
  if (columns / 4 <= column.size()) {  // a table of all columns is at most about as long as the entries
    std::vector<std::uint32_t> place(columns, 0);
    for (const std::uint32_t c : column) place[c] = 1;
    for (std::size_t c = 0; c < columns; ++c) {
      if (place[c] == 0) continue;
      place[c] = static_cast<std::uint32_t>(used.columns.size());
      used.columns.push_back(static_cast<std::uint32_t>(c));
    }
    for (const std::uint32_t c : column) used.place.push_back(place[c]);
    return used;
  }
  used.columns.assign(column.begin(), column.end());
  std::sort(used.columns.begin(), used.columns.end());
  used.columns.erase(std::unique(used.columns.begin(), used.columns.end()), used.columns.end());
  used.columns.shrink_to_fit();
  for (const std::uint32_t c : column) {
    const auto at = std::lower_bound(used.columns.begin(), used.columns.end(), c);
    used.place.push_back(static_cast<std::uint32_t>(at - used.columns.begin()));
  }
  return used;
}

}  // namespace laconic
