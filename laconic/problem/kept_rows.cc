// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/kept_rows.h"

#include <variant>

#include "laconic/problem/model.h"

namespace laconic {

KeptRows keep_rows(const Dataset& data, const std::vector<std::uint32_t>& rows) {
  const auto* const images = std::get_if<PixelRows>(&data.features);
  KeptRows kept{.images = images != nullptr, .pixel = {}, .sparse = {}, .squares = {}};
  for (const std::uint32_t row : rows) {
    double squares = 0;
    for_each_entry(data, row, [&](std::uint32_t column, double value) {
      squares += value * value;
      if (images != nullptr) return;
      kept.sparse.column.push_back(column);
      kept.sparse.value.push_back(value);
    });
    kept.squares.push_back(squares);
    if (images != nullptr) {
      const std::uint8_t* const first = images->pixel.data() + data.place_of(row) * data.columns;
      kept.pixel.insert(kept.pixel.end(), first, first + data.columns);
    } else {
      kept.sparse.begin.push_back(kept.sparse.column.size());
    }
  }
  kept.pixel.shrink_to_fit();
  kept.sparse.column.shrink_to_fit();
  kept.sparse.value.shrink_to_fit();
  return kept;
}

}  // namespace laconic
