// SPDX-License-Identifier: Apache-2.0
// Writers of the wire formats: what a compressor calls to say its vector. The formats themselves are
// described in docs/wire_format.md; decode_add (message.h) reads them all.
//
// Each writer overwrites `out`, reusing its buffer, and rounds values to the wire's width. Values beyond the
// range of f32 become infinite there, as a conversion does: the driver notices. Cost: one pass over what is
// given.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

/// Coordinates of a vector, each below 2^32; ascending and distinct wherever a list of them says a support.
using Indices = std::span<const std::uint32_t>;

/// Messages are for vectors shorter than this.
inline constexpr std::size_t kDimLimit = std::size_t{1} << 32;
/// Counts in headers have three bytes.
inline constexpr std::size_t kHeaderCountLimit = std::size_t{1} << 24;
/// Permutation blocks are for fewer workers than this: whoever reads one deals to all of them, so a
/// forged n must not cost much.
inline constexpr std::size_t kDealtWorkersLimit = std::size_t{1} << 20;

/// All values, in order.
void write_dense(Wire wire, View values, Message& out);

/// All sums a + b, in order.
void write_dense_sum(Wire wire, View a, View b, Message& out);

/// The zero vector, in one byte.
void write_nothing(Wire wire, Message& out);

/// The values on the support that draw_subset (subset.h) finds at the message's key: no indices travel. At
/// least one.
void write_seeded_subset(Wire wire, View values, Message& out);

/// The values on the block that the round's shared permutation deals to worker `key.worker` of `workers`; or,
/// where they are fewer, on the subset of it that dealt_subset (deal.h) finds. At least one.
void write_permutation_block(Wire wire, std::size_t workers, View values, Message& out);

/// The values on any support, which travels too: as Golomb-coded gaps, or as a bitmap where that is shorter.
void write_sparse(Wire wire, std::size_t dim, Indices support, View values, Message& out);

/// Each entry of x rounded to a neighbouring power of two, without bias, by the random words of the stream: 9
/// bits a value (f32) or 12 (f64).
void write_natural(Wire wire, const Stream& stream, View x, Message& out);

/// c sign(x), c = |x|_1/d: a value, and a bit a coordinate. The sign of a zero, also of -0.0, is +.
void write_sign(Wire wire, View x, Message& out);
/// The same with a c for each block of so many coordinates, a multiple of 8 below 2^24; the last may be
/// shorter.
void write_block_sign(Wire wire, std::size_t block, View x, Message& out);
/// c sign(x) with c = known_scale(c), which all know: a bit a coordinate.
void write_known_sign(Wire wire, double c, View x, Message& out);

/// The least number >= c that three bytes hold: an f32 without the last 8 bits. 0 < c <= 3.2e38.
double known_scale(double c);

// Signs drawn so that c times the sign has mean x_j: + with probability 1/2 + x_j / (2 c), to 2^-33, by word
// j of the stream. c >= max |x_j|, or entries beyond it count as it. A vector with a c beyond the wire's
// range, or with an entry that is not a number, travels dense. One or two passes over x.

/// c is rounded up to the wire's width, and that is what x is measured by.
void write_random_sign(Wire wire, double c, const Stream& stream, View x, Message& out);
/// A c for each block of so many coordinates, as above, and it is the largest |x_j| there.
void write_random_block_sign(Wire wire, std::size_t block, const Stream& stream, View x, Message& out);
/// x is measured by c, and the message says known_scale(said) in its place.
void write_random_known_sign(Wire wire, double c, double said, const Stream& stream, View x, Message& out);
/// The largest |x_j|; infinity or NaN where an entry is.
double largest_size(View x);

/// Levels s of write_uniform_levels, 1 at least: a coordinate has 16 bits at most.
inline constexpr std::size_t kUniformLevelLimit = (std::size_t{1} << 15) - 1;
/// Levels s of write_power_levels: a coordinate has 8 bits at most. Lower ones hardly occur.
inline constexpr std::size_t kPowerLevelLimit = (std::size_t{1} << 7) - 1;

/// Each entry of x rounded to a neighbouring multiple of |x|/s, without bias, by the random words of the
/// stream: a value and bits_per_level(s) bits a coordinate. For these two writers,
///   the value (|x|/s, or |x|) is rounded up to the wire's width, and it is what x is measured by, so that no
///     entry exceeds the highest level and narrow wires do not bias the result;
///   a vector whose norm is beyond the wire's range, or is not a number, travels dense;
///   probabilities are right to 2^-32, so entries below 2^-32 of a level become zero.
/// Cost: two passes over x.
void write_uniform_levels(Wire wire, std::size_t s, const Stream& stream, View x, Message& out);

/// Each entry of x rounded to one of its neighbours among 0 and |x| 2^-(s-1), .., |x|/2, |x|.
void write_power_levels(Wire wire, std::size_t s, const Stream& stream, View x, Message& out);

/// How many pairs may stand in each other.
inline constexpr unsigned kPairDepth = 6;

/// Both messages in one, which says the sum of their vectors. They were written with key_of_part(key,
/// 0) and (key, 1), where key is the pair's own; neither is `out`. Each may be a pair again,
/// kPairDepth of them in all.
void write_pair(const Message& first, const Message& second, Message& out);

/// The vector x itself, to one whose memory other messages add to (starts_over()).
void write_afresh(Wire wire, View x, Message& out);

/// All values of a vector that the paper takes for known to the receiver: its floats count
/// nothing, its bits are real.
void write_assumed(Wire wire, View x, Message& out);

/// Bits that say one of s + 1 levels and a sign: 1 + ceil(log2(s + 1)).
constexpr unsigned bits_per_level(std::size_t s) { return 1 + static_cast<unsigned>(std::bit_width(s)); }

}  // namespace laconic
