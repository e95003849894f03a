// SPDX-License-Identifier: Apache-2.0
// Which client holds which rows. A client has floor(N/n) of the N rows (floor(N/(n + 1)) if clients share a
// part). The remaining rows are left out, or with rest=spread, an argument of every split, the first clients get
// one of them each.
//
// Two splits use classes, the C distinct labels (data/classes.h).
//
// main-class(q), 1/C <= q <= 1: round(q floor(N/n)) of a client's rows are of its main class, which is m mod
// C for client m. The client has equally many rows of each other class, up to one row. If C divides n and the
// classes are equally large, every client gets exactly this: with q = 1/C all clients are alike, and with q =
// 1 each has a single class. Otherwise some class has too few rows. Its main clients then take their rows
// first, in turns, and the other clients after them. A client that still lacks rows gets them from the
// shuffled rows that no client has taken, of any class, including its main class.
//
// dirichlet(a), a > 0, is the split of Hsu, Qi and Brown 2019 (arXiv 1909.06335), with clients that are
// equally large and never empty. Each client draws the shares of its classes from Dirichlet(a C p), where p
// are the classes' shares of all rows. Their alpha is a C; for equally large classes this is Dirichlet(a,
// ..., a), the meaning of a in most programs. Small a: one class per client; large a: all clients alike.
// Clients pick rows in turns, so that a class is used up for all of them at once; from then on, only the
// shares of the other classes matter. The shares are not computed: the next row of a client is of a class
// with probability proportional to a C p + the number of rows of that class that the client already has. This
// is equivalent (Polya's urn) and needs no logarithm, which may differ between machines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/core/spec.h"

namespace laconic {

/// Shard i lists the rows of client i, in the client's own order.
using Shards = std::vector<std::vector<std::uint32_t>>;

/// Distributes rows 0 .. labels.size()-1 to `clients` clients by the rule `split` (see splits()). Randomness
/// depends on `split_seed` only: the same arguments give the same shards on every machine. A row may be in
/// several shards, but never twice in one. Cost: one pass over the rows; by-label sorts, and dirichlet takes
/// C steps per row and C doubles per client. Throws InputError for an unknown split or argument, for more
/// than kMostClasses classes if the split uses classes, and unless 1 <= clients <= rows (clients < rows if
/// clients share a part).
Shards split_rows(const Spec& split, const std::vector<double>& labels, std::size_t clients,
                  std::uint64_t split_seed);

/// The number of rows, of `rows`, that are in no shard.
std::size_t count_left_out(const Shards& shards, std::size_t rows);

/// The rows in the shards `some`, ascending, without duplicates.
std::vector<std::uint32_t> rows_of(const Shards& shards, const IndexSet& some);

/// The input of a split.
struct SplitInput {
  const std::vector<double>& labels;  // one per row
  std::size_t clients;                // 1 .. rows
  std::uint64_t seed;
  bool spreads_rest = false;  // rest=spread
};

/// One row of the table of splits.
struct Split {
  const char* name;
  const char* usage;    // as the user writes it
  const char* summary;  // one line
  Shards (*deal)(Arguments& arguments, const SplitInput& input);
};

/// All splits, the default first.
std::span<const Split> splits();

}  // namespace laconic
