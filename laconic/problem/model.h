// SPDX-License-Identifier: Apache-2.0
// Common parts of all problems over data: options, checks, and the rows of each shard.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/core/index_set.h"
#include "laconic/core/range.h"
#include "laconic/data/dataset.h"
#include "laconic/data/split.h"
#include "laconic/problem/problem.h"
#include "laconic/problem/regulariser.h"

namespace laconic {

struct ModelOptions {
  Regulariser regulariser;
  bool bias = false;  // append a last column of ones
};

/// Throws InputError unless there is a shard, each shard has a row (a row may be in several shards), every
/// row is in the data set, and lambda is finite and >= 0.
void require_usable(const Dataset& data, const Shards& shards, const ModelOptions& options);

/// Throws InputError unless the test set has the columns of the training set, and no label that the training
/// set lacks.
void require_test_fits(const Dataset& test, const Dataset& training);

/// One object for each shard that this process keeps.
template <class Shard>
class OwnShards {
 public:
  /// Calls make(i) for each shard i of `own`, or for all `shards` shards where `own` is unset.
  template <class Make>
  OwnShards(std::size_t shards, const std::optional<IndexSet>& own, Make make)
      : own_(own.value_or(Range{0, shards})) {
    check(own_.place_of(shards) == own_.size(), "shards are kept that there are not");
    shards_.reserve(own_.size());
    for (const std::size_t i : own_) shards_.push_back(make(i));
  }

  const Shard& operator[](std::size_t i) const {
    check(own_.contains(i), "the rows of a shard were asked for that another process keeps");
    return shards_[own_.place_of(i)];
  }

  template <class Predicate>
  [[nodiscard]] bool any(Predicate predicate) const {
    return std::any_of(shards_.begin(), shards_.end(),
                       [&](const Shard& shard) { return std::invoke(predicate, shard); });
  }

 private:
  IndexSet own_;
  std::vector<Shard> shards_;
};

/// Calls entry(column, value) for each entry of a row that may differ from 0, columns ascending; pixels as
/// pixel / 255. The row must be stored.
template <class Entry>
void for_each_entry(const Dataset& data, std::size_t row, Entry entry) {
  row = data.place_of(row);
  if (const auto* sparse = std::get_if<SparseRows>(&data.features)) {
    for (std::uint64_t e = sparse->begin[row]; e < sparse->begin[row + 1]; ++e) {
      entry(sparse->column[e], sparse->value_at(e));
    }
    return;
  }
  const std::uint8_t* pixel = std::get<PixelRows>(data.features).pixel.data() + row * data.columns;
  for (std::size_t c = 0; c < data.columns; ++c) {
    if (pixel[c] != 0) entry(static_cast<std::uint32_t>(c), pixel[c] / 255.0);
  }
}

/// How often for_each_entry() calls entry for the row.
std::size_t count_entries(const Dataset& data, std::size_t row);

/// Rows 0 .. count-1.
std::vector<std::uint32_t> all_rows(std::size_t count);

/// The constants that follow from those of the clients: L[i] is of f_i, and sample[i] is the mean of L_ij^2
/// over the rows j of client i. L_plus and L_pm are set to L_tilde: no smaller bound is proven.
Constants constants_of_clients(View L, View sample);

}  // namespace laconic
