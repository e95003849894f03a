// SPDX-License-Identifier: Apache-2.0
// Local D-SGD: Koloskova, Loizou, Boreiri, Jaggi, Stich 2020, arXiv 2003.10422. With one local step it is
// D-SGD. Through compressed messages: CHOCO-SGD, Algorithm 2 of Koloskova, Stich, Jaggi 2019, arXiv
// 1902.00340.
#include "laconic/local/local_steps.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// y = x, then K times y <- y - eta g(y);  u = x + eta_s (y - x) sent;  x <- sum_j w_ij u_j.
/// CHOCO-SGD: x <- u + gamma (W - I) of the public copies.
class LocalDescent final : public NodeRule {
 public:
  explicit LocalDescent(std::size_t steps) : steps_(steps) {}

  std::vector<Mix> mixes(double /*step*/) const override { return {{.replaces = true}}; }
  std::size_t gradients(std::size_t t) const override { return t == 0 ? 0 : steps_; }

  void compute(const NodeRound& at, std::span<Vector> own, std::span<Vector> said) const override {
    thread_local LocalScratch scratch;
    local_steps(at.oracle, at.key, {steps_, at.step}, {}, own[0], said[0], Sample::last, scratch);
    move_from(own[0], at.outer_step, said[0]);
  }

 private:
  std::size_t steps_;  // K
};

Assembly descent(Arguments& args, const MethodSetting& s, std::size_t steps,
                 std::optional<PublicCopies> copies) {
  return gossip(args, s,
                {.oracle = full_or_batch(s),
                 .rule = std::make_shared<LocalDescent>(steps),
                 .copies = std::move(copies)});
}

/// Local D-SGD; with one step D-SGD.
Assembly d_sgd(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  return descent(args, s, steps, optional_copies(args, s));
}

/// CHOCO-SGD, Algorithm 2, and with local steps.
Assembly choco(Arguments& args, const MethodSetting& s) {
  PublicCopies copies = required_copies(args, "choco", s);
  return descent(args, s, local_steps_of(args, 1, Arguments::kNamed), std::move(copies));
}

}  // namespace

std::vector<MethodRow> d_sgd_methods() {
  return {
      {"d-sgd", "d-sgd(steps=K, compressor=C, gamma=G)",
       "K local steps, then the mean of the neighbours' models", "arXiv 2003.10422", d_sgd, kNeighbours},
      {"choco", "choco(C, gamma=G, steps=K)", "d-sgd through compressed differences from public copies",
       "arXiv 1902.00340", choco, kNeighbours},
  };
}

}  // namespace laconic::recipe
