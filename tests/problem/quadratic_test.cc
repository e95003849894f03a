// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/quadratic.h"

#include <Eigen/Dense>

#include "laconic/transport/fleet.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;

TEST(Quadratic, NormalsAreNumPys) {
  // numpy.random.RandomState(12345).randn(4)
  const Vector expected = {-0.20470765948471295, 0.47894333805754824, -0.5194387150567381, -0.55573030434749};
  EXPECT_EQ(legacy_normals(12345, 4), expected);
  EXPECT_EQ(legacy_normals(12345, 3), Vector(expected.begin(), expected.begin() + 3));
}

TEST(Quadratic, ConstantsAreThoseOfThePaper) {
  struct Case {
    std::size_t n;
    double s, L_minus, L_pm, L_plus;
  };
  const Case cases[] = {
      {10, 0, 1, 0, 1},
      {10, 0.05, 1.0220, 0.0560, 1.0236},
      {10, 0.8, 1.3525, 0.8961, 1.6224},
      {10, 1.6, 1.7050, 1.7922, 2.4737},
      {10, 6.4, 3.8199, 7.1689, 8.1231},
      {100, 0, 1, 0, 1},
      {100, 0.05, 0.9982, 0.0514, 0.9995},
      {100, 0.8, 0.9713, 0.8227, 1.2728},
      {100, 1.6, 0.9425, 1.6454, 1.8962},
      {100, 6.4, 0.7700, 6.5814, 6.6263},
      {1000, 0, 1, 0, 1},
      {1000, 0.05, 0.9983, 0.0506, 0.9996},
      {1000, 0.8, 0.9728, 0.8095, 1.2655},
      {1000, 1.6, 0.9456, 1.6190, 1.8749},
      {1000, 6.4, 0.7823, 6.4760, 6.5231},
  };
  ThreadPool pool(1);
  Fleet fleet(pool);
  for (const Case& c : cases) {
    const auto problem = make_quadratic({.clients = c.n, .s = c.s});
    const Constants constants = problem->constants(fleet).value();
    EXPECT_NEAR(constants.L_minus, c.L_minus, 5.1e-5) << c.n << " " << c.s;
    EXPECT_NEAR(constants.L_pm, c.L_pm, 5.1e-5) << c.n << " " << c.s;
    EXPECT_NEAR(constants.L_plus, c.L_plus, 5.1e-5) << c.n << " " << c.s;
    EXPECT_LE(constants.L_minus, constants.L_plus * (1 + 1e-13));
    EXPECT_LE(constants.L_plus, constants.L_tilde * (1 + 1e-13));
    EXPECT_LE(constants.L_tilde, constants.L_max * (1 + 1e-13));
    EXPECT_EQ(constants.mu, 1e-6);
  }
}

/// A_i and b_i, computed from the gradients at 0 and at the unit vectors.
struct Dense {
  Eigen::MatrixXd A;
  Eigen::VectorXd b;

  Dense(const Problem& problem, std::size_t shard) {
    const auto d = static_cast<Eigen::Index>(problem.dim());
    A.resize(d, d);
    Vector x(problem.dim(), 0.0), g(problem.dim());
    problem.value_gradient(shard, Rows::everything(), x, g);
    b = -Eigen::Map<const Eigen::VectorXd>(g.data(), d);
    for (Eigen::Index j = 0; j < d; ++j) {
      x[static_cast<std::size_t>(j)] = 1;
      problem.value_gradient(shard, Rows::everything(), x, g);
      A.col(j) = Eigen::Map<const Eigen::VectorXd>(g.data(), d) + b;
      x[static_cast<std::size_t>(j)] = 0;
    }
  }
};

