// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/spectrum.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <utility>

#include <Eigen/Dense>
#include <Spectra/SymEigsSolver.h>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"

namespace laconic {
namespace {

// Tolerances of the residual, relative to the eigenvalue. Spectra returns no vector if it did not converge. A
// coarse vector is then better than none, since the residual is added to the result.
constexpr double kTolerances[] = {1e-13, 1e-9, 1e-5};
constexpr std::size_t kDenseFallback = 1500;  // a few seconds at most
constexpr int kBasis = 14;                    // Lanczos vectors between restarts
constexpr int kRestarts = 60;

View view(const Eigen::VectorXd& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }
MutView view(Eigen::VectorXd& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }

/// The product, in the interface that Spectra requires.
struct Operator {
  using Scalar = double;
  const Product& product;
  Eigen::Index n;
  double scale;

  [[nodiscard]] Eigen::Index rows() const { return n; }
  [[nodiscard]] Eigen::Index cols() const { return n; }
  void perform_op(const double* v, double* out) const {
    const auto length = static_cast<std::size_t>(n);
    product(View(v, length), MutView(out, length));
    laconic::scale(scale, MutView(out, length));
  }
};

[[noreturn]] void refuse_overflow() {
  throw InputError("the squares of the data are not finite, and so no constants are known: scale the data");
}

bool has_square(const Eigen::VectorXd& v) {
  const double square = v.squaredNorm();
  return square > 0 && std::isfinite(square);
}

/// The norm, also if the squares overflow or underflow.
double length(const Eigen::VectorXd& v) { return has_square(v) ? v.norm() : v.stableNorm(); }

Eigen::MatrixXd dense(std::size_t n, const Product& product) {
  const auto size = static_cast<Eigen::Index>(n);
  Eigen::MatrixXd m(size, size);
  Eigen::VectorXd unit = Eigen::VectorXd::Zero(size);
  for (Eigen::Index j = 0; j < size; ++j) {
    unit[j] = 1;
    product(view(std::as_const(unit)), MutView(m.col(j).data(), n));
    unit[j] = 0;
  }
  if (!m.allFinite()) refuse_overflow();
  return m;
}

/// A fixed vector without structure: no eigenvector that occurs in practice is orthogonal to it. (The vector
/// of ones, for example, is orthogonal to differences of columns.)
Eigen::VectorXd start_vector(std::size_t n) {
  Stream stream = Key{.seed = 20220201}.stream(Purpose::split);
  Eigen::VectorXd v(static_cast<Eigen::Index>(n));
  for (double& entry : v) entry = 2 * stream.uniform() - 1;
  return v;
}

/// A Rayleigh quotient, and a bound on its distance from an eigenvalue.
struct Estimate {
  double value = 0;
  double residual = 0;
};

Estimate estimate(const Product& product, const Eigen::VectorXd& direction) {
  const Eigen::VectorXd v = direction / length(direction);
  Eigen::VectorXd image(v.size());
  product(view(v), view(image));
  const double value = v.dot(image);
  return {value, length(image - value * v)};
}

/// Empty if Lanczos does not converge.
std::optional<Eigen::VectorXd> top_ritz_vector(Operator& op, const Eigen::VectorXd& start, double tolerance) {
  Spectra::SymEigsSolver<Operator> lanczos(op, 1, std::min<Eigen::Index>(kBasis, op.n));
  try {
    lanczos.init(start.data());
    lanczos.compute(Spectra::SortRule::LargestAlge, kRestarts, tolerance);
  } catch (const std::runtime_error&) {  // Spectra throws this if its basis breaks down
    return {};
  }
  const Eigen::MatrixXd vectors = lanczos.eigenvectors(1);
  if (vectors.cols() == 0 || !vectors.allFinite()) return {};
  return vectors.col(0);
}

}  // namespace

Extremes extreme_eigenvalues(std::size_t n, const Product& product) {
  check(n >= 1, "an eigenvalue of an empty matrix was asked for");
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(dense(n, product), Eigen::EigenvaluesOnly);
  return {solver.eigenvalues().minCoeff(), solver.eigenvalues().maxCoeff()};
}

double largest_eigenvalue(std::size_t n, const Product& product) {
  if (n <= kDenseSize) return std::max(0.0, extreme_eigenvalues(n, product).largest);

  const Eigen::VectorXd start = start_vector(n);
  Eigen::VectorXd image(start.size());
  product(view(start), view(image));
  const double reach = length(image);
  if (!std::isfinite(reach)) refuse_overflow();
  if (reach == 0) return 0;                // M start = 0 for a start without structure implies M = 0
  if (!has_square(image)) image /= reach;  // Spectra divides by the norm

  // The start vector is in the range of M. So for a matrix of low rank the iteration ends early and does not
  // fill the basis with directions that M maps to 0. The operator is scaled because Spectra's threshold is
  // absolute for small eigenvalues.
  Operator op{product, static_cast<Eigen::Index>(n), 1 / reach};
  Estimate best = estimate(product, image);
  for (const double tolerance : kTolerances) {
    const auto vector = top_ritz_vector(op, image, tolerance);
    if (!vector) continue;
    const Estimate ritz = estimate(product, *vector);
    if (ritz.value > best.value || ritz.residual < best.residual) best = ritz;
    break;
  }
  if (best.residual <= 4 * kTolerances[0] * best.value) return best.value + best.residual;
  if (n <= kDenseFallback) return std::max(best.value, extreme_eigenvalues(n, product).largest);
  return best.value + best.residual;
}

}  // namespace laconic
