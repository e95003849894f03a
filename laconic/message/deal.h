// SPDX-License-Identifier: Apache-2.0
// PermK's shared permutation: how the coordinates of a vector are dealt to the workers of a round.
#pragma once

#include <cstddef>

#include "laconic/core/rng.h"
#include "laconic/message/wire.h"

namespace laconic {

/// The coordinates that worker `key.worker` is dealt in the round of `key`, ascending. A pure function of
/// the key's seed, round, step and worker, dim and workers, and part of the wire format; dim, workers >= 1
/// and below 2^32, key.worker < workers. Parts of one message have steps of their own (key_of_part), and so
/// deals of their own: what one part leaves out, another may say.
///   dim >= workers: the blocks of all workers cover every coordinate once; a uniform deal with blocks of
///     floor(dim/workers) coordinates, one more for a uniform subset of the workers.
///   workers > dim: one coordinate each; floor(workers/dim) workers share a coordinate, one more share each
///     of a uniform subset of the coordinates.
/// Cost: the first call of a round on a thread deals the whole round, O(dim + workers); the span stays good
/// until that thread asks for another deal.
Indices dealt_block(const Key& key, std::size_t dim, std::size_t workers);

/// A uniform `count`-subset of dealt_block, ascending, which the worker draws for itself from the words of
/// its compressor; count is 1 at least and at most the size of the block. To one who does not look at the
/// other workers it is a uniform subset of all coordinates.
Indices dealt_subset(const Key& key, std::size_t dim, std::size_t workers, std::size_t count);

}  // namespace laconic
