// SPDX-License-Identifier: Apache-2.0
// Matrices within a vector.
#pragma once

#include <cstddef>

namespace laconic {

/// The coordinates offset .. offset + rows * cols - 1 of a vector are a matrix, row by row. The last matrix
/// of a vector may end behind the vector, by less than a row: its entries there are 0.
struct MatrixBlock {
  /// The place of the matrix in a network: between two hidden layers, of the inputs, or of the outputs. Rules
  /// for matrices, such as Muon, leave embeddings and heads out.
  enum class Kind { hidden, embedding, head };

  std::size_t offset = 0;
  std::size_t rows = 0;
  std::size_t cols = 0;
  Kind kind = Kind::hidden;

  friend bool operator==(const MatrixBlock&, const MatrixBlock&) = default;
};

}  // namespace laconic
