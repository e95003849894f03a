// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/gram.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "laconic/problem/used_columns.h"

namespace laconic {
namespace {

/// Whether unused columns are left out: where there are many columns and at least half are unused.
bool is_wide(std::size_t used, std::size_t columns) { return columns > kNarrow && used <= columns / 2; }

/// The rows of a shard, restricted to the columns in which they have entries.
class CompactRows {
 public:
  /// `rows` must outlive it.
  CompactRows(const SparseRows& rows, std::size_t columns)
      : rows_(rows), used_(used_columns(rows.column, columns)) {}

  [[nodiscard]] std::size_t size() const { return rows_.begin.size() - 1; }
  [[nodiscard]] const std::vector<std::uint32_t>& columns() const { return used_.columns; }

  /// out += A'A v
  void add_gram(View v, MutView out) const {
    for (std::size_t i = 0; i < size(); ++i) add(i, multiply(i, v), out);
  }

  [[nodiscard]] double largest_eigenvalue() const {
    const std::size_t width = columns().size();
    if (width == 0) return 0;
    if (size() > kDenseSize && size() >= width) {
      return laconic::largest_eigenvalue(width, [&](View v, MutView out) {
        fill(out, 0.0);
        add_gram(v, out);
      });
    }
    Vector sum(width);  // A'u
    return laconic::largest_eigenvalue(size(), [&](View u, MutView out) {
      fill(sum, 0.0);
      for (std::size_t i = 0; i < size(); ++i) {
        if (u[i] != 0) add(i, u[i], sum);
      }
      for (std::size_t i = 0; i < size(); ++i) out[i] = multiply(i, sum);
    });
  }

 private:
  /// a'v, a the row
  [[nodiscard]] double multiply(std::size_t row, View v) const {
    double sum = 0;
    for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e)
      sum += rows_.value_at(e) * v[used_.place[e]];
    return sum;
  }

  /// out += coefficient * (the row)
  void add(std::size_t row, double coefficient, MutView out) const {
    for (std::uint64_t e = rows_.begin[row]; e < rows_.begin[row + 1]; ++e)
      out[used_.place[e]] += coefficient * rows_.value_at(e);
  }

  const SparseRows& rows_;
  UsedColumns used_;
};

/// The mean over all shards. The vector of a shard has one entry for each of its used columns, and is added
/// at the positions of these columns.
class SparseMean {
 public:
  SparseMean(AllShards& all, const std::vector<std::size_t>& rows)
      : all_(all), rows_(rows), own_(rows.size()) {}

  /// Collects the columns of all shards; shard i has used[i]. Returns the length of the vectors of a product.
  /// Collective.
  std::size_t gather(std::vector<std::size_t> used, std::size_t columns, const ShardRows& shards) {
    used_ = std::move(used);
    const auto columns_of = [&](std::size_t i, MutView out) {
      own_[i] = std::make_unique<const CompactRows>(*shards.sparse(i), columns);
      std::copy(own_[i]->columns().begin(), own_[i]->columns().end(), out.begin());
    };
    all_.vectors(used_, columns_of, [&](std::size_t /*i*/, View theirs) {
      begin_.push_back(at_.size());
      for (const double column : theirs) at_.push_back(static_cast<std::uint32_t>(column));
    });
    UsedColumns together = used_columns(at_, columns);
    const std::size_t width = std::max<std::size_t>(together.columns.size(), 1);
    if (!is_wide(width, columns)) return columns;
    at_ = std::move(together.place);
    return width;
  }

  void multiply(View v, MutView out) const {
    const double weight = 1 / static_cast<double>(rows_.size());
    fill(out, 0.0);
    const auto gram = [&](std::size_t i, MutView part) {
      thread_local Vector own;
      own.resize(part.size());
      const std::uint32_t* at = at_.data() + begin_[i];
      for (std::size_t k = 0; k < own.size(); ++k) own[k] = v[at[k]];
      fill(part, 0.0);
      own_[i]->add_gram(own, part);
      scale(1 / static_cast<double>(rows_[i]), part);
    };
    all_.vectors(used_, gram, [&](std::size_t i, View part) {
      const std::uint32_t* at = at_.data() + begin_[i];
      for (std::size_t k = 0; k < part.size(); ++k) out[at[k]] += weight * part[k];
    });
  }

 private:
  AllShards& all_;
  const std::vector<std::size_t>& rows_;
  std::vector<std::unique_ptr<const CompactRows>> own_;  // of every shard; null for those of other ranks
  std::vector<std::size_t> used_;
  std::vector<std::size_t> begin_;  // offset in at_, of every shard
  std::vector<std::uint32_t> at_;   // positions in a product's vectors of the columns of each shard
};

}  // namespace

double largest_gram_eigenvalue(const SparseRows& rows, std::size_t columns, const Product& gram) {
  const std::size_t count = rows.begin.size() - 1;
  const bool few = count <= kDenseSize && count < columns;
  if (few || columns > kNarrow) {
    const CompactRows compact(rows, columns);
    if (few || is_wide(compact.columns().size(), columns)) return compact.largest_eigenvalue();
  }
  return largest_eigenvalue(columns, gram);
}

Gram mean_gram(AllShards& all, const std::vector<std::size_t>& rows, std::size_t columns, ShardRows shards) {
  const Vector counts = all.numbers(rows.size(), [&](std::size_t i) {
    const SparseRows* own = shards.sparse(i);
    return static_cast<double>(own != nullptr ? used_columns(own->column, columns).columns.size() : columns);
  });
  double sum = 0;
  for (const double count : counts) sum += count;
  // Where shards use most columns, vectors over all columns are added faster, and ranks send fewer bytes.
  if (4 * sum < static_cast<double>(rows.size()) * static_cast<double>(columns)) {
    auto sparse = std::make_shared<SparseMean>(all, rows);
    const std::size_t size = sparse->gather({counts.begin(), counts.end()}, columns, shards);
    return {size, [sparse](View v, MutView out) { sparse->multiply(v, out); }};
  }
  return {columns, [&all, &rows, add_gram = std::move(shards.add_gram)](View v, MutView out) {
            const auto gram = [&](std::size_t i, MutView part) {
              fill(part, 0.0);
              add_gram(i, v, part);
              scale(1 / static_cast<double>(rows[i]), part);
            };
            all.mean(rows.size(), gram, out);
          }};
}

Gram gram_of_upper(Vector matrix, std::size_t columns) {
  for (std::size_t k = 0; k < columns; ++k) {
    for (std::size_t j = 0; j < k; ++j) matrix[k * columns + j] = matrix[j * columns + k];
  }
  return {columns, [columns, matrix = std::move(matrix)](View v, MutView out) {
            for (std::size_t k = 0; k < columns; ++k)
              out[k] = dot(View(matrix).subspan(k * columns, columns), v);
          }};
}

}  // namespace laconic
