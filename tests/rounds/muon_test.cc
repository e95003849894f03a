// SPDX-License-Identifier: Apache-2.0
#include "laconic/local/muon.h"

#include <cmath>

#include <Eigen/Dense>
#include <gtest/gtest.h>

#include "laconic/core/rng.h"

namespace laconic::testing {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Vector some(std::size_t size) {
  Vector x(size);
  fill_normal(Key{.seed = 2}.stream(Purpose::batch), x);
  return x;
}

// U p^5(S) V', with p the polynomial on singular values.
TEST(Muon, NewtonSchulzIsAPolynomialOfSingularValues) {
  for (const auto& [rows, cols] : {std::pair{3, 7}, {7, 3}, {5, 5}, {1, 4}, {4, 1}}) {
    const Vector u = some(static_cast<std::size_t>(rows * cols));
    Vector out(u.size());
    newton_schulz(u, static_cast<std::size_t>(rows), static_cast<std::size_t>(cols), out);
    const Matrix M = Eigen::Map<const Matrix>(u.data(), rows, cols);
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(M, Eigen::ComputeThinU | Eigen::ComputeThinV);
    Eigen::VectorXd s = svd.singularValues() / (M.norm() + 1e-7);
    const auto [a, b, c] = kNewtonSchulz;
    for (int k = 0; k < 5; ++k)
      for (Eigen::Index i = 0; i < s.size(); ++i)
        s[i] = a * s[i] + b * std::pow(s[i], 3) + c * std::pow(s[i], 5);
    const Matrix expected = svd.matrixU() * s.asDiagonal() * svd.matrixV().transpose();
    const Matrix found = Eigen::Map<const Matrix>(out.data(), rows, cols);
    EXPECT_LE((found - expected).norm(), 1e-12) << rows << " x " << cols;
  }
  Vector zero(6, 0.0);
  newton_schulz(zero, 2, 3, zero);
  EXPECT_EQ(zero, Vector(6, 0.0));
}

TEST(Muon, StepsAlongHiddenMatricesOnly) {
  const Vector from = some(12);
  Vector g = some(12);
  std::vector<Vector> memory(2, Vector(12));
  Vector to(12);
  const auto rule =
      muon({.momentum = 0.5, .adamw_step = 0.01, .adamw = {.beta1 = 0.9, .beta2 = 0.95, .decay = 0.1}},
           {{.offset = 1, .rows = 3, .cols = 2},
            {.offset = 8, .rows = 2, .cols = 2, .kind = MatrixBlock::Kind::head}});
  rule->step({.number = 1, .length = 0.2, .scale = {}, .start = {}}, g, memory, from, to);
  Vector u(6);
  for (std::size_t k = 0; k < 6; ++k) u[k] = 0.75 * g[1 + k];
  newton_schulz(u, 3, 2, u);
  for (std::size_t j = 0; j < 12; ++j) {
    const bool hidden = j >= 1 && j < 7;
    const double expected = hidden ? from[j] * 0.98 - 0.2 * std::sqrt(1.5) * u[j - 1]
                                   : from[j] - 0.01 * (g[j] / (std::abs(g[j]) + 1e-8) + 0.1 * from[j]);
    EXPECT_NEAR(to[j], expected, 1e-12) << j;
  }
}

}  // namespace
}  // namespace laconic::testing
