// SPDX-License-Identifier: Apache-2.0
// Matrices within a vector.
#pragma once

#include <cstddef>

namespace laconic {

/// The coordinates offset .. offset + rows * cols - 1 of a vector are a matrix, row by row. The last matrix
/// of a vector may end behind the vector, by less than a row: its entries there are 0.
struct MatrixBlock {
  std::size_t offset = 0;
  std::size_t rows = 0;
  std::size_t cols = 0;

  friend bool operator==(const MatrixBlock&, const MatrixBlock&) = default;
};

}  // namespace laconic
