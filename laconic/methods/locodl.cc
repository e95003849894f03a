// SPDX-License-Identifier: Apache-2.0
// LoCoDL: Condat, Maranjyan, Richtarik 2024, arXiv 2403.04348, Algorithm 1. Its function g is half of the
// ridge of f: g = (lambda/4) |x|^2, and f_i loses as much.
#include <algorithm>
#include <cmath>

#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// rounds/local.h, SplitPlan. y of the paper is the point of the server: the x of the trace.
Assembly locodl(Arguments& args, const MethodSetting& s) {
  require_whole_downlink(args, s);
  require_own_outer(args, s);
  CompressorPtr compressor = independent(args, "locodl", s);
  require_nothing_kept(args, args.required("compressor", 0, "locodl(rand-k(10))"), *compressor,
                       "clients of methods with local steps");
  const double lambda = s.problem.ridge();
  if (lambda <= 0)
    args.fail("needs a problem with a ridge, such as logistic(.., lambda=0.1): half of it is the server's");
  const double n = static_cast<double>(s.problem.shards());
  const double omega = *compressor->bound().omega;
  const double rho = 1 / (1 + omega / n);  // and chi
  const auto& c = s.constants;
  const double mu = lambda / 2;                          // of f_i without half of the ridge, and of g
  const double L = c ? std::max(mu, c->L_max - mu) : 0;  // the same
  const auto of_theory = [&] { return std::min(1.0, std::sqrt((1 + omega / n) * (1 + 2 * omega) * mu / L)); };
  const Coin coin = coin_of(args, c ? std::optional(of_theory()) : std::nullopt);
  LocalParts parts = plain_local_parts(s);
  parts.participation = everyone_weighted(Vector(s.problem.shards(), 1 / (2 * n)));
  parts.compressor = std::move(compressor);
  parts.steps = coin.steps;
  parts.control = {.rate = coin.q * rho / (1 + 2 * omega)};
  parts.split = {.ridge = lambda, .follow = rho};
  Assembly m = local(s, std::move(parts));
  m.facts.insert(m.facts.end(), {{"omega", omega}, {"p", coin.q}, {"rho", rho}});
  if (c)
    m.theorem = coin_theorem(s, L, mu, coin.q * coin.q * rho / (1 + 2 * omega),
                             "LoCoDL with half of the ridge at the server (arXiv 2403.04348)",
                             "1 / (L_max - lambda/2)");
  return m;
}

}  // namespace

std::vector<MethodRow> locodl_methods() {
  return {
      {"locodl", "locodl(Q, p=P), locodl(Q, steps=H)",
       "scaffnew with compressed differences from a point that all know; Q unbiased", "arXiv 2403.04348",
       locodl, kHearsAll},
  };
}

}  // namespace laconic::recipe
