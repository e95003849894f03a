// SPDX-License-Identifier: Apache-2.0
// DIANA: Mishchenko, Gorbunov, Takac, Richtarik 2019, arXiv 1901.09269, Algorithm 1.
// VR-DIANA: Horvath, Kovalev, Mishchenko, Stich, Richtarik 2019, arXiv 1904.05115, loopless form. Both
// theorems are Theorem 4 of that paper.
#include <algorithm>
#include <cmath>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// M = 1 for DIANA; M = rows of a client / batch for VR-DIANA. Needs alpha <= 1/(1 + omega). Promises a rate
/// only if alpha equals that bound and the clients draw independently of each other.
Theorem diana_theorem(const Constants& c, const Bound& q, std::size_t clients, double M, double alpha) {
  const double n = static_cast<double>(clients);
  const double omega = *q.omega;
  Theorem theorem{.name = "DIANA on nonconvex functions (arXiv 1904.05115, Theorem 4)",
                  .step_rule = "1 / (10 L_tilde sqrt(1 + omega / n) (M^(2/3) + omega + 1))",
                  .step = 1 / (10 * c.L_tilde * std::sqrt(1 + omega / n) * (std::cbrt(M * M) + omega + 1)),
                  .promise = "(1/K) sum_{k<K} E|grad f(x_k)|^2 <= 4 (f(x_0) - f_lower) / (gamma K)",
                  .mean_gradient_factor = 4};
  if (q.B != 0 || alpha != 1 / (1 + omega)) {
    theorem.promise = q.B != 0 ? "none: the theorem is about clients that draw independently of each other"
                               : "none: the theorem is about alpha = 1 / (1 + omega)";
    theorem.mean_gradient_factor = 0;
  }
  return theorem;
}

/// With memories that start at the gradients: the gain bound of EF-BV (methods/ef_bv.cc) with nu = 1.
/// omega_mean is the variance of the mean of the messages, omega / n if clients draw independently.
Theorem diana_exact_theorem(const Constants& c, double omega_mean, double r) {
  return gain_theorem(c, {.error = c.L_plus * std::sqrt(omega_mean) / (1 - std::sqrt(r))},
                      "DIANA with exact memories at the start: gain bound",
                      "1 / (L_minus + L_plus sqrt(omega_av) / (1 - sqrt((1 - alpha)^2 + alpha^2 omega)))");
}

/// DIANA, Algorithm 1.
Assembly diana(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = unbiased(args, "diana", s);
  const Bound bound = q->bound();
  const double omega = *bound.omega;
  const double largest_alpha = 1 / (1 + omega);
  const double alpha = args.number_in("alpha", largest_alpha, kPositiveShare);
  const bool exact = args.choice("init", {"zero", "exact"}, "zero") == "exact";
  if (exact && s.stragglers) args.fail("stragglers: with init=exact all clients must answer at the start");
  const double r = (1 - alpha) * (1 - alpha) + alpha * alpha * omega;
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = from_start(memory(std::move(q), alpha), exact, s),
                        .participation = unbiased_answers_alike(args, s)});
  m.facts = {{"omega", omega}, {"alpha", alpha}};
  if (s.constants && !s.batch && exact && r < 1) {
    m.theorem = diana_exact_theorem(*s.constants, bound.A, r);
  } else if (s.constants && !s.batch && !exact && alpha <= largest_alpha) {
    m.theorem = diana_theorem(*s.constants, bound, s.problem.shards(), 1, alpha);
  }
  return m;
}

/// VR-DIANA, loopless form.
Assembly vr_diana(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-diana", s);
  const Bound bound = q->bound();
  const double omega = *bound.omega;
  const double largest_alpha = 1 / (1 + omega);
  const double alpha = args.number_in("alpha", largest_alpha, kPositiveShare);
  const std::size_t batch = batch_of(args, s);
  const double M = std::max(1.0, rows_of_client(s) / static_cast<double>(batch));
  const double p = args.number_in("p", 1 / M, kPositiveShare);
  Assembly m = star(s, {.oracle = minibatches(s.problem, batch),
                        .anchor = SharedCoin{p},
                        .mechanism = memory(std::move(q), alpha),
                        .participation = everyone(s.problem.shards())});
  m.facts = {{"omega", omega}, {"alpha", alpha}, {"p", p}};
  if (s.constants && alpha <= largest_alpha) {
    m.theorem = diana_theorem(*s.constants, bound, s.problem.shards(), M, alpha);
  }
  return m;
}

}  // namespace

std::vector<MethodRow> diana_methods() {
  return {
      {"diana", "diana(Q, alpha=1/(1+omega), init=zero|exact)", "compressed differences to a memory",
       "arXiv 1901.09269", diana},
      {"vr-diana", "vr-diana(Q, batch=B)", "DIANA on minibatches seen through an anchor", "arXiv 1904.05115",
       vr_diana, "when its anchor moves, the gradients there of all do, and so all must answer"},
  };
}

}  // namespace laconic::recipe
