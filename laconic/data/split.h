// SPDX-License-Identifier: Apache-2.0
// Which client holds which rows. A client has floor(N/n) of the N rows (where clients share a part,
// floor(N/(n + 1))); rows left over when all have theirs belong to nobody.
//
// Two splits are about classes, the C distinct labels (data/classes.h).
//
// main-class(q), 1/C <= q <= 1: round(q floor(N/n)) of a client's rows are of its main class, m mod C of
// client m; of all other classes it has equally many, up to one row. Where C divides n and the classes are
// equally large, this is what each client gets: q = 1/C makes all alike, q = 1 gives each a single class.
// Otherwise some class has too few rows: its main clients take theirs first, in turns, then the others. What
// a client still lacks it is dealt from the shuffled rows that nobody has taken, whatever their class, its
// main class included.
//
// dirichlet(a), a > 0, is that of Hsu, Qi and Brown 2019 (arXiv 1909.06335), whose clients are equally large
// and never empty: each draws the shares of its classes from Dirichlet(a C p), where p are the classes'
// shares of all rows. Their alpha is a C; where classes are equally large this is Dirichlet(a, ..., a), which
// is what most programs mean by a. Small a: one class a client; large a: all clients alike. Clients pick rows
// in turns, so that a class is used up for all of them at once; from then on the shares of the others are
// what counts. No share is computed: a client's next row is of a class with probability proportional to a C p
// + the rows of it that the client has already, which is the same (Polya's urn) and takes no logarithm, on
// which machines may differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/core/spec.h"

namespace laconic {

/// Shard i lists the rows of client i, in the order in which the client keeps them.
using Shards = std::vector<std::vector<std::uint32_t>>;

/// Deals rows 0 .. labels.size()-1 to `clients` clients as `split` says (see splits()). Randomness comes from
/// `split_seed` alone: the same arguments give the same shards, everywhere. A row may be in several shards,
/// never twice in one. Cost: one pass over the rows; by-label sorts, dirichlet takes C steps a row and C
/// doubles a client. Throws InputError for an unknown split or argument, for more than kMostClasses where
/// classes matter, and unless 1 <= clients <= rows (clients < rows where clients share a part).
Shards split_rows(const Spec& split, const std::vector<double>& labels, std::size_t clients,
                  std::uint64_t split_seed);

/// The rows that the shards `some` hold, ascending, each once.
std::vector<std::uint32_t> rows_of(const Shards& shards, const IndexSet& some);

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
