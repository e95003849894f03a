// SPDX-License-Identifier: Apache-2.0
// Distributed compressed gradient descent: Khirirat, Feyzmahdavian, Johansson 2018, arXiv 1806.06573.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

Theorem dcgd_theorem(const Constants& c, double omega, std::size_t clients) {
  return {.name = "distributed compressed gradient descent (usual step)",
          .step_rule = "1 / (L_tilde (1 + omega / n))",
          .step = 1 / (c.L_tilde * (1 + omega / static_cast<double>(clients))),
          .promise = "none to a stationary point: it stalls at a floor unless every grad f_i vanishes there"};
}

Assembly dcgd(Arguments& args, const MethodSetting& s) {
  CompressorPtr c = compressor(args.required("compressor", 0, "dcgd(rand-k(10))"), s);
  const Bound bound = c->bound();
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = direct(std::move(c)),
                        .participation = unbiased_answers(args, s)});
  if (bound.omega) m.facts.emplace_back("omega", *bound.omega);
  if (bound.alpha && !bound.omega) m.facts.emplace_back("alpha", *bound.alpha);
  if (s.constants && bound.omega && !s.batch)
    m.theorem = dcgd_theorem(*s.constants, *bound.omega, s.problem.shards());
  return m;
}

}  // namespace

std::vector<MethodRow> dcgd_methods() {
  return {
      {"dcgd", "dcgd(C)", "compressed gradients, no memory", "arXiv 1806.06573", dcgd},
  };
}

}  // namespace laconic::recipe
