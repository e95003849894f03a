// SPDX-License-Identifier: Apache-2.0
// Shared parts of the tests of problems: small data sets, and laws that every problem obeys.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/data/dataset.h"
#include "laconic/data/lookup.h"
#include "laconic/problem/model.h"
#include "laconic/problem/problem.h"
#include "tests/real_data.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {

inline Vector random_vector(std::size_t n, unsigned seed, double size = 1) {
  std::mt19937 generator(seed);
  Vector x(n);
  for (double& v : x) v = size * (2 * static_cast<double>(generator()) / 4294967296.0 - 1);
  return x;
}

enum class Values { ones, few, many, mixed };  // mixed: every other column has many values, in most rows

/// Rows of random length (some are empty, some are equal), with labels 3 or 8 (with `classes`: 0 ..
/// classes-1).
inline Dataset random_data(std::size_t rows, std::size_t columns, Values values, unsigned seed,
                           std::size_t classes = 0) {
  std::mt19937 generator(seed);
  const auto below = [&](std::size_t n) { return generator() % n; };
  const auto uniform = [&] { return static_cast<double>(generator()) / 4294967296.0; };
  Dataset data{.name = "random", .rows = rows, .columns = columns, .features = SparseRows{}, .labels = {}};
  auto& sparse = std::get<SparseRows>(data.features);
  if (values == Values::ones) sparse.value = {1.0};
  for (std::size_t i = 0; i < rows; ++i) {
    data.labels.push_back(classes > 0 ? static_cast<double>(i < classes ? i : below(classes))
                                      : (i % 3 == 0 ? 8 : 3));
    const bool copy = i >= 2 && below(4) == 0;  // a copy of the row before the previous one
    if (copy) {
      data.labels.back() = data.labels[i - 2];
      for (auto e = sparse.begin[i - 2]; e < sparse.begin[i - 1]; ++e) {
        sparse.column.push_back(std::uint32_t{sparse.column[e]});
        if (values != Values::ones) sparse.value.push_back(double{sparse.value[e]});
      }
    } else if (below(8) != 0) {
      const double density = uniform();
      for (std::size_t c = 0; c < columns; ++c) {
        const bool full = values == Values::mixed && c % 2 == 0;
        if (uniform() > (full ? 0.9 : density)) continue;
        sparse.column.push_back(static_cast<std::uint32_t>(c));
        if (values == Values::few) sparse.value.push_back(static_cast<double>(below(5)) - 1);  // may be 0
        if (values == Values::many || full)
          sparse.value.push_back(2 * uniform() - 1);
        else if (values == Values::mixed)
          sparse.value.push_back(0.5);
      }
    }
    sparse.begin.push_back(sparse.column.size());
  }
  return data;
}

inline Dataset random_pixels(std::size_t rows, std::size_t columns, std::size_t classes, unsigned seed) {
  std::mt19937 generator(seed);
  Dataset data{.name = "pixels", .rows = rows, .columns = columns, .features = PixelRows{}, .labels = {}};
  for (std::size_t i = 0; i < rows; ++i) {
    data.labels.push_back(static_cast<double>(i < classes ? i : generator() % classes));
    for (std::size_t c = 0; c < columns; ++c) {
      const auto byte = static_cast<std::uint8_t>(generator() % 3 == 0 ? 0 : generator() % 256);
      std::get<PixelRows>(data.features).pixel.push_back(byte);
    }
  }
  return data;
}

/// The features of a row, and the bias if there is one.
inline Vector features(const Dataset& data, std::size_t row, bool bias) {
  Vector a(data.columns, 0.0);
  for_each_entry(data, row, [&](std::uint32_t c, double v) { a[c] = v; });
  if (bias) a.push_back(1);
  return a;
}

inline std::vector<std::uint32_t> range(std::size_t from, std::size_t to) {
  std::vector<std::uint32_t> list;
  for (std::size_t i = from; i < to; ++i) list.push_back(static_cast<std::uint32_t>(i));
  return list;
}

inline double distance(View a, View b) { return std::sqrt(distance_sq(a, b)); }

/// Compares the gradient with central differences of the value, in a few directions.
inline void expect_gradient_of_value(const Problem& problem, std::size_t shard, Rows rows, View x,
                                     double tolerance) {
  Vector g(problem.dim()), ignored(problem.dim()), moved(x.begin(), x.end());
  problem.value_gradient(shard, rows, x, g);
  for (unsigned k = 0; k < 3; ++k) {
    const Vector direction = random_vector(problem.dim(), 100 + k);
    const double h = 1e-5;
    copy(x, moved);
    axpy(h, direction, moved);
    const double ahead = problem.value_gradient(shard, rows, moved, ignored).value;
    axpy(-2 * h, direction, moved);
    const double behind = problem.value_gradient(shard, rows, moved, ignored).value;
    EXPECT_NEAR(dot(g, direction), (ahead - behind) / (2 * h), tolerance * (1 + std::abs(dot(g, direction))));
  }
}

/// Checks that all rows and a list of all rows agree, and that a list with repetitions gives the mean over
/// its entries.
inline void expect_rows_to_agree(const Problem& problem, std::size_t shard, View x, double tolerance) {
  const std::size_t m = problem.rows(shard);
  Vector all(problem.dim()), listed(problem.dim()), one(problem.dim()), mean(problem.dim(), 0.0);
  const std::vector<std::uint32_t> everything = range(0, m);
  const Measured a = problem.value_gradient(shard, Rows::everything(), x, all);
  const Measured b = problem.value_gradient(shard, Rows::listed(everything), x, listed);
  EXPECT_NEAR(a.value, b.value, tolerance * std::abs(b.value));
  EXPECT_EQ(a.correct, b.correct);
  EXPECT_LE(distance(all, listed), tolerance * (1 + std::sqrt(norm_sq(listed))));

  std::vector<std::uint32_t> list;
  std::mt19937 generator(5);
  for (std::size_t k = 0; k < 37; ++k) list.push_back(static_cast<std::uint32_t>(generator() % m));
  double value = 0, correct = 0;
  for (const std::uint32_t& position : list) {
    const Measured part = problem.value_gradient(shard, Rows::listed({&position, 1}), x, one);
    value += part.value / 37;
    correct += part.correct;
    axpy(1 / 37.0, one, mean);
  }
  const Measured batch = problem.value_gradient(shard, Rows::listed(list), x, listed);
  EXPECT_NEAR(batch.value, value, tolerance * std::abs(value));
  EXPECT_EQ(batch.correct, correct);
  EXPECT_LE(distance(mean, listed), tolerance * (1 + std::sqrt(norm_sq(listed))));
}

inline std::optional<Dataset> real_data(const std::string& name) {
  try {
    return load_dataset(name, {.folders = data_folders(), .columns = {}, .rows = {}});
  } catch (const InputError&) {
    return {};
  }
}

}  // namespace laconic::testing
