// SPDX-License-Identifier: Apache-2.0
// Rows of a data set without labels: the data that a problem keeps of a shard.
#pragma once

#include <cstdint>
#include <vector>

#include "laconic/core/vec.h"
#include "laconic/data/dataset.h"

namespace laconic {

/// Rows as the data set has them: a byte a pixel, or sparse.
struct KeptRows {
  bool images;
  std::vector<std::uint8_t> pixel;  // of images, row by row
  SparseRows sparse;                // of other rows; a value an entry
  Vector squares;                   // of each row: the sum of its squared features
};

KeptRows keep_rows(const Dataset& data, const std::vector<std::uint32_t>& rows);

}  // namespace laconic
