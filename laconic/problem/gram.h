// SPDX-License-Identifier: Apache-2.0
// The eigenvalues that the constants of linear models come down to: of A_i'A_i, where A_i has the rows of
// shard i, and of (1/n) sum_i A_i'A_i / m_i over all shards, where m_i counts the rows. Where rows are sparse
// the cost follows the entries of the shards, not their number times the columns.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "laconic/core/spectrum.h"
#include "laconic/core/vec.h"
#include "laconic/data/dataset.h"
#include "laconic/problem/all_shards.h"

namespace laconic {

/// lmax(A'A) of sparse rows. `gram` is A'A over all columns, asked where the rows have most of them; else
/// the columns that they have are enough, and of fewer rows than columns, A A' is.
double largest_gram_eigenvalue(const SparseRows& rows, std::size_t columns, const Product& gram);

/// A matrix by its products.
struct Gram {
  std::size_t size = 0;
  Product product;
};

/// What is known of the shards of this process.
struct ShardRows {
  /// out += A_i'A_i v, over all columns.
  std::function<void(std::size_t i, View v, MutView out)> add_gram;
  /// The rows of shard i; nullptr where they are not sparse (then no shard's are).
  std::function<const SparseRows*(std::size_t i)> sparse;
};

/// (1/n) sum_i A_i'A_i / m_i, m_i = rows[i]: over all columns, or without those that have no entry in any
/// shard, which add the eigenvalue 0. `all`, `rows` and the shards must outlive it; its products ask `all`.
/// Collective.
Gram mean_gram(AllShards& all, const std::vector<std::size_t>& rows, std::size_t columns, ShardRows shards);

}  // namespace laconic
