// SPDX-License-Identifier: Apache-2.0
// Fewer additions for the sums of many rows: two letters that are often found together get a letter of their
// own, whose value is computed once. In one-hot data most of a row is such pairs, of pairs, of pairs.
// (Re-Pair, Larsson and Moffat 1999; for products of matrix and vector, Ferragina et al., VLDB 2022.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace laconic {

using Letters = std::vector<std::uint16_t>;

struct LetterPair {
  std::uint16_t first, second;
};

/// Replaces pairs in the rows, which hold letters below `letters`; pair k of the result is letter `letters` +
/// k and consists of smaller ones. Replaced again by what they stand for, the rows hold what they held, in
/// another order. A pair is made only where it shortens the rows by `least` letters or about that; letters +
/// pairs stay <= `most`. Deterministic. Cost: some ten passes over the rows.
std::vector<LetterPair> join_pairs(std::vector<Letters>& rows, std::size_t letters, std::size_t least,
                                   std::size_t most);

}  // namespace laconic
