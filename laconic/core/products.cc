// SPDX-License-Identifier: Apache-2.0
// C is computed in tiles. The sums of a tile are in registers while k runs: a few rows of A, of which single entries
// are read, times a panel of B, of which whole vectors are read. A panel that does not have whole vectors in
// place is copied. The blocks of k are so short that a panel stays in the first cache, and the blocks of rows
// so few that the rows of A stay in the second one.
#include "laconic/core/products.h"

#include <algorithm>

#include "laconic/core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/core/products.cc"
#include "laconic/core/transpose.h"
#include "laconic/core/widest.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

constexpr std::size_t kRows = kRegisters == 32 ? 8 : kWidestBytes == 32 ? 6 : 4;  // of a tile
constexpr std::size_t kVectors = 2;                                               // of a row of a tile
constexpr std::size_t kDepth = 16384 / (kVectors * kWidestBytes);                 // of a panel: 16 KB
constexpr std::size_t kRowsOfBlock = 240;
/// With more tiles than this in a column it pays to copy a panel, so that its rows lie side by side.
constexpr std::size_t kRowsToCopy = 8 * kRows;

template <class Real>
constexpr std::size_t kWidth = kVectors* kWidestLanes<Real>;  // of a panel

/// What all tiles of a panel share.
template <class Real>
struct Panel {
  const Real* b;
  std::size_t b_step, depth;
  std::size_t a_row_step, a_column_step;
  std::size_t width;  // columns of C
  bool add;           // to what is in C
};

/// M rows and N vectors of C, from the row of A at `a` on.
template <std::size_t M, std::size_t N, class Real>
void tile(const Panel<Real>& panel, const Real* a, Real* c, std::size_t c_step) {
  constexpr std::size_t kLanes = kWidestLanes<Real>;
  Widest<Real> sum[M][N];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < N; ++v)
      sum[i][v] = panel.add ? load_widest(c + i * c_step + v * kLanes) : Widest<Real>{};
  }
  const Real* b = panel.b;
  const std::size_t b_step = panel.b_step, a_row_step = panel.a_row_step, a_column_step = panel.a_column_step;
  const Real* row[M];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < M; ++i) row[i] = a + i * a_row_step;
  std::size_t at = 0;
  for (std::size_t k = panel.depth; k > 0; --k) {
    Widest<Real> of_b[N];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < N; ++v) of_b[v] = load_widest(b + v * kLanes);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < M; ++i) {
      const Widest<Real> of_a = row[i][at] - Widest<Real>{};
#pragma GCC unroll 8
      for (std::size_t v = 0; v < N; ++v) sum[i][v] = fused(of_a, of_b[v], sum[i][v]);
    }
    b += b_step;
    at += a_column_step;
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < M; ++i) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < N; ++v) store_widest(sum[i][v], c + i * c_step + v * kLanes);
  }
}

/// The same for a panel with fewer columns than N vectors have lanes.
template <std::size_t M, std::size_t N, class Real>
void narrow_tile(const Panel<Real>& panel, const Real* a, Real* c, std::size_t c_step) {
  constexpr std::size_t kStep = N * kWidestLanes<Real>;
  Real whole[M * kStep] = {};
  if (panel.add)
    for (std::size_t i = 0; i < M; ++i) std::copy_n(c + i * c_step, panel.width, whole + i * kStep);
  tile<M, N>(panel, a, whole, kStep);
  for (std::size_t i = 0; i < M; ++i) std::copy_n(whole + i * kStep, panel.width, c + i * c_step);
}

/// All tiles of a panel, with M rows each; then those with fewer rows.
template <std::size_t M, std::size_t N, class Real>
void tiles(const Panel<Real>& panel, const Real* a, std::size_t rows, Real* c, std::size_t c_step) {
  const bool whole = panel.width == N * kWidestLanes<Real>;
  std::size_t i = 0;
  for (; i + M <= rows; i += M) {
    const auto& compute = whole ? tile<M, N, Real> : narrow_tile<M, N, Real>;
    compute(panel, a + i * panel.a_row_step, c + i * c_step, c_step);
  }
  if constexpr (M > 1) {
    if (i < rows) tiles<M / 2, N>(panel, a + i * panel.a_row_step, rows - i, c + i * c_step, c_step);
  }
}

