// SPDX-License-Identifier: Apache-2.0
#include "laconic/topology/fastest.h"

#include <optional>

#include <Eigen/Dense>

#include "laconic/core/error.h"

namespace laconic {
namespace {

using Matrix = Eigen::MatrixXd;
using Column = Eigen::VectorXd;

constexpr double kExcess = 1e-9;   // of rho over the least one
constexpr double kGrowth = 20;     // of t from one centre to the next
constexpr double kCentred = 1e-4;  // squared Newton decrement: a change of F
constexpr int kMostSteps = 50;     // Newton steps to a centre; usually 4 to 8
constexpr int kMostHalvings = 40;

/// An interior-point method. With M = W - J, it minimises s subject to -s I < M < s I by Newton steps on
///   F(w, s) = t s - log det(s I - M) - log det(s I + M),   M = I - J - sum_e w_e a_e a_e',
/// where a_e is 1 at one end of the edge, and -1 at the other. F has one minimum for each t, the centre, and
/// there s is at most 2n/t above the least rho. t grows until this is kExcess.
class Barrier {
 public:
  Barrier(std::size_t nodes, std::span<const Edge> edges)
      : n_(static_cast<Eigen::Index>(nodes)), m_(static_cast<Eigen::Index>(edges.size())), edges_(edges) {}

  Vector minimise(double start) {
    Column v = Column::Constant(m_ + 1, start);
    const Column eigenvalues =
        Eigen::SelfAdjointEigenSolver<Matrix>(rest(v), Eigen::EigenvaluesOnly).eigenvalues();
    v[m_] = (1 + eigenvalues.cwiseAbs().maxCoeff()) / 2;
    const double n = static_cast<double>(n_);
    for (double t = 2 * n; 2 * n / t > kExcess; t *= kGrowth) {
      if (!centre(v, t * kGrowth)) break;
    }
    return Vector(v.data(), v.data() + m_);
  }

 private:
  struct Factors {
    Eigen::LLT<Matrix> below, above;  // of s I - M and s I + M
    double log_det = 0;               // of both
  };

  /// W - J of the weights v_0 .. v_{m-1}.
  [[nodiscard]] Matrix rest(const Column& v) const {
    Matrix matrix = Matrix::Constant(n_, n_, -1 / static_cast<double>(n_));
    matrix.diagonal().array() += 1;
    for (Eigen::Index e = 0; e < m_; ++e) {
      const auto [a, b] = edges_[static_cast<std::size_t>(e)];
      matrix(a, b) += v[e];
      matrix(b, a) += v[e];
      matrix(a, a) -= v[e];
      matrix(b, b) -= v[e];
    }
    return matrix;
  }

  /// Empty if the constraints do not hold.
  [[nodiscard]] std::optional<Factors> factors(const Column& v) const {
    const Matrix matrix = rest(v);
    const Matrix bound = Matrix::Identity(n_, n_) * v[m_];
    Factors result{.below = Eigen::LLT<Matrix>(bound - matrix), .above = Eigen::LLT<Matrix>(bound + matrix)};
    for (const auto* llt : {&result.below, &result.above}) {
      if (llt->info() != Eigen::Success) return {};
      result.log_det += 2 * llt->matrixLLT().diagonal().array().log().sum();
    }
    return result;
  }

  /// Adds the derivatives of -log det(s I - sign M). p is the inverse of s I - sign M.
  void add_derivatives(const Matrix& p, double sign, Column& gradient, Matrix& hessian) const {
    const Matrix p_sq = p * p;
    gradient[m_] -= p.trace();
    hessian(m_, m_) += p_sq.trace();
    for (Eigen::Index e = 0; e < m_; ++e) {
      const auto [a, b] = edges_[static_cast<std::size_t>(e)];
      gradient[e] -= sign * (p(a, a) - 2 * p(a, b) + p(b, b));
      hessian(m_, e) += sign * (p_sq(a, a) - 2 * p_sq(a, b) + p_sq(b, b));
      for (Eigen::Index f = 0; f <= e; ++f) {
        const auto [c, d] = edges_[static_cast<std::size_t>(f)];
        const double product = (p(c, a) - p(c, b)) - (p(d, a) - p(d, b));
        hessian(e, f) += product * product;
      }
    }
  }

  /// Moves v to the centre of t. False if rounding prevents it; v is then as near as it can be.
  bool centre(Column& v, double t) const {
    auto now = factors(v);
    check(now.has_value(), "the weights to start from do not satisfy the constraints");
    for (int step = 0; step < kMostSteps; ++step) {
      Column gradient = Column::Zero(m_ + 1);
      gradient[m_] = t;
      Matrix hessian = Matrix::Zero(m_ + 1, m_ + 1);
      add_derivatives(now->below.solve(Matrix::Identity(n_, n_)), 1, gradient, hessian);
      add_derivatives(now->above.solve(Matrix::Identity(n_, n_)), -1, gradient, hessian);
      const Eigen::LLT<Matrix> llt(hessian);  // reads the lower triangle
      if (llt.info() != Eigen::Success) return false;
      const Column move = -llt.solve(gradient);
      const double decrement = -gradient.dot(move);
      if (!(decrement > kCentred)) return decrement >= 0;
      double length = 1;
      std::optional<Factors> next;
      for (int halving = 0; halving < kMostHalvings; ++halving, length /= 2) {
        next = factors(v + length * move);
        const auto change = [&] { return t * length * move[m_] - (next->log_det - now->log_det); };
        if (next && change() <= -0.1 * length * decrement) break;
        next.reset();
      }
      if (!next) return false;
      v += length * move;
      now = std::move(next);
    }
    return true;
  }

  Eigen::Index n_;
  Eigen::Index m_;
  std::span<const Edge> edges_;
};

}  // namespace

Vector fastest_weights(std::size_t nodes, std::span<const Edge> edges, double start) {
  return Barrier(nodes, edges).minimise(start);
}

}  // namespace laconic
