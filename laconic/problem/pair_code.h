// SPDX-License-Identifier: Apache-2.0
// Reduces the additions for the sums of many rows: a pair of letters that often occur together becomes a new
// letter, and its value is computed once. Rows of one-hot data consist mostly of such pairs, nested several
// levels deep. (Re-Pair, Larsson and Moffat 1999; for products of matrix and vector, Ferragina et al., VLDB
// 2022.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace laconic {

using Letters = std::vector<std::uint16_t>;

struct LetterPair {
  std::uint16_t first, second;
};

/// Replaces pairs in the rows, which hold letters below `letters`. Pair k of the result is letter `letters` +
/// k and consists of two smaller letters. Expanding all pairs gives the original rows, up to the order of
/// letters within a row. A pair is made only if it shortens the rows by about `least` letters or more;
/// letters + pairs stay <= `most`. Deterministic. Cost: some ten passes over the rows.
std::vector<LetterPair> join_pairs(std::vector<Letters>& rows, std::size_t letters, std::size_t least,
                                   std::size_t most);

}  // namespace laconic