/// Rows of a panel from the columns of B, which are contiguous.
template <class Real>
void copy_columns(const Real* from, std::size_t column_step, std::size_t depth, std::size_t columns, Real* to,
                  std::size_t width) {
  constexpr std::size_t kSide = Square<Real>::kSide;
  std::size_t j = 0;
  for (; j + kSide <= columns; j += kSide) {
    std::size_t k = 0;
    for (; k + kSide <= depth; k += kSide) {
      Square<Real> square = load_square(from + j * column_step + k, column_step);
      transpose(square);
      store_square(square, to + k * width + j, width);
    }
    for (; k < depth; ++k)
      for (std::size_t i = j; i < j + kSide; ++i) to[k * width + i] = from[i * column_step + k];
  }
  for (; j < columns; ++j)
    for (std::size_t k = 0; k < depth; ++k) to[k * width + j] = from[j * column_step + k];
}

/// B's rows k .. and columns j .., copied into rows of `width` numbers, of which the last may be 0.
template <class Real>
void copy(const MatrixView<const Real>& b, std::size_t k, std::size_t depth, std::size_t j,
          std::size_t columns, Real* to, std::size_t width) {
  const Real* const from = b.data + k * b.row_step + j * b.column_step;
  if (columns < width) std::fill_n(to, depth * width, Real{});
  if (b.row_step == 1) return copy_columns(from, b.column_step, depth, columns, to, width);
  for (std::size_t i = 0; i < depth; ++i)
    for (std::size_t l = 0; l < columns; ++l) to[i * width + l] = from[i * b.row_step + l * b.column_step];
}

template <class Real>
void compute(const MatrixView<const Real>& a, const MatrixView<const Real>& b, const MatrixView<Real>& c,
             bool add) {
  thread_local AlignedNumbers<Real> copied(kDepth * kWidth<Real>);
  for (std::size_t i = 0; i < c.rows; i += kRowsOfBlock) {
    const std::size_t rows = std::min(kRowsOfBlock, c.rows - i);
    for (std::size_t k = 0; k < a.columns; k += kDepth) {
      const std::size_t depth = std::min(kDepth, a.columns - k);
      for (std::size_t j = 0; j < c.columns; j += kWidth<Real>) {
        Panel<Real> panel{.b = b.data + k * b.row_step + j,
                          .b_step = b.row_step,
                          .depth = depth,
                          .a_row_step = a.row_step,
                          .a_column_step = a.column_step,
                          .width = std::min(kWidth<Real>, c.columns - j),
                          .add = add || k > 0};
        const bool one = panel.width <= kWidestLanes<Real>;
        const std::size_t width = one ? kWidestLanes<Real> : kWidth<Real>;
        if (b.column_step != 1 || panel.width < width || rows > kRowsToCopy) {
          copy(b, k, depth, j, panel.width, copied.data(), width);
          panel.b = copied.data();
          panel.b_step = width;
        }
        const auto& run = one ? tiles<kRows, 1, Real> : tiles<kRows, kVectors, Real>;
        run(panel, a.data + i * a.row_step + k * a.column_step, rows, c.data + i * c.row_step + j,
            c.row_step);
      }
    }
  }
}

void compute_floats(const MatrixView<const float>& a, const MatrixView<const float>& b,
                    const MatrixView<float>& c, bool add) {
  compute(a, b, c, add);
}
void compute_doubles(const MatrixView<const double>& a, const MatrixView<const double>& b,
                     const MatrixView<double>& c, bool add) {
  compute(a, b, c, add);
}

}  // namespace
}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(compute_floats);
HWY_EXPORT(compute_doubles);

template <class Real>
void compute(const MatrixView<const Real>& a, const MatrixView<const Real>& b, const MatrixView<Real>& c,
             bool add) {
  check(a.rows == c.rows && b.columns == c.columns && a.columns == b.rows, "matrices do not fit");
  check(c.column_step == 1 || c.columns <= 1, "the rows of a product must be contiguous");
  if (a.columns == 0) {
    for (std::size_t i = 0; i < c.rows && !add; ++i) std::fill_n(c.data + i * c.row_step, c.columns, Real{});
  } else if constexpr (sizeof(Real) == sizeof(float)) {
    HWY_DYNAMIC_DISPATCH(compute_floats)(a, b, c, add);
  } else {
    HWY_DYNAMIC_DISPATCH(compute_doubles)(a, b, c, add);
  }
}

}  // namespace

void multiply(const MatrixView<const float>& a, const MatrixView<const float>& b,
              const MatrixView<float>& c) {
  compute(a, b, c, false);
}
void multiply(const MatrixView<const double>& a, const MatrixView<const double>& b,
              const MatrixView<double>& c) {
  compute(a, b, c, false);
}
void add_product(const MatrixView<const float>& a, const MatrixView<const float>& b,
                 const MatrixView<float>& c) {
  compute(a, b, c, true);
}
void add_product(const MatrixView<const double>& a, const MatrixView<const double>& b,
                 const MatrixView<double>& c) {
  compute(a, b, c, true);
}

}  // namespace laconic
#endif
