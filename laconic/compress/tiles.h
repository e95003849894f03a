// SPDX-License-Identifier: Apache-2.0
// A vector in small tiles, none of which is in two tensors: pieces of its matrices, and of the stretches
// between them.
#pragma once

#include <cstddef>
#include <vector>

#include "laconic/compress/compressor.h"

namespace laconic {

/// The coordinates offset + r * stride + c for r < rows, c < cols.
struct Tile {
  std::size_t offset = 0;
  std::size_t rows = 1;
  std::size_t cols = 0;
  std::size_t stride = 0;
  std::size_t tensor = 0;  // the number of its matrix or stretch

  [[nodiscard]] std::size_t size() const { return rows * cols; }

  /// Calls take(place in the tile, coordinate) row by row.
  template <class Take>
  void for_each(Take&& take) const {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) take(r * cols + c, offset + r * stride + c);
    }
  }
};

/// Tiles of at most `size` coordinates: consecutive ones outside of matrices, and in matrices squares of side
/// floor(sqrt(size)). Those at the ends are smaller. size >= 1.
std::vector<Tile> tiles_of_size(const CompressorSetting& setting, std::size_t size);

/// Equal tiles in each tensor, as DeMo has them: each side is the largest divisor of the side of the tensor
/// that is at most `side`. side >= 1.
std::vector<Tile> equal_tiles(const CompressorSetting& setting, std::size_t side);

}  // namespace laconic
