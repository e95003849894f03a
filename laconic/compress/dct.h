// SPDX-License-Identifier: Apache-2.0
// The orthonormal discrete cosine transform (DCT-II) of each tile of a vector: along its rows, and along its
// columns where it has several rows. By + * / sqrt only, so that all CPUs compute the same bits.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "laconic/compress/tiles.h"
#include "laconic/core/vec.h"

namespace laconic {

class Dct {
 public:
  /// The tiles must cover the vector. Memory: N^2 numbers for each side N of a tile.
  explicit Dct(std::vector<Tile> tiles);

  [[nodiscard]] const std::vector<Tile>& tiles() const { return tiles_; }

  /// x = its coefficients; a tile of r x c costs r c (r + c) multiplications.
  void transform(MutView x) const;
  /// x = the vector with these coefficients.
  void invert(MutView x) const;

 private:
  void apply(MutView x, bool inverse) const;

  std::vector<Tile> tiles_;
  std::map<std::size_t, Vector> bases_;  // of each side: row k is the k-th cosine
};

/// cos(pi numerator / denominator), to about the last digit. denominator >= 1.
double cosine_of_pi(std::size_t numerator, std::size_t denominator);

}  // namespace laconic
