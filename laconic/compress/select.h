// SPDX-License-Identifier: Apache-2.0
// Exact selection of the largest entries of a vector, at about the cost of reading it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "laconic/core/vec.h"

namespace laconic {

/// Some coordinates of a vector with their values; indices are ascending.
struct Entries {
  std::vector<std::uint32_t> index;
  std::vector<double> value;
};

/// out = the `count` entries of x that are largest in absolute value; ties go to the lowest index. count <=
/// x.size() < 2^32. (-0.0 ties with 0.0; NaN counts as larger than infinity.) Cost: one pass over x and
/// O(count) on ordinary input; a few passes on any input. Few entries (2048) may be read many times.
void largest_entries(AnyView x, std::size_t count, Entries& out);

/// The same for a - b, computed in doubles and not stored; one pass over each. Both have the same width.
void largest_entries_of_difference(AnyView a, AnyView b, std::size_t count, Entries& out);

}  // namespace laconic
