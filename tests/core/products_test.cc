// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/products.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cpus.h"

namespace laconic {
namespace {

constexpr std::size_t kGap = 3;  // numbers between the rows of a matrix, which nothing may change

/// A matrix with gaps between its rows.
template <class Real>
struct Stored {
  std::size_t rows, columns;
  std::vector<Real> numbers;

  Stored(std::size_t r, std::size_t c, std::mt19937& random) : rows(r), columns(c), numbers(r * (c + kGap)) {
    std::normal_distribution<Real> normal;
    for (Real& number : numbers) number = normal(random);
  }
  template <class To>
  MatrixView<To> view() {
    return {numbers.data(), rows, columns, columns + kGap};
  }
};

template <class Real>
MatrixView<const Real> maybe_transposed(Stored<Real>& stored, bool transposed) {
  const auto view = stored.template view<const Real>();
  return transposed ? view.transposed() : view;
}

template <class Real>
Stored<Real> expected(const MatrixView<const Real>& a, const MatrixView<const Real>& b, Stored<Real> c,
                      bool add, bool fused) {
  for (std::size_t i = 0; i < c.rows; ++i) {
    for (std::size_t j = 0; j < c.columns; ++j) {
      Real& sum = c.numbers[i * (c.columns + kGap) + j];
      if (!add) sum = 0;
      for (std::size_t k = 0; k < a.columns; ++k) {
        const Real left = a.data[i * a.row_step + k * a.column_step];
        const Real right = b.data[k * b.row_step + j * b.column_step];
        sum = fused ? std::fma(left, right, sum) : left * right + sum;
      }
    }
  }
  return c;
}

template <class Real>
bool same_bits(Real a, Real b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

template <class Real>
bool same_bits(const std::vector<Real>& a, const std::vector<Real>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](Real x, Real y) { return same_bits(x, y); });
}

/// Whether a CPU target rounds a product and its sum once.
bool fuses() {
#ifdef __FMA__
  return true;
#else
  return used_cpu() != "baseline";
#endif
}

/// Compares products of one shape with the definition, for all transpositions and on all targets.
template <class Real>
void compare(std::size_t m, std::size_t n, std::size_t k, auto&& change) {
  std::mt19937 random(static_cast<unsigned>(m + 100 * n + 10000 * k));
  for (const bool a_transposed : {false, true}) {
    for (const bool b_transposed : {false, true}) {
      Stored<Real> stored_a(a_transposed ? k : m, a_transposed ? m : k, random);
      Stored<Real> stored_b(b_transposed ? n : k, b_transposed ? k : n, random);
      change(stored_a.numbers, stored_b.numbers);
      const Stored<Real> before(m, n, random);
      const auto a = maybe_transposed(stored_a, a_transposed), b = maybe_transposed(stored_b, b_transposed);
      for (const bool add : {false, true}) {
        testing::on_each_cpu([&] {
          Stored<Real> c = before;
          const auto view = c.template view<Real>();
          add ? add_product(a, b, view) : multiply(a, b, view);
          EXPECT_TRUE(same_bits(c.numbers, expected(a, b, before, add, fuses()).numbers))
              << m << " x " << n << " x " << k << ", transposed " << a_transposed << b_transposed << ", add "
              << add << ", " << sizeof(Real) << " bytes";
        });
      }
    }
  }
}

template <class Real>
void compare_shapes() {
  const auto keep = [](auto&, auto&) {};
  for (const std::size_t m : {0, 1, 2, 3, 7, 8, 21, 70})
    for (const std::size_t n : {0, 1, 5, 8, 17, 33, 64})
      for (const std::size_t k : {0, 1, 2, 9, 40}) compare<Real>(m, n, k, keep);
  compare<Real>(9, 35, 300, keep);  // several blocks of k
  compare<Real>(500, 3, 5, keep);   // several blocks of rows
}

TEST(Products, AreSumsInOrder) {
  compare_shapes<float>();
  compare_shapes<double>();
}

TEST(Products, KeepNotANumberAndInfinityWhereTheyBelong) {
  const auto spoil = [](auto& a, auto& b) {
    using Real = std::remove_reference_t<decltype(a[0])>;
    a[a.size() / 2] = std::numeric_limits<Real>::quiet_NaN();
    a[0] = 0;
    b[b.size() / 3] = std::numeric_limits<Real>::infinity();
    b[b.size() - 1] = -std::numeric_limits<Real>::infinity();
  };
  compare<float>(11, 37, 6, spoil);
  compare<double>(11, 37, 6, spoil);
}

TEST(Products, TakeAnySteps) {
  std::mt19937 random(1);
  Stored<double> wide(40, 90, random);
  const MatrixView<const double> a{wide.numbers.data(), 13, 20, 2 * (90 + kGap), 3};
  const MatrixView<const double> b{wide.numbers.data() + 1, 20, 19, 90 + kGap, 4};
  const Stored<double> before(13, 19, random);
  testing::on_each_cpu([&] {
    Stored<double> c = before;
    multiply(a, b, c.view<double>());
    EXPECT_TRUE(same_bits(c.numbers, expected(a, b, before, false, fuses()).numbers));
  });
}

}  // namespace
}  // namespace laconic
