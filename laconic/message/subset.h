// SPDX-License-Identifier: Apache-2.0
// A uniform subset that both ends of a message draw, so that its indices need not be sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "laconic/core/rng.h"

namespace laconic {

/// support = a uniform `count`-subset of {0, .., dim-1}, ascending; count <= dim < 2^32. A pure function of
/// its arguments and part of the wire format: the first `count` distinct draws from the start of the stream.
/// A word w gives the draw floor(w dim / 2^32); a word with w dim mod 2^32 < 2^32 mod dim is skipped, so that
/// all draws are equally likely. If count > dim/2, the first dim - count distinct draws are the complement of
/// the support. Cost: count random bits set in a bitmap of dim bits and one pass over it; count log(count)
/// where that is less.
void draw_subset(const Stream& stream, std::size_t count, std::size_t dim,
                 std::vector<std::uint32_t>& support);

}  // namespace laconic
