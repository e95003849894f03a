// SPDX-License-Identifier: Apache-2.0
// Writers of the wire formats: compressors call them to encode vectors. docs/wire_format.md describes the
// formats; decode_add (message.h) reads all of them.
//
// Each writer overwrites `out`, reuses its buffer, and rounds values to the wire's width. Values beyond the
// range of f32 become infinite, as in a conversion; the driver detects that. A vector of floats is written as the
// doubles that it represents: the bytes are the same. Cost: one pass over the input.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "laconic/core/matrix_block.h"
#include "laconic/core/rng.h"
#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

/// Coordinates of a vector, each below 2^32. A list that represents a support is ascending and distinct.
using Indices = std::span<const std::uint32_t>;

/// Messages encode vectors shorter than this.
inline constexpr std::size_t kDimLimit = std::size_t{1} << 32;
/// Counts in headers are below this: they have three bytes.
inline constexpr std::size_t kHeaderCountLimit = std::size_t{1} << 24;
/// Permutation blocks are limited to fewer clients than this. A reader of one computes the deal for all
/// clients, so a forged number of clients must not cost much.
inline constexpr std::size_t kDealtClientsLimit = std::size_t{1} << 20;

/// All values, in order.
void write_dense(Wire wire, AnyView values, Message& out);

/// All sums a + b, in order.
void write_dense_sum(Wire wire, View a, View b, Message& out);

/// The zero vector, in one byte of message.
void write_nothing(Wire wire, Message& out);

/// The values on the support that draw_subset (subset.h) draws with the message's key. The indices are not
/// sent. At least one value.
void write_seeded_subset(Wire wire, View values, Message& out);

/// The values on the block that the round's shared permutation deals to client `key.client`, of all
/// `clients`. If there are fewer values, they are on the subset of the block that dealt_subset (deal.h)
/// draws. At least one value.
void write_permutation_block(Wire wire, std::size_t clients, View values, Message& out);

/// The values on the coordinates that client `key.client` owns (owned_coordinates, deal.h), of all `clients`
/// with `owners` owners of each coordinate.
void write_owned(Wire wire, std::size_t clients, std::size_t owners, View values, Message& out);

/// The values on any support, which is also sent: as Golomb-coded gaps, or as a bitmap where that is shorter.
void write_sparse(Wire wire, std::size_t dim, Indices support, View values, Message& out);

/// The four values to which a group is quantised: shift + mean[c].
struct Clusters {
  double shift = 0;
  double mean[4] = {};  // of the values of each cluster, less the shift
};
/// On a support, which is also sent, values in two bits: value i is clusters[g].shift + clusters[g].mean[
/// codes[i]], where g is its group. The groups are consecutive values, counts[g] >= 1 of group g. At most
/// 2^24 - 1 values. Clusters are rounded to the wire's width.
void write_clustered(Wire wire, std::size_t dim, Indices support, std::span<const std::uint32_t> counts,
                     std::span<const Clusters> clusters, std::span<const std::uint8_t> codes, Message& out);

/// Each entry of x rounded to a neighbouring power of two, without bias, with the random words of the stream:
/// 9 bits per value (f32) or 12 (f64).
void write_natural(Wire wire, const Stream& stream, AnyView x, Message& out);

/// c sign(x), c = |x|_1/d: one value, and one bit per coordinate. The sign of a zero, including -0.0, is +.
void write_sign(Wire wire, AnyView x, Message& out);
/// The same with one c for each block of `block` coordinates, a multiple of 8 below 2^24. The last block may
/// be shorter.
void write_block_sign(Wire wire, std::size_t block, AnyView x, Message& out);
/// c sign(x) with c = known_scale(c), which every process knows: one bit per coordinate.
void write_known_sign(Wire wire, double c, AnyView x, Message& out);

/// The least number >= c that three bytes can represent: an f32 without its last 8 bits. 0 < c <= 3.2e38.
double known_scale(double c);

// Random signs such that c times the sign has mean x_j: + with probability 1/2 + x_j / (2 c), to 2^-33, by
// word j of the stream. c must be >= max |x_j|; larger entries are clipped to c. If a c is beyond the wire's
// range, or an entry is NaN, the vector is sent dense. One or two passes over x.

