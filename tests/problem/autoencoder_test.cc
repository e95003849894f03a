// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/autoencoder.h"

#include <set>

#include <Eigen/Dense>

#include "laconic/core/parallel.h"
#include "tests/cpus.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;

/// By the formulas of the paper, with R = DEA - A: f = |R|^2 / m, dD = (2/m) R (EA)', dE = (2/m) D'R A'.
struct Naive {
  long double value = 0;
  std::vector<long double> g;

  Naive(const Dataset& data, const std::vector<std::uint32_t>& rows, std::size_t hidden, View x)
      : g(x.size(), 0) {
    const std::size_t p = data.columns;
    const View D = x.first(p * hidden), E = x.last(p * hidden);
    for (const std::uint32_t row : rows) {
      const Vector a = features(data, row, false);
      std::vector<long double> code(hidden, 0), residual(p, 0), back(hidden, 0);
      for (std::size_t k = 0; k < hidden; ++k)
        for (std::size_t c = 0; c < p; ++c) code[k] += static_cast<long double>(E[k * p + c]) * a[c];
      for (std::size_t c = 0; c < p; ++c) {
        residual[c] = -a[c];
        for (std::size_t k = 0; k < hidden; ++k) residual[c] += D[c * hidden + k] * code[k];
        for (std::size_t k = 0; k < hidden; ++k) back[k] += D[c * hidden + k] * residual[c];
        value += residual[c] * residual[c] / rows.size();
      }
      for (std::size_t c = 0; c < p; ++c) {
        for (std::size_t k = 0; k < hidden; ++k) {
          g[c * hidden + k] += 2 * residual[c] * code[k] / rows.size();
          g[p * hidden + k * p + c] += 2 * back[k] * a[c] / rows.size();
        }
      }
    }
  }
};

TEST(Autoencoder, AgreesWithAPlainLoopAndWithItself) {
  for (const std::size_t hidden : {1UL, 2UL, 8UL, 11UL, 16UL, 35UL}) {
    for (const std::size_t columns : {1UL, 7UL, 30UL}) {
      for (const bool pixels : {true, false}) {
        const Dataset data =
            pixels ? random_pixels(90, columns, 3, 5) : random_data(90, columns, Values::many, 5);
        const Shards shards = {range(0, 1), range(1, 34), range(10, 90)};
        const auto problem = make_autoencoder(data, shards, {.hidden = hidden});
        SCOPED_TRACE(::testing::Message()
                     << hidden << " hidden, " << columns << " columns, pixels " << pixels);
        ASSERT_EQ(problem->dim(), 2 * columns * hidden);
        const Vector x = random_vector(problem->dim(), 3);
        Vector g(problem->dim());
        for (std::size_t i = 0; i < 3; ++i) {
          EXPECT_EQ(problem->rows(i), shards[i].size());
          const Measured measured = problem->value_gradient(i, Rows::everything(), x, g);
          const Naive naive(data, shards[i], hidden, x);
          long double error = 0, norm = 0;
          for (std::size_t k = 0; k < g.size(); ++k) {
            error += (g[k] - naive.g[k]) * (g[k] - naive.g[k]);
            norm += naive.g[k] * naive.g[k];
          }
          EXPECT_LE(error, 1e-28 * norm);
          EXPECT_NEAR(measured.value, static_cast<double>(naive.value), 1e-13 * (1 + measured.value));
          EXPECT_EQ(measured.correct, 0);
          expect_rows_to_agree(*problem, i, x, 1e-12);
        }
        expect_gradient_of_value(*problem, 1, Rows::everything(), random_vector(problem->dim(), 4, 0.5),
                                 1e-6);
      }
    }
  }
}

