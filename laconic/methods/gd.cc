// SPDX-License-Identifier: Apache-2.0
// Gradient descent over clients; with batch=, distributed SGD.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

std::optional<Theorem> gd_theorem_pl(const Constants& c) {
  if (!c.mu) return {};
  return Theorem{.name = "gradient descent under the Polyak-Lojasiewicz condition",
                 .step_rule = "1 / L_minus",
                 .step = 1 / c.L_minus,
                 .promise = kLinear,
                 .contraction = *c.mu};
}

/// Distributed gradient descent; with a batch, distributed SGD.
Assembly gd(Arguments& args, const MethodSetting& s) {
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = direct(identity(s)),
                        .participation = unbiased_answers(args, s)});
  if (s.constants && !s.batch) {
    m.theorem = gd_theorem(*s.constants);
    m.theorem_pl = gd_theorem_pl(*s.constants);
  }
  return m;
}

}  // namespace

std::vector<MethodRow> gd_methods() {
  return {
      {"gd", "gd", "gradient descent; with batch=, SGD", "-", gd},
  };
}

}  // namespace laconic::recipe