/// c is rounded up to the wire's width, and the probabilities use the rounded c.
void write_random_sign(Wire wire, double c, const Stream& stream, AnyView x, Message& out);
/// One c for each block of `block` coordinates, as above: the largest |x_j| in the block.
void write_random_block_sign(Wire wire, std::size_t block, const Stream& stream, AnyView x, Message& out);
/// The probabilities use c, but the message encodes known_scale(said) as the scale.
void write_random_known_sign(Wire wire, double c, double said, const Stream& stream, AnyView x, Message& out);
/// The largest |x_j|; infinity or NaN if an entry is.
double largest_size(AnyView x);

/// Limit of the number of levels s of write_uniform_levels, which is at least 1. A coordinate has at most 16
/// bits.
inline constexpr std::size_t kUniformLevelLimit = (std::size_t{1} << 15) - 1;
/// Limit of the number of levels s of write_power_levels. A coordinate has at most 8 bits. Lower levels
/// hardly occur.
inline constexpr std::size_t kPowerLevelLimit = (std::size_t{1} << 7) - 1;

/// Each entry of x rounded to a neighbouring multiple of |x|/s, without bias, with the random words of the
/// stream: one value, and bits_per_level(s) bits per coordinate. For this writer and the next:
///   where that is shorter, the message has only the levels that are not zero: a Golomb-coded gap, a sign and
///     a code of variable length for each of them;
///   the value (|x|/s, or |x|) is rounded up to the wire's width, and x is measured in the rounded value; so
///     no entry exceeds the highest level, and narrow wires do not bias the result;
///   a vector is sent dense if its norm is NaN or beyond the wire's range;
///   probabilities are exact to 2^-32, so entries below 2^-32 of a level become zero.
/// Cost: two passes over x. A message of sparse levels costs a pass over the dense form too, and time for
/// each level that is not zero.
void write_uniform_levels(Wire wire, std::size_t s, const Stream& stream, AnyView x, Message& out);

/// Each entry of x rounded to one of its neighbours among 0 and |x| 2^-(s-1), .., |x|/2, |x|.
void write_power_levels(Wire wire, std::size_t s, const Stream& stream, AnyView x, Message& out);

/// The greatest depth to which pairs may be nested.
inline constexpr unsigned kPairDepth = 6;

/// Both messages in one, which encodes the sum of their vectors. They must be written with key_of_part(key,
/// 0) and key_of_part(key, 1), where key is the pair's own. Neither may be `out`. Each may be a pair again;
/// the depth of all nested pairs is at most kPairDepth.
void write_pair(const Message& first, const Message& second, Message& out);

/// The vector x itself, for a receiver that adds other messages to a memory (starts_over()).
void write_reset(Wire wire, View x, Message& out);

/// All values of a vector that the paper assumes known to the receiver. Its counted floats are 0; its bits
/// are really sent.
void write_uncounted(Wire wire, View x, Message& out);

/// The number of bits that encode one of s + 1 levels and a sign: 1 + ceil(log2(s + 1)).
constexpr unsigned bits_per_level(std::size_t s) { return 1 + static_cast<unsigned>(std::bit_width(s)); }

// A vector in which some stretches, at least one, are matrices, ascending. `rank` is R, 1 <= R < 2^24.
// `values` has, in the order of the coordinates, those outside of the matrices, and for each matrix M:

/// the left factor P and the right factor Q of M = P Q', of R numbers a row, row by row. R (rows + cols) must
/// be less than rows * cols. Decoding costs R rows * cols multiplications.
void write_low_rank(Wire wire, std::size_t rank, std::span<const MatrixBlock> blocks, View values,
                    Message& out);
/// Y = M W / R for the signs W of draw_sketch(), of R numbers a row; the message encodes Y W'. R must be less
/// than cols. The signs come from the key's stream for the purpose `compressor`.
void write_sketch(Wire wire, std::size_t rank, std::span<const MatrixBlock> blocks, View values,
                  Message& out);

/// signs = the next cols x R signs of the stream, column by column: the bits of whole words, the lowest
/// first. A bit that is set means 1, any other -1. Moves the stream.
void draw_sketch(Stream& stream, std::size_t rank, std::size_t cols, Vector& signs);

/// right = the right factors of a low-rank message, column by column, if the bytes begin as one; otherwise
/// unchanged. Returns whether they do. They must have as many numbers as `right`. Throws RunError if the
/// bytes are not a message for `dim` coordinates.
bool read_right_factors(const Message& message, std::size_t dim, MutView right);

}  // namespace laconic
