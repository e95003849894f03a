// SPDX-License-Identifier: Apache-2.0
// EControl: Gao, Islamov, Stich, ICLR 2024, arXiv 2311.05645. The step is a gain bound (methods/theorem.h).
#include <cmath>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// EControl, Algorithm 1: m_i = C(eta e_i + g_i(x) - h_i), e_i <- e_i + g_i(x) - h_i - m_i, h_i <- h_i + m_i.
Assembly econtrol(Arguments& args, const MethodSetting& s) {
  const Spec& spec = args.required("compressor", 0, "econtrol(top-k(10))");
  CompressorPtr c = compressor(spec, s);
  const Bound bound = c->bound();
  if (!bound.alpha) args.fail("needs a contractive compressor, such as top-k(10)");
  const double K = memory_gain(*bound.alpha);
  const double eta = args.number_in("eta", K == 0 ? 1 : 1 / (4 * K), kNotNegative);
  const bool exact = starts_exact(args);
  Assembly m = star(s, {.oracle = batches_after_start(args, s),
                        .mechanism = from_start(error_control(std::move(c), eta), exact, s),
                        .participation = everyone(s.problem.shards())});
  m.facts = {{"alpha", *bound.alpha}, {"eta", eta}};
  const double r = std::sqrt(1 - *bound.alpha);
  if (s.constants && !s.batch && exact && 2 * r * eta < 1 - r) {
    const Gain gain{.error = s.constants->L_plus * 2 * r / (1 - r - 2 * eta * r)};
    m.theorem = gain_theorem(*s.constants, gain, "EControl: gain bound (arXiv 2311.05645)",
                             "1 / (L_minus + 2 L_plus r / (1 - r - 2 eta r)), r = sqrt(1 - alpha)");
  }
  return m;
}

}  // namespace

std::vector<MethodRow> econtrol_methods() {
  return {
      {"econtrol", "econtrol(C, eta=E, init=exact|zero, first-batch=B)",
       "EF21 that also sends part of the accumulated error", "arXiv 2311.05645", econtrol, kHearsAll},
  };
}

}  // namespace laconic::recipe
