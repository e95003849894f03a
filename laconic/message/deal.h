// SPDX-License-Identifier: Apache-2.0
// How the coordinates of a vector are dealt to the clients of a round: by PermK's shared permutation, or to
// several owners each.
#pragma once

#include <cstddef>

#include "laconic/core/rng.h"
#include "laconic/message/wire.h"

namespace laconic {

/// The coordinates dealt to client `key.client` in the round of `key`, ascending. A pure function of the
/// key's seed, round, step and client, dim and clients, and part of the wire format. dim, clients >= 1 and
/// below 2^32, key.client < clients. The parts of one message have different steps (key_of_part), hence
/// different deals: one part may hold coordinates that the other omits.
///   dim >= clients: the blocks of all clients cover every coordinate once. The deal is uniform with blocks
///     of floor(dim/clients) coordinates; a uniform subset of the clients gets one more.
///   clients > dim: one coordinate each. floor(clients/dim) clients share a coordinate; each of a uniform
///     subset of the coordinates is shared by one more client.
/// Cost: the first call of a round on a thread deals the whole round, O(dim + clients). The span stays valid
/// until that thread requests another deal.
Indices dealt_block(const Key& key, std::size_t dim, std::size_t clients);

/// A uniform `count`-subset of dealt_block, ascending, which the client draws for itself from the random
/// words of its compressor. 1 <= count <= size of the block. Taken alone, without the other clients, it is a
/// uniform subset of all coordinates.
Indices dealt_subset(const Key& key, std::size_t dim, std::size_t clients, std::size_t count);

/// The coordinates that client `key.client` owns in the round of `key`, ascending, where each coordinate has
/// `owners` owners: coordinate k belongs to the clients pi[(owners k + j) mod clients], j < owners, for a
/// uniform permutation pi of the clients that they share (CompressedScaffnew, arXiv 2210.13277). A client
/// owns floor or ceil of owners * dim / clients coordinates. A pure function of the key's seed, round and
/// client and of the numbers, and part of the wire format. 1 <= owners <= clients < 2^32, key.client <
/// clients. Cost: the first call of a round on a thread draws pi; O(dim). The span stays valid until that
/// thread requests another one.
Indices owned_coordinates(const Key& key, std::size_t dim, std::size_t clients, std::size_t owners);

}  // namespace laconic