TEST(Quadratic, ConstantsAreThoseOfADenseSolver) {
  ThreadPool pool(1);
  Fleet fleet(pool);
  for (const std::size_t d : {1UL, 2UL, 3UL, 40UL}) {
    for (const double s : {0.0, 0.8, 6.4, 200.0}) {  // at s = 200 the mean of nu_i is negative for some n
      for (const std::size_t n : {1UL, 2UL, 7UL}) {
        const QuadraticOptions options{.clients = n, .d = d, .s = s, .lambda = 1e-3};
        const auto problem = make_quadratic(options);
        const Constants constants = problem->constants(fleet).value();
        SCOPED_TRACE(::testing::Message() << "d " << d << " s " << s << " n " << n);
        const auto size = static_cast<Eigen::Index>(d);
        Eigen::MatrixXd mean = Eigen::MatrixXd::Zero(size, size), mean_square = mean;
        Eigen::VectorXd mean_b = Eigen::VectorXd::Zero(size);
        double squares = 0;
        const auto count = static_cast<double>(n);
        for (std::size_t i = 0; i < n; ++i) {
          const Dense dense(*problem, i);
          EXPECT_LE((dense.A - dense.A.transpose()).norm(), 1e-14 * dense.A.norm());
          mean += dense.A / count;
          mean_b += dense.b / count;
          mean_square += dense.A * dense.A / count;
          const double L =
              Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(dense.A).eigenvalues().cwiseAbs().maxCoeff();
          squares += L * L / count;
        }
        const auto largest = [](const Eigen::MatrixXd& m) {
          return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(m).eigenvalues().cwiseAbs().maxCoeff();
        };
        const double scale = 1 + std::sqrt(squares);  // 1: terms that cancel in the shift
        EXPECT_NEAR(constants.L_minus, largest(mean), 1e-13 * scale);
        EXPECT_NEAR(constants.L_plus, std::sqrt(largest(mean_square)), 1e-13 * scale);
        EXPECT_NEAR(constants.L_pm * constants.L_pm, largest(mean_square - mean * mean),
                    1e-13 * scale * scale);
        EXPECT_NEAR(constants.L_tilde, std::sqrt(squares), 1e-13 * scale);
        const Eigen::VectorXd spectrum = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(mean).eigenvalues();
        EXPECT_NEAR(spectrum.minCoeff(), 1e-3, 1e-13 * scale);
        const double least = -0.5 * mean_b.dot(mean.ldlt().solve(mean_b));
        EXPECT_NEAR(*constants.f_lower, least, 1e-9 * std::abs(least));
      }
    }
  }
}

TEST(Quadratic, LowerBoundIsTheMinimum) {
  // Conjugate gradients on the mean, without the closed forms.
  const std::size_t n = 10, d = 300;
  const auto problem = make_quadratic({.clients = n, .d = d, .s = 0.8, .lambda = 1e-4});
  Vector part(d);
  const auto value_gradient = [&](View x, MutView g) {
    double value = 0;
    fill(g, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      value += problem->value_gradient(i, Rows::everything(), x, part).value / n;
      axpy(1.0 / n, part, g);
    }
    return value;
  };
  Vector x(d), r(d), zero(d, 0.0), b(d), image(d);
  problem->start(x);
  EXPECT_EQ(x[0], std::sqrt(300.0));
  EXPECT_EQ(norm_sq(View(x).subspan(1)), 0);
  value_gradient(zero, b);
  value_gradient(x, r);
  Vector p = r;
  for (std::size_t k = 0; k < 5 * d && norm_sq(r) > 1e-28; ++k) {
    value_gradient(p, image);
    subtract(image, b, image);
    const double before = norm_sq(r), step = before / dot(p, image);
    axpy(-step, p, x);
    axpy(-step, image, r);
    scale(norm_sq(r) / before, p);
    axpy(1, r, p);
  }
  ThreadPool pool(1);
  Fleet fleet(pool);
  const double lower = *problem->constants(fleet)->f_lower;
  EXPECT_NEAR(value_gradient(x, r), lower, 1e-11 * std::abs(lower));
}

TEST(Quadratic, GradientIsThatOfTheValue) {
  for (const std::size_t d : {1UL, 2UL, 50UL}) {
    const auto problem = make_quadratic({.clients = 3, .d = d, .s = 1.6});
    EXPECT_EQ(problem->rows(2), 1U);
    for (std::size_t i = 0; i < 3; ++i) {
      expect_gradient_of_value(*problem, i, Rows::everything(), random_vector(d, 4), 1e-7);
      expect_rows_to_agree(*problem, i, random_vector(d, 4), 1e-14);
    }
  }
}

TEST(Quadratic, RefusesWhatItCannotUse) {
  EXPECT_EQ(error_of([] { make_quadratic({.clients = 0}); }), "clients = 0; need clients >= 1");
  EXPECT_EQ(error_of([] { make_quadratic({.d = 0}); }), "d = 0; need d >= 1");
  EXPECT_EQ(error_of([] { make_quadratic({.s = -1}); }), "s = -1; need a finite s >= 0");
  EXPECT_EQ(error_of([] { make_quadratic({.lambda = 0}); }), "lambda = 0; need a finite lambda > 0");
}

}  // namespace
}  // namespace laconic
