// SPDX-License-Identifier: Apache-2.0
// Scaffnew: ProxSkip of consensus (Mishchenko, Malinovsky, Stich, Richtarik, ICML 2022, arXiv 2202.09357,
// Algorithm 2).
#include <cmath>

#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// y_i = x; L times y_i <- y_i - gamma (g_i(y_i) - h_i); x <- mean y_i; h_i <- h_i + (q/gamma) (x - y_i).
Assembly scaffnew(Arguments& args, const MethodSetting& s) {
  require_whole_downlink(args, s);
  const auto& c = s.constants;
  const bool has_mu = c && c->mu && *c->mu > 0;
  const Coin coin = coin_of(args, has_mu ? std::optional(std::sqrt(*c->mu / c->L_max)) : std::nullopt);
  LocalParts parts = plain_local_parts(s);
  parts.steps = coin.steps;
  parts.control = {.rate = coin.q};
  Assembly m = local(s, std::move(parts));
  m.facts.emplace_back("p", coin.q);
  if (c && c->mu_min && *c->mu_min > 0)
    m.theorem = coin_theorem(s, c->L_max, *c->mu_min, coin.q * coin.q,
                             "Scaffnew on strongly convex f_i (arXiv 2202.09357)", "1 / L_max");
  return m;
}

}  // namespace

std::vector<MethodRow> scaffnew_methods() {
  return {
      {"scaffnew", "scaffnew(p=Q), scaffnew(steps=H)",
       "local steps with control variates, until a shared coin shows heads with probability Q",
       "arXiv 2202.09357", scaffnew, kHearsAll},
  };
}

}  // namespace laconic::recipe
