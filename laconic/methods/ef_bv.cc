// SPDX-License-Identifier: Apache-2.0
// EF-BV: Condat, Yi, Richtarik, NeurIPS 2022, arXiv 2205.04180. One theory for EF21 and DIANA: compressors
// with a bias of at most eta |x| and a variance of at most omega |x|^2.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// The rate that contracts best, and by how much: (1 - rate + rate eta)^2 + rate^2 omega.
double best_rate(double eta, double omega) {
  return std::min(1.0, (1 - eta) / ((1 - eta) * (1 - eta) + omega));
}
double contraction(double rate, double eta, double omega) {
  const double bias = 1 - rate + rate * eta;
  return bias * bias + rate * rate * omega;
}

std::optional<Theorem> ef_bv_theorem_pl(const Constants& c, double r, double r_mean) {
  if (!c.mu || *c.mu <= 0) return {};
  const double s = std::sqrt((1 + r) / (2 * r)) - 1;
  const double gain = r == 0 ? 0 : c.L_plus * std::sqrt(r_mean / r) / s;
  return Theorem{.name = "EF-BV under the Polyak-Lojasiewicz condition (arXiv 2205.04180)",
                 .step_rule = "1 / (L_minus + L_plus sqrt(r_av / r) / s), s = sqrt((1 + r) / (2 r)) - 1",
                 .step = 1 / (c.L_minus + gain),
                 .promise = "a rate of max{1 - gamma mu, (1 + r) / 2} of the paper's potential"};
}

/// EF-BV, Algorithm 1: m_i = C(grad f_i(x) - h_i), h_i <- h_i + lambda m_i, g = h + nu mean m_i.
Assembly ef_bv(Arguments& args, const MethodSetting& s) {
  CompressorPtr c = compressor(args.required("compressor", 0, "ef-bv(rand-k(10))"), s);
  const auto known = bias_variance_of(c->bound());
  if (!known) args.fail("needs a compressor of known bias and variance, such as rand-k, top-k, comp or mix");
  const auto [eta, omega, omega_mean] = *known;
  const double lambda = args.number_in("lambda", best_rate(eta, omega), kPositiveShare);
  const double nu = args.number_in("nu", best_rate(eta, omega_mean), kPositiveShare);
  const bool exact = starts_exact(args);
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = from_start(weighted_memory(std::move(c), lambda, nu), exact, s),
                        .participation = everyone(s.problem.shards())});
  const double r = contraction(lambda, eta, omega);
  const double r_mean = contraction(nu, eta, omega_mean);
  m.facts = {{"eta", eta}, {"omega", omega}, {"lambda", lambda}, {"nu", nu}, {"r", r}, {"r_av", r_mean}};
  if (s.constants && !s.batch && exact && r < 1) {
    const Gain gain{.error = s.constants->L_plus * std::sqrt(r_mean) / (1 - std::sqrt(r))};
    m.theorem = gain_theorem(*s.constants, gain, "EF-BV on nonconvex functions (arXiv 2205.04180)",
                             "1 / (L_minus + L_plus sqrt(r_av) / (1 - sqrt(r)))");
    m.theorem_pl = ef_bv_theorem_pl(*s.constants, r, r_mean);
  }
  return m;
}

}  // namespace

std::vector<MethodRow> ef_bv_methods() {
  return {
      {"ef-bv", "ef-bv(C, lambda=L, nu=N, init=exact|zero)",
       "compressed differences to a memory, with the best rates for bias and variance", "arXiv 2205.04180",
       ef_bv, kHearsAll},
  };
}

}  // namespace laconic::recipe
