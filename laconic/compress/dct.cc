// SPDX-License-Identifier: Apache-2.0
#include "laconic/compress/dct.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace laconic {
namespace {

/// Taylor's series of cos(t) (first = 0) or sin(t) (first = 1) for |t| <= pi/4, from its smallest term on.
double series(double t, std::size_t first) {
  double sum = 1;
  for (std::size_t k = 20 + first; k > first; k -= 2)
    sum = 1 - t * t / static_cast<double>(k * (k - 1)) * sum;
  return first == 1 ? t * sum : sum;
}

/// Row k of N: sqrt(2/N) cos(pi (2 j + 1) k / (2 N)), and sqrt(1/N) for k = 0.
Vector basis_of(std::size_t N) {
  Vector basis(N * N);
  for (std::size_t k = 0; k < N; ++k) {
    const double length = std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(N));
    for (std::size_t j = 0; j < N; ++j) basis[k * N + j] = length * cosine_of_pi((2 * j + 1) * k, 2 * N);
  }
  return basis;
}

/// out[r][k] = sum_j basis[k][j] in[r][j], or with the basis transposed.
void along_rows(const Vector& basis, bool transposed, std::size_t rows, std::size_t cols, View in,
                MutView out) {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t k = 0; k < cols; ++k) {
      double sum = 0;
      for (std::size_t j = 0; j < cols; ++j)
        sum += (transposed ? basis[j * cols + k] : basis[k * cols + j]) * in[r * cols + j];
      out[r * cols + k] = sum;
    }
  }
}

/// The same along the columns.
void along_columns(const Vector& basis, bool transposed, std::size_t rows, std::size_t cols, View in,
                   MutView out) {
  fill(out, 0.0);
  for (std::size_t k = 0; k < rows; ++k) {
    for (std::size_t r = 0; r < rows; ++r)
      axpy(transposed ? basis[r * rows + k] : basis[k * rows + r], in.subspan(r * cols, cols),
           out.subspan(k * cols, cols));
  }
}

}  // namespace

double cosine_of_pi(std::size_t numerator, std::size_t denominator) {
  std::size_t m = numerator % (2 * denominator);
  if (m > denominator) m = 2 * denominator - m;  // cos(2 pi - t) = cos(t)
  const bool negative = 2 * m > denominator;     // cos(pi - t) = -cos(t)
  if (negative) m = denominator - m;
  // 0 <= m / denominator <= 1/2; beyond 1/4 it is a sine.
  const double d = static_cast<double>(denominator);
  const double value = 4 * m <= denominator
                           ? series(std::numbers::pi * static_cast<double>(m) / d, 0)
                           : series(std::numbers::pi * static_cast<double>(denominator - 2 * m) / (2 * d), 1);
  return negative ? -value : value;
}

Dct::Dct(std::vector<Tile> tiles) : tiles_(std::move(tiles)) {
  for (const Tile& tile : tiles_) {
    for (const std::size_t side : {tile.rows, tile.cols}) {
      if (!bases_.contains(side)) bases_[side] = basis_of(side);
    }
  }
}

void Dct::transform(MutView x) const { apply(x, false); }
void Dct::invert(MutView x) const { apply(x, true); }

void Dct::apply(MutView x, bool inverse) const {
  thread_local Vector in, out;  // reused, so that a round does not allocate
  for (const Tile& tile : tiles_) {
    in.resize(tile.size());
    out.resize(tile.size());
    tile.for_each([&](std::size_t place, std::size_t j) { in[place] = x[j]; });
    along_rows(bases_.at(tile.cols), inverse, tile.rows, tile.cols, in, out);
    if (tile.rows > 1) {
      in.swap(out);
      along_columns(bases_.at(tile.rows), inverse, tile.rows, tile.cols, in, out);
    }
    tile.for_each([&](std::size_t place, std::size_t j) { x[j] = out[place]; });
  }
}

}  // namespace laconic
