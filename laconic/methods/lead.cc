// SPDX-License-Identifier: Apache-2.0
// LEAD: Liu, Li, Wang, Tang, Yan 2020, arXiv 2007.00232, Algorithm 1.
#include <algorithm>
#include <utility>

#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// With H the public copy of Y, which moves by alpha times a message, and Yh = H + C(Y - H):
///   Y = X - eta g(X) - eta D                                    C(Y - H) sent
///   D <- D + gamma / (2 eta) (I - W) Yh
///   X <- X - eta g(X) - eta D, with the same g and the new D:   X <- Y + gamma / 2 (W - I) Yh
/// sum_i D_i stays 0. With identity and gamma = 1: D2 with (I + W) / 2.
class Lead final : public NodeRule {
 public:
  explicit Lead(bool warm) : warm_(warm) {}

  std::size_t vectors() const override { return 2; }  // X and D
  std::vector<Mix> mixes(double step) const override {
    return {{.into = 0, .factor = 0.5, .replaces = true}, {.into = 1, .factor = -1 / (2 * step)}};
  }
  std::size_t gradients(std::size_t t) const override { return t == 0 && !warm_ ? 0 : 1; }

  /// X <- X - eta g(X)
  void start(const NodeRound& at, std::span<Vector> own) const override {
    thread_local Vector g;
    g.resize(own[0].size());
    at.oracle.gradient(at.key, own[0], g);
    axpy(-at.step, g, own[0]);
  }

  void compute(const NodeRound& at, std::span<Vector> own, std::span<Vector> said) const override {
    Vector& Y = said[0];
    at.oracle.gradient(at.key, own[0], Y);
    for (std::size_t k = 0; k < Y.size(); ++k) Y[k] = own[0][k] - at.step * (Y[k] + own[1][k]);
  }

 private:
  bool warm_;
};

/// The paper's condition on gamma, with Cq for which E|C(v) - v|^2 <= Cq |v|^2, as far as it does not depend
/// on eta; at most 1.
double default_gamma(const Bound& bound, double beta) {
  const double Cq = bound.omega.value_or(1 - bound.alpha.value_or(0));
  return std::min(1.0, 2 / ((3 * Cq + 1) * beta));
}

Assembly lead(Arguments& args, const MethodSetting& s) {
  require_symmetric_mixing(args, s);
  constexpr double kRateOfContractive = 0.3;  // outside of the theory, which has unbiased compressors
  PublicCopies copies;
  copies.compressor = compressor_of_copies(args, args.required("compressor", 0, "lead(qsgd(16))"), s);
  const Bound bound = copies.compressor->bound();
  const double beta = 1 - smallest_eigenvalue(s.mixing->of_round(1));
  copies.gamma = args.number_in("gamma", default_gamma(bound, beta), kPositiveShare);
  copies.rate =
      args.number_in("alpha", bound.omega ? 1 / (1 + *bound.omega) : kRateOfContractive, kPositiveShare);
  const bool warm = args.choice("start", {"plain", "warm"}, "plain") == "warm";
  require_one_step(args, s);
  return gossip(
      args, s,
      {.oracle = full_or_batch(s), .rule = std::make_shared<Lead>(warm), .copies = std::move(copies)});
}

}  // namespace

std::vector<MethodRow> lead_methods() {
  return {
      {"lead", "lead(C, gamma=G, alpha=A, start=plain|warm)",
       "exact diffusion; nodes send compressed differences from public copies", "arXiv 2007.00232", lead,
       kNeighbours},
  };
}

}  // namespace laconic::recipe
