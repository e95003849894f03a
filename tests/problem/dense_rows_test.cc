// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/dense_rows.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "laconic/core/rng.h"
#include "tests/cpus.h"

namespace laconic {
namespace {

Vector drawn(std::size_t size, std::uint64_t seed) {
  Stream stream = Key{seed, 0, 0, 0, 0}.stream(Purpose::batch);
  Vector x(size);
  for (double& v : x) v = 2 * stream.uniform() - 1;
  return x;
}

/// Numbers of columns with and without remainders of each vector width.
TEST(DenseRows, ProductsEqualThoseOfPlainLoops) {
  const std::vector<std::uint32_t> rows = {3, 0, 5, 3, 11};
  for (const std::size_t columns : {1, 2, 3, 4, 7, 12, 16, 31, 50, 64, 79, 100, 257}) {
    SCOPED_TRACE(columns);
    const Vector values = drawn(12 * columns, columns);
    const Vector x = drawn(columns, 1000);
    const Vector coefficient = drawn(rows.size(), 1001);
    Vector margin(rows.size()), absolute(rows.size());
    Vector sum = drawn(columns, 1002);
    const Vector before = sum;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const double* const row = values.data() + rows[k] * columns;
      for (std::size_t j = 0; j < columns; ++j) {
        margin[k] += row[j] * x[j];
        absolute[k] += std::abs(row[j] * x[j]);
        sum[j] += coefficient[k] * row[j];
      }
    }
    Vector first;  // of the first CPU
    testing::on_each_cpu([&] {
      Vector out(rows.size());
      multiply_dense_rows(values, rows, x, out);
      for (std::size_t k = 0; k < rows.size(); ++k)
        EXPECT_NEAR(out[k], margin[k], 1e-15 * static_cast<double>(columns) * absolute[k]);
      if (first.empty()) first = out;
      EXPECT_EQ(out, first);
      Vector added = before;
      add_dense_rows(values, rows, coefficient, added);
      EXPECT_EQ(added, sum);
    });
  }
}

}  // namespace
}  // namespace laconic
