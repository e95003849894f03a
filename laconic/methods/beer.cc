// SPDX-License-Identifier: Apache-2.0
// Gradient tracking through compressed messages. BEER: Zhao, Li, Li, Richtarik, Chi 2022, arXiv 2201.13320,
// Algorithm 1. MoTEF, with momentum: Islamov, Gao, Stich 2024, arXiv 2405.20114, Algorithm 1.
#include <utility>

#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// With H and G the public copies of X and V, and V = M = g(x_0) at the start:
///   X <- X + gamma (W - I) H - eta V                            C(X - H) sent
///   M+ = (1 - lambda) M + lambda g(X)
///   V <- V + gamma (W - I) G + M+ - M                           C(V - G) sent
/// lambda = 1 is BEER, where M is the gradient of the round before. The means of V and M stay equal.
class CompressedTracking final : public NodeRule {
 public:
  explicit CompressedTracking(double lambda) : lambda_(lambda) {}

  std::size_t vectors() const override { return 3; }  // X, V and M
  std::size_t parts() const override { return 2; }    // X and V
  bool mixes_first() const override { return true; }
  std::size_t gradients(std::size_t /*t*/) const override { return 1; }

  void start(const NodeRound& at, std::span<Vector> own) const override {
    at.oracle.gradient(at.key, own[0], own[1]);
    copy(own[1], own[2]);
  }

  void compute(const NodeRound& at, std::span<Vector> own, std::span<Vector> said) const override {
    Vector& X = own[0];
    Vector& V = own[1];
    Vector& M = own[2];
    axpy(1, at.drifts[0], X);
    axpy(-at.step, V, X);
    Vector& g = said[1];
    at.oracle.gradient(at.key, X, g);
    for (std::size_t k = 0; k < g.size(); ++k) {
      const double before = M[k];
      M[k] = (1 - lambda_) * before + lambda_ * g[k];
      V[k] += at.drifts[1][k] + M[k] - before;
    }
    copy(X, said[0]);
    copy(V, said[1]);
  }

 private:
  double lambda_;
};

Assembly compressed_tracking(Arguments& args, const MethodSetting& s, PublicCopies copies, double lambda) {
  require_one_step(args, s);
  return gossip(args, s,
                {.oracle = full_or_batch(s),
                 .rule = std::make_shared<CompressedTracking>(lambda),
                 .copies = std::move(copies)});
}

Assembly beer(Arguments& args, const MethodSetting& s) {
  return compressed_tracking(args, s, required_copies(args, "beer", s), 1);
}

Assembly motef(Arguments& args, const MethodSetting& s) {
  PublicCopies copies = required_copies(args, "motef", s);
  const double lambda = args.number_in("lambda", 0.1, kPositiveShare);
  Assembly m = compressed_tracking(args, s, std::move(copies), lambda);
  m.facts.emplace_back("lambda", lambda);
  return m;
}

}  // namespace

std::vector<MethodRow> beer_methods() {
  return {
      {"beer", "beer(C, gamma=G)", "gradient tracking; nodes send compressed differences from public copies",
       "arXiv 2201.13320", beer, kNeighbours},
      {"motef", "motef(C, gamma=G, lambda=0.1)", "beer with momentum: for minibatches", "arXiv 2405.20114",
       motef, kNeighbours},
  };
}

}  // namespace laconic::recipe
