// SPDX-License-Identifier: Apache-2.0
// Products of dense matrices. Each entry of C is computed as
//   c = 0, or the entry's old value;   c = fma(a_ik, b_kj, c) for k = 0, 1, ...
// so its bits depend neither on the blocks in which the products are computed, nor on the caches, nor on the
// width of vectors: the targets v3 and v4 (cpu.h) give the same bits. A baseline target without fused
// multiply-add rounds the product and the sum: other bits, but again the same for all blocks.
#pragma once

#include <cstddef>

namespace laconic {

/// A matrix somewhere in memory: entry (i, j) is data[i * row_step + j * column_step].
template <class Real>
struct MatrixView {
  Real* data;
  std::size_t rows, columns;
  std::size_t row_step;
  std::size_t column_step = 1;

  [[nodiscard]] MatrixView transposed() const { return {data, columns, rows, column_step, row_step}; }
};

/// C = A B. The rows of C are contiguous (column_step = 1), and C overlaps neither A nor B.
void multiply(const MatrixView<const float>& a, const MatrixView<const float>& b, const MatrixView<float>& c);
void multiply(const MatrixView<const double>& a, const MatrixView<const double>& b,
              const MatrixView<double>& c);

/// C += A B.
void add_product(const MatrixView<const float>& a, const MatrixView<const float>& b,
                 const MatrixView<float>& c);
void add_product(const MatrixView<const double>& a, const MatrixView<const double>& b,
                 const MatrixView<double>& c);

}  // namespace laconic
