// SPDX-License-Identifier: Apache-2.0
// Products with some rows of a matrix without zeros. Row i has the values i columns to (i + 1) columns - 1.
// For sampled rows, and for shards with too few rows to be packed (packed_rows.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "laconic/core/vec.h"

namespace laconic {

/// out[k] = a'x, a the row at rows[k]; x has a number for each column. Costs 2 flops a value.
void multiply_dense_rows(View values, std::span<const std::uint32_t> rows, View x, MutView out);

/// out += coefficient[0] a + coefficient[1] b + ..., a and b the rows at rows[0] and rows[1], added in this
/// order; `out` has a number for each column. Costs 2 flops a value.
void add_dense_rows(View values, std::span<const std::uint32_t> rows, View coefficient, MutView out);

}  // namespace laconic
