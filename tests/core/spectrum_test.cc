// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/spectrum.h"

#include <Eigen/Dense>

#include "tests/problem_testing.h"

namespace laconic {
namespace {

using laconic::testing::random_vector;

Product product_of(const Eigen::MatrixXd& m) {
  return [&m](View v, MutView out) {
    Eigen::Map<Eigen::VectorXd>(out.data(), m.rows()) =
        m * Eigen::Map<const Eigen::VectorXd>(v.data(), m.rows());
  };
}

/// A symmetric matrix with the given eigenvalues in a random basis.
Eigen::MatrixXd with_spectrum(const Eigen::VectorXd& eigenvalues, unsigned seed) {
  const auto n = eigenvalues.size();
  const Vector entries = random_vector(static_cast<std::size_t>(n * n), seed);
  const Eigen::MatrixXd q =
      Eigen::HouseholderQR<Eigen::MatrixXd>(Eigen::Map<const Eigen::MatrixXd>(entries.data(), n, n))
          .householderQ();
  const Eigen::MatrixXd m = q * eigenvalues.asDiagonal() * q.transpose();
  return (m + m.transpose()) / 2;
}

TEST(Spectrum, LargestEigenvalueIsNeverUndershot) {
  struct Case {
    const char* name;
    double (*eigenvalue)(Eigen::Index k, Eigen::Index n);
  };
  const Case cases[] = {
      {"spread",
       [](Eigen::Index k, Eigen::Index n) { return static_cast<double>(k + 1) / static_cast<double>(n); }},
      {"geometric", [](Eigen::Index k, Eigen::Index) { return std::pow(0.7, static_cast<double>(k)); }},
      {"close pair", [](Eigen::Index k, Eigen::Index) { return k == 0   ? 1
                                                               : k == 1 ? 1 - 1e-7
                                                                        : 0.5; }},
      {"cluster", [](Eigen::Index k, Eigen::Index) { return 1 - 1e-9 * static_cast<double>(k); }},
      {"loose cluster", [](Eigen::Index k, Eigen::Index) { return 1 - 1e-4 * static_cast<double>(k); }},
      {"identity", [](Eigen::Index, Eigen::Index) { return 3.0; }},
      {"rank one", [](Eigen::Index k, Eigen::Index) { return k == 0 ? 5.0 : 0.0; }},
      {"rank two, tiny", [](Eigen::Index k, Eigen::Index) { return k < 2 ? 1e-30 : 0.0; }},
      {"huge", [](Eigen::Index k, Eigen::Index) { return 1e30 / static_cast<double>(k + 1); }},
      {"squares overflow", [](Eigen::Index k, Eigen::Index) { return 1e200 / static_cast<double>(k + 1); }},
      {"squares vanish", [](Eigen::Index k, Eigen::Index) { return 1e-200 / static_cast<double>(k + 1); }},
  };
  for (const Case& c : cases) {
    for (const Eigen::Index n : {1, 2, 24, 25, 26, 60, 200}) {
      Eigen::VectorXd eigenvalues(n);
      for (Eigen::Index k = 0; k < n; ++k) eigenvalues[k] = c.eigenvalue(k, n);
      const Eigen::MatrixXd m = with_spectrum(eigenvalues, static_cast<unsigned>(n));
      const double truth = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(m).eigenvalues().maxCoeff();
      const double found = largest_eigenvalue(static_cast<std::size_t>(n), product_of(m));
      EXPECT_GE(found, truth * (1 - 1e-13)) << c.name << " " << n;
      EXPECT_LE(found, truth * (1 + 1e-12)) << c.name << " " << n;
      EXPECT_EQ(found, largest_eigenvalue(static_cast<std::size_t>(n), product_of(m))) << c.name << " " << n;
    }
  }
}

TEST(Spectrum, ABoundWhereLanczosDoesNotConvergeAndADenseSolverIsTooMuch) {
  // 4,000 eigenvalues 1 - k 1e-12: the Lanczos vectors do not converge, but every Rayleigh quotient is near
  // 1.
  const std::size_t n = 4000;
  const auto cluster = [](View v, MutView out) {
    for (std::size_t k = 0; k < v.size(); ++k) out[k] = v[k] * (1 - 1e-12 * static_cast<double>(k));
  };
  const double found = largest_eigenvalue(n, cluster);
  EXPECT_GE(found, 1 - 1e-13);
  EXPECT_LE(found, 1 + 1e-8);
}

TEST(Spectrum, OfNothingIsZero) {
  for (const std::size_t n : {1UL, 10UL, 1000UL}) {
    EXPECT_EQ(largest_eigenvalue(n, [](View, MutView out) { fill(out, 0.0); }), 0);
  }
}

TEST(Spectrum, RefusesWhatIsNotFinite) {
  for (const double value : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    for (const std::size_t n : {2UL, 1000UL}) {
      EXPECT_THROW(largest_eigenvalue(n, [&](View, MutView out) { fill(out, value); }), InputError);
    }
  }
}

TEST(Spectrum, BothEnds) {
  const Eigen::MatrixXd m = with_spectrum(Eigen::VectorXd::LinSpaced(40, 0.25, 7), 3);
  const Extremes ends = extreme_eigenvalues(40, product_of(m));
  EXPECT_NEAR(ends.least, 0.25, 1e-13);
  EXPECT_NEAR(ends.largest, 7, 1e-13);
}

}  // namespace
}  // namespace laconic