TEST(Autoencoder, ALosslessCodeHasValueAndGradientZero) {
  const Dataset data = random_pixels(40, 6, 2, 1);
  const auto problem = make_autoencoder(data, {range(0, 40)}, {.hidden = 9});  // more than the columns
  Vector x(problem->dim(), 0.0), g(problem->dim());
  for (std::size_t c = 0; c < 6; ++c) {
    x[c * 9 + c] = 2;
    x[6 * 9 + c * 6 + c] = 0.5;
  }
  EXPECT_NEAR(problem->value_gradient(0, Rows::everything(), x, g).value, 0, 1e-14);
  EXPECT_LE(std::sqrt(norm_sq(g)), 1e-14);
  // Near a minimum, rounding must not make the value negative.
  for (unsigned k = 0; k < 50; ++k) {
    Vector near = random_vector(problem->dim(), k, 1e-9);
    axpy(1, x, near);
    EXPECT_GE(problem->value_gradient(0, Rows::everything(), near, g).value, 0);
  }
}

TEST(Autoencoder, DescendsToThePrincipalComponents) {
  // The minimum is the sum of the eigenvalues of the rows' second moments, without the largest ones.
  constexpr std::size_t kRows = 60, kColumns = 8, kHidden = 3;
  const Dataset data = random_pixels(kRows, kColumns, 2, 1);
  const auto problem = make_autoencoder(data, {range(0, kRows)}, {.hidden = kHidden});
  Eigen::MatrixXd moments = Eigen::MatrixXd::Zero(kColumns, kColumns);
  for (std::size_t row = 0; row < kRows; ++row) {
    const Vector a = features(data, row, false);
    const Eigen::Map<const Eigen::VectorXd> v(a.data(), kColumns);
    moments += v * v.transpose() / kRows;
  }
  const Eigen::VectorXd spectrum = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(moments).eigenvalues();
  const double least = spectrum.head(kColumns - kHidden).sum();
  Vector x(problem->dim()), g(problem->dim());
  problem->start(x);
  EXPECT_GT(problem->value_gradient(0, Rows::everything(), x, g).value, 1.5 * least);
  double value = 0;
  for (int t = 0; t < 20000; ++t) {
    value = problem->value_gradient(0, Rows::everything(), x, g).value;
    axpy(-0.1, g, x);
  }
  EXPECT_NEAR(value, least, 1e-10 * least);
  EXPECT_LE(std::sqrt(norm_sq(g)), 1e-10);
}

TEST(Autoencoder, StartsAtItsSeed) {
  const Dataset data = random_pixels(4, 784, 2, 1);
  const auto at = [&](std::uint64_t seed, std::size_t hidden) {
    const auto problem = make_autoencoder(data, {{0}}, {.hidden = hidden, .seed = seed});
    Vector x(problem->dim());
    problem->start(x);
    return x;
  };
  const Vector x = at(1, 16);
  EXPECT_EQ(x, at(1, 16));
  EXPECT_NE(x, at(2, 16));
  const double bound = std::sqrt(6.0 / 800);
  EXPECT_LT(*std::max_element(x.begin(), x.end()), bound);
  EXPECT_GT(*std::max_element(x.begin(), x.end()), 0.99 * bound);
  EXPECT_GE(*std::min_element(x.begin(), x.end()), -bound);
  EXPECT_NEAR(norm_sq(x) / 25088, bound * bound / 3, 0.02 * bound * bound);
  EXPECT_EQ(std::set<double>(x.begin(), x.end()).size(), x.size());
}

