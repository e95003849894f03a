// SPDX-License-Identifier: Apache-2.0
// CompressedScaffnew: Condat, Agarsky, Richtarik 2022, arXiv 2210.13277, Algorithm 1. It is TAMUNA (arXiv
// 2302.09832) with all clients in every round.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/message/wire.h"
#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// Scaffnew, but each coordinate k is sent by s owners only: x_k <- (1/s) sum over the owners of y_ik, and
/// h_i <- h_i + (q eta/gamma) (x - y_i) on the coordinates that client i owns. eta = n (s-1) / (s (n-1)).
Assembly compressed_scaffnew(Arguments& args, const MethodSetting& s) {
  require_whole_downlink(args, s);
  const std::size_t clients = s.problem.shards();
  const std::size_t owners = args.whole("owners", 2);
  if (clients < 2) args.fail("needs two clients or more");
  if (owners < 2 || owners > clients || clients >= kDealtClientsLimit)
    args.fail(
        fmt::format("owners = {}; need 2 <= owners <= {}, the clients (fewer than 2^20)", owners, clients));
  const double n = static_cast<double>(clients);
  const double of_each = static_cast<double>(owners);
  const auto& c = s.constants;
  const bool has_mu = c && c->mu && *c->mu > 0;
  const Coin coin =
      coin_of(args, has_mu ? std::optional(std::min(1.0, std::sqrt(n * *c->mu / (of_each * c->L_max))))
                           : std::nullopt);
  const double eta = n * (of_each - 1) / (of_each * (n - 1));
  LocalParts parts = plain_local_parts(s);
  parts.participation = everyone_weighted(Vector(clients, 1 / of_each));
  parts.compressor = make_owned(owners, setting_of_compressors(s));
  parts.steps = coin.steps;
  parts.control = {.rate = coin.q * eta, .owners = owners};
  Assembly m = local(s, std::move(parts));
  m.facts.emplace_back("p", coin.q);
  if (c && c->mu_min && *c->mu_min > 0)
    m.theorem = coin_theorem(s, c->L_max, *c->mu_min, coin.q * coin.q * eta * (of_each - 1) / (n - 1),
                             "CompressedScaffnew on strongly convex f_i (arXiv 2210.13277)", "1 / L_max");
  return m;
}

}  // namespace

std::vector<MethodRow> compressed_scaffnew_methods() {
  return {
      {"compressed-scaffnew", "compressed-scaffnew(p=Q, owners=2), compressed-scaffnew(steps=H, owners=2)",
       "scaffnew in which each coordinate is sent by some of the clients only", "arXiv 2210.13277",
       compressed_scaffnew, kHearsAll},
  };
}

}  // namespace laconic::recipe
