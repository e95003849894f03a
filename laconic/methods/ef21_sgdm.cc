// SPDX-License-Identifier: Apache-2.0
// EF21-SGDM and EF21-SGD2M: Fatkhullin, Tyurin, Richtarik, NeurIPS 2023, arXiv 2305.15155. EF21 on a running
// mean of the stochastic gradients. The steps are gain bounds (methods/theorem.h).
#include "laconic/mechanism/three_point.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// EF21 on `means` running means, one of the other, each with weight eta on the new value.
Assembly ef21_on_means(Arguments& args, const MethodSetting& s, std::size_t means, const char* example) {
  args.required("compressor", 0, example);
  ThreePoint c = make_three_point(Spec("ef21"), args, setting_of_compressors(s));
  const double eta = args.number_in("eta", 0.1, kPositiveShare);
  const bool exact = starts_exact(args);
  Assembly m = star(s, {.oracle = batches_after_start(args, s),
                        .estimates = std::vector<Estimate>(means, {.keep = 1 - eta}),
                        .mechanism = from_start(std::move(c.map), exact, s),
                        .participation = everyone(s.problem.shards())});
  m.facts = {{"alpha", *c.alpha}, {"eta", eta}};
  if (s.constants && !s.batch && exact) {
    const Constants& k = *s.constants;
    const double mean = (1 - eta) / eta * static_cast<double>(means);
    Gain gain{.error = mean * k.L_minus + k.L_plus * memory_gain(*c.alpha)};
    if (c.shrinks) gain.increments = k.L_plus * (1 + memory_gain(*c.alpha));
    m.theorem = gain_theorem(
        k, gain, "EF21 with momentum: gain bound (EF21-SGDM, arXiv 2305.15155)",
        means == 1 ? "1 / (L_minus / eta + L_plus K)" : "1 / (L_minus (1 + 2 (1 - eta) / eta) + L_plus K)");
  }
  return m;
}

/// EF21-SGDM, Algorithm 1: v_i <- (1 - eta) v_i + eta g_i(x), m_i = C(v_i - h_i).
Assembly ef21_sgdm(Arguments& args, const MethodSetting& s) {
  return ef21_on_means(args, s, 1, "ef21-sgdm(top-k(10), eta=0.1)");
}

/// EF21-SGD2M: u_i <- (1 - eta) u_i + eta v_i, m_i = C(u_i - h_i).
Assembly ef21_sgd2m(Arguments& args, const MethodSetting& s) {
  return ef21_on_means(args, s, 2, "ef21-sgd2m(top-k(10), eta=0.1)");
}

}  // namespace

std::vector<MethodRow> ef21_sgdm_methods() {
  return {
      {"ef21-sgdm", "ef21-sgdm(C, eta=0.1, init=exact|zero, first-batch=B)",
       "EF21 on a running mean of the gradients; with batch=", "arXiv 2305.15155", ef21_sgdm, kHearsAll},
      {"ef21-sgd2m", "ef21-sgd2m(C, eta=0.1, init=exact|zero, first-batch=B)",
       "EF21-SGDM with a running mean of the running mean", "arXiv 2305.15155", ef21_sgd2m, kHearsAll},
  };
}

}  // namespace laconic::recipe
