// SPDX-License-Identifier: Apache-2.0
// Exact diffusion: D2 (Tang, Lian, Yan, Zhang, Liu 2018, arXiv 1803.07068), NIDS (Li, Shi, Yan 2017, arXiv
// 1704.07807), and with local steps LED (Alghunaim 2023, arXiv 2302.00620).
#include <utility>

#include <fmt/format.h>

#include "laconic/local/local_steps.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// y = x, then K times y <- y - eta g(y) - D / K               y sent
/// x <- sum_j w_ij y_j;  D <- D + y - x
/// sum_i D_i stays 0. With K = 1 it is D2: X+ = W (2 X - X_before - eta (G - G_before)). NIDS does not
/// communicate in round 1.
class ExactDiffusion final : public NodeRule {
 public:
  ExactDiffusion(std::size_t steps, bool starts_alone) : steps_(steps), starts_alone_(starts_alone) {}

  std::size_t vectors() const override { return 2; }  // x and D
  std::vector<Mix> mixes(double /*step*/) const override {
    return {{.into = 0, .replaces = true}, {.into = 1, .factor = -1}};
  }
  bool communicates(std::size_t t) const override { return t > 1 || !starts_alone_; }
  std::size_t gradients(std::size_t t) const override { return t == 0 ? 0 : steps_; }

  void compute(const NodeRound& at, std::span<Vector> own, std::span<Vector> said) const override {
    thread_local Vector gradient;
    const double share = 1 / static_cast<double>(steps_);
    const Vector& D = own[1];
    take_local_steps(at.oracle, at.key, steps_, own[0], said[0], gradient,
                     [&](std::size_t, View from, View g, MutView to) {
                       for (std::size_t k = 0; k < to.size(); ++k)
                         to[k] = from[k] - at.step * g[k] - share * D[k];
                     });
  }

 private:
  std::size_t steps_;  // K
  bool starts_alone_;
};

/// The roots of z^2 - 2 lambda z + lambda, by which the part along an eigenvector of W moves, must be within
/// the unit circle for all eigenvalues lambda < 1 of W: lambda >= -1/3.
void require_stable(Arguments& args, const MixingPlan& mixing) {
  constexpr double kRounding = 1e-12;
  const double least = smallest_eigenvalue(mixing.of_round(1));
  if (least < -1.0 / 3 - kRounding)
    args.fail(
        fmt::format("mixing: its smallest eigenvalue is {:.4g}; need >= -1/3, as with mixing=lazy", least));
}

Assembly exact_diffusion(Arguments& args, const MethodSetting& given, std::size_t steps, bool starts_alone) {
  require_symmetric_mixing(args, given);
  MethodSetting s = given;
  if (!s.mixing_is_named) s.mixing = std::make_shared<MixingPlan>(lazy(*s.mixing));
  require_stable(args, *s.mixing);
  require_one_step(args, s);
  return gossip(args, s,
                {.oracle = full_or_batch(s),
                 .rule = std::make_shared<ExactDiffusion>(steps, starts_alone),
                 .copies = optional_copies(args, s)});
}

Assembly d2(Arguments& args, const MethodSetting& s) { return exact_diffusion(args, s, 1, false); }

Assembly nids(Arguments& args, const MethodSetting& s) { return exact_diffusion(args, s, 1, true); }

Assembly led(Arguments& args, const MethodSetting& s) {
  return exact_diffusion(args, s, local_steps_of(args), false);
}

}  // namespace

std::vector<MethodRow> exact_diffusion_methods() {
  return {
      {"d2", "d2(compressor=C, gamma=G)",
       "exact diffusion: one vector an edge, exact limit; mixing=lazy unless named", "arXiv 1803.07068", d2,
       kNeighbours},
      {"nids", "nids(compressor=C, gamma=G)", "d2 with a local step as its first round", "arXiv 1704.07807",
       nids, kNeighbours},
      {"led", "led(steps=K, compressor=C, gamma=G)",
       "exact diffusion with local steps; mixing=lazy unless named", "arXiv 2302.00620", led, kNeighbours},
  };
}

}  // namespace laconic::recipe
