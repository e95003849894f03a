// SPDX-License-Identifier: Apache-2.0
// Which client holds which rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/core/range.h"
#include "laconic/core/spec.h"

namespace laconic {

/// Shard i lists the rows of client i, in the order in which the client keeps them.
using Shards = std::vector<std::vector<std::uint32_t>>;

/// Deals rows 0 .. labels.size()-1 to `clients` clients as `split` says (see splits()). Randomness comes from
/// `split_seed` alone: the same arguments give the same shards, everywhere. A row may be in several shards,
/// never twice in one. Cost: one pass over the rows; by-label sorts. Throws InputError for an unknown split
/// or argument, and unless 1 <= clients <= rows (clients < rows where clients share a part).
Shards split_rows(const Spec& split, const std::vector<double>& labels, std::size_t clients,
                  std::uint64_t split_seed);

/// The rows that the shards `some` hold, ascending, each once.
std::vector<std::uint32_t> rows_of(const Shards& shards, Range some);

/// What a split may look at.
struct SplitInput {
  const std::vector<double>& labels;  // one a row
  std::size_t clients;                // 1 .. rows
  std::uint64_t seed;
};

/// One row of the table of splits.
struct Split {
  const char* name;
  const char* usage;    // as the user writes it
  const char* summary;  // one line
  Shards (*deal)(Arguments& arguments, const SplitInput& input);
};

/// Every split there is, the default first.
std::span<const Split> splits();

}  // namespace laconic
