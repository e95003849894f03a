// SPDX-License-Identifier: Apache-2.0
// The eigenvalues that determine the constants of linear models: those of A_i'A_i, where A_i has the rows of
// shard i, and of (1/n) sum_i A_i'A_i / m_i over all shards, where m_i is the number of rows. For sparse rows
// the cost is proportional to the entries of the shards, not to shards times columns.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "laconic/core/spectrum.h"
#include "laconic/core/vec.h"
#include "laconic/data/dataset.h"
#include "laconic/problem/all_shards.h"

namespace laconic {

/// lmax(A'A) of sparse rows. `gram` multiplies by A'A over all columns. It is used where the rows have
/// entries in most of the columns. Otherwise only the columns with entries are used; and with fewer rows than
/// such columns, A A' in place of A'A.
double largest_gram_eigenvalue(const SparseRows& rows, std::size_t columns, const Product& gram);

constexpr std::size_t kNarrow = 512;  // up to so many columns, the cost of vectors is negligible

/// A matrix, given by its product with a vector.
struct Gram {
  std::size_t size = 0;
  Product product;
};

/// The shards of this process.
struct ShardRows {
  /// out += A_i'A_i v, over all columns.
  std::function<void(std::size_t i, View v, MutView out)> add_gram;
  /// The rows of shard i; nullptr where the rows are not sparse (in that case for every shard).
  std::function<const SparseRows*(std::size_t i)> sparse;
};

/// (1/n) sum_i A_i'A_i / m_i, m_i = rows[i]: over all columns, or only over the columns that have an entry in
/// some shard (the others only add the eigenvalue 0). `all`, `rows` and the shards must outlive the result,
/// as its products use them. Collective.
Gram mean_gram(AllShards& all, const std::vector<std::size_t>& rows, std::size_t columns, ShardRows shards);

/// A matrix of narrow data, from its upper triangle in rows of `columns` entries.
Gram gram_of_upper(Vector matrix, std::size_t columns);

}  // namespace laconic