TEST(Autoencoder, GivesTheSameBitsOnAnyThread) {
  const Dataset data = random_pixels(200, 50, 2, 3);
  Shards shards;
  for (std::size_t i = 0; i < 24; ++i) shards.push_back(range(i, i + 1 + 7 * i));
  const auto problem = make_autoencoder(data, shards, {.hidden = 5});
  const auto other = make_autoencoder(random_pixels(9, 21, 2, 3), {range(0, 9)}, {.hidden = 20});
  const Vector x = random_vector(problem->dim(), 3), y = random_vector(other->dim(), 3);
  std::vector<Vector> expected;
  for (const std::size_t threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    std::vector<Vector> found(shards.size(), Vector(problem->dim() + 1));
    pool.for_each(shards.size(), [&](std::size_t i) {
      // Scratch left by another problem must have no effect.
      Vector ignored(other->dim());
      other->value_gradient(0, Rows::everything(), y, ignored);
      found[i].back() =
          problem->value_gradient(i, Rows::everything(), x, MutView(found[i]).first(x.size())).value;
    });
    if (expected.empty()) expected = found;
    EXPECT_EQ(found, expected) << threads;
  }
}

TEST(Autoencoder, HasTheSameBitsOnEveryCpuWithFusedMultiplyAdds) {
  for (const std::size_t hidden : {1, 5, 20}) {
    for (const bool pixels : {true, false}) {
      const Dataset data = pixels ? random_pixels(151, 140, 3, 4) : random_data(151, 140, Values::many, 4);
      std::vector<Vector> found;
      on_each_cpu([&] {
        if (used_cpu() == "baseline") return;
        const auto problem = make_autoencoder(data, {range(0, 151)}, {.hidden = hidden});
        Vector g(problem->dim());
        g.push_back(problem
                        ->value_gradient(0, Rows::everything(), random_vector(problem->dim(), 3),
                                         MutView(g).first(problem->dim()))
                        .value);
        found.push_back(g);
        EXPECT_EQ(g, found.front());
      });
    }
  }
}

TEST(Autoencoder, SharedRowsAreKeptOnce) {
  const Dataset data = random_pixels(30, 12, 2, 3);
  const Shards shards = {{3, 29, 7}, {3, 29, 7}, {7, 5}, {5}};
  const auto problem = make_autoencoder(data, shards, {.hidden = 4});
  const Vector x = random_vector(problem->dim(), 3);
  Vector g(problem->dim()), expected(problem->dim());
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const auto alone = make_autoencoder(data, {shards[i]}, {.hidden = 4});
    const double value = alone->value_gradient(0, Rows::everything(), x, expected).value;
    EXPECT_EQ(problem->value_gradient(i, Rows::everything(), x, g).value, value);
    EXPECT_EQ(g, expected);
    const auto kept = make_autoencoder(data, shards, {.hidden = 4}, Range{i, i + 1});
    EXPECT_EQ(kept->value_gradient(i, Rows::everything(), x, g).value, value);
    EXPECT_EQ(g, expected);
  }
}

TEST(Autoencoder, APointThatIsNoNumberGivesNone) {
  const auto problem = make_autoencoder(random_pixels(5, 3, 2, 1), {range(0, 5)}, {.hidden = 2});
  Vector g(12);
  EXPECT_TRUE(std::isnan(problem->value_gradient(0, Rows::everything(), Vector(12, std::nan("")), g).value));
  EXPECT_FALSE(all_finite(g));
  problem->value_gradient(0, Rows::everything(), Vector(12, 1e200), g);
  EXPECT_FALSE(all_finite(g));
}

TEST(Autoencoder, RefusesWhatItCannotUse) {
  const Dataset data = random_pixels(5, 3, 2, 1);
  EXPECT_EQ(error_of([&] { make_autoencoder(data, {{0}}, {.hidden = 0}); }), "hidden = 0; need hidden >= 1");
  EXPECT_EQ(error_of([&] { make_autoencoder(data, {{0}}, {.hidden = 715827883}); }),
            "hidden = 715827883; need 2 * 3 * hidden < 2^32, as the rows have 3 columns");
  EXPECT_EQ(error_of([&] { make_autoencoder(data, {}, {}); }), "pixels: no shards; need at least one");
  EXPECT_EQ(error_of([&] { make_autoencoder(data, {{5}}, {}); }),
            "pixels: shard 0 asks for row 5; need row < 5");
}

}  // namespace
}  // namespace laconic
