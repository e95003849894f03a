// SPDX-License-Identifier: Apache-2.0
// Loops over the coordinates of long vectors, in blocks that the threads of a pool share. The blocks depend
// on the length of the vectors alone, and sums over blocks run in ascending order. So no result depends on
// the number of threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "laconic/core/parallel.h"
#include "laconic/core/range.h"
#include "laconic/core/vec.h"

namespace laconic {

/// The number of coordinates in a block; the last block has the rest. A part of every result: a change
/// changes the rounding of sums.
inline constexpr std::size_t kBlock = 1024;

constexpr std::size_t blocks_of(std::size_t dim) { return (dim + kBlock - 1) / kBlock; }

inline View part(View v, Range range) { return v.subspan(range.begin, range.size()); }
inline MutView part(MutView v, Range range) { return v.subspan(range.begin, range.size()); }

/// Calls body(b, range) once for each block b, on any thread and in any order. `range` has the coordinates of
/// the block.
template <class Body>
void for_each_block(std::size_t dim, ThreadPool& pool, Body&& body) {
  pool.for_each(blocks_of(dim), [&](std::size_t b) {
    body(b, Range{b * kBlock, std::min((b + 1) * kBlock, dim)});
  });
}

/// `count` sums over the coordinates. terms(range, out) overwrites the `count` entries of `out` with the
/// terms of one block, as for_each_block() calls its body. They are added in ascending order of blocks. Holds
/// the terms of all blocks at once: count * blocks_of(dim) numbers.
template <class Terms>
Vector sums_of_blocks(std::size_t dim, std::size_t count, ThreadPool& pool, Terms&& terms) {
  Vector of_block(blocks_of(dim) * count);
  for_each_block(dim, pool, [&](std::size_t b, Range range) {
    terms(range, MutView(of_block).subspan(b * count, count));
  });
  Vector sums(count, 0.0);
  for (std::size_t b = 0; b < blocks_of(dim); ++b) axpy(1, View(of_block).subspan(b * count, count), sums);
  return sums;
}

}  // namespace laconic
