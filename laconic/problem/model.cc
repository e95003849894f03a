// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/data/classes.h"

namespace laconic {

void require_usable(const Dataset& data, const Shards& shards, const ModelOptions& options) {
  const double lambda = options.regulariser.lambda;
  if (!(lambda >= 0) || std::isinf(lambda)) {
    throw InputError(fmt::format("lambda = {}; need a finite lambda >= 0", lambda));
  }
  if (shards.empty()) throw InputError(fmt::format("{}: no shards; need at least one", data.name));
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (shards[i].empty()) {
      throw InputError(fmt::format("{}: shard {} of {} has no rows; need at least one (the set has {})",
                                   data.name, i, shards.size(), data.rows));
    }
    for (const std::uint32_t row : shards[i]) {
      if (row >= data.rows) {
        throw InputError(
            fmt::format("{}: shard {} asks for row {}; need row < {}", data.name, i, row, data.rows));
      }
    }
  }
}

void require_test_fits(const Dataset& test, const Dataset& training) {
  if (test.columns != training.columns) {
    throw InputError(fmt::format("{}: the test set has {} columns; need {} as in the training set", test.name,
                                 test.columns, training.columns));
  }
  const std::set<double> known(training.labels.begin(), training.labels.end());
  const auto unknown = std::find_if(test.labels.begin(), test.labels.end(),
                                    [&](double label) { return !known.contains(label); });
  if (unknown == test.labels.end()) return;
  throw InputError(
      fmt::format("{}: row {} of the test set has the label {}; need one of the training set's: {}",
                  test.name, unknown - test.labels.begin() + 1, *unknown, first_of(known)));
}

std::size_t count_entries(const Dataset& data, std::size_t row) {
  if (const auto* sparse = std::get_if<SparseRows>(&data.features)) {
    const std::uint64_t* begin = &sparse->begin[data.place_of(row)];
    return begin[1] - begin[0];
  }
  std::size_t count = 0;
  for_each_entry(data, row, [&](std::uint32_t, double) { ++count; });
  return count;
}

std::vector<std::uint32_t> all_rows(std::size_t count) {
  std::vector<std::uint32_t> rows(count);
  std::iota(rows.begin(), rows.end(), std::uint32_t{0});
  return rows;
}

Constants constants_of_clients(View L, View sample) {
  const auto clients = static_cast<double>(L.size());
  Constants constants;
  constants.L_tilde = std::sqrt(norm_sq(L) / clients);
  constants.L_plus = constants.L_pm = constants.L_tilde;
  constants.L_max = *std::max_element(L.begin(), L.end());
  double total = 0;
  for (const double s : sample) total += s;
  constants.L_sample = std::sqrt(total / clients);
  return constants;
}

}  // namespace laconic
