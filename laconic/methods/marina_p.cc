// SPDX-License-Identifier: Apache-2.0
// M3: Gruntkowska, Tyurin, Richtarik, NeurIPS 2024, arXiv 2402.06412: MARINA-P on the way down, MARINA on the
// way up, and clients that follow their points slowly. MARINA-P alone is gd with downlink=marina-p(Q).
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// M3, Algorithm 2. Clients compute at z_i <- beta w_i + (1 - beta) z_i.
Assembly m3(Arguments& args, const MethodSetting& s) {
  const double n = static_cast<double>(s.problem.shards());
  const Spec& down = args.required("downlink compressor", 0, "m3(perm-k, rand-k(10))");
  CompressorPtr up = compressor(args.required("uplink compressor", 1, "m3(perm-k, rand-k(10))"), s);
  const Bound bound = up->bound();
  if (!bound.omega || !compressor(down, s)->bound().omega)
    args.fail("needs unbiased compressors, such as perm-k and rand-k(10)");
  const double beta = args.number_in("beta", std::pow(n, -2.0 / 3), kPositiveShare);
  const double p = args.number_in("p", 1 / n, kPositiveShare);
  const double share = std::min(1.0, bound.floats / static_cast<double>(s.problem.dim()));
  const SharedCoin coin{args.number_in("p-up", share, kPositiveShare)};
  const MethodSetting own =
      with_downlink(args, s, parse(fmt::format("marina-p({}, p={}, beta={})", print(down), p, beta)));
  Assembly m = star(own, {.oracle = full(s),
                          .mechanism = restarting(difference(std::move(up)), identity(s), coin),
                          .participation = everyone(s.problem.shards())});
  m.facts = {{"omega", *bound.omega}, {"beta", beta}, {"p", p}, {"p-up", coin.p}};
  return m;
}

}  // namespace

std::vector<MethodRow> marina_p_methods() {
  return {
      {"m3", "m3(Q_DOWN, Q_UP, beta=n^(-2/3), p=1/n, p-up=P)", "MARINA up, MARINA-P down, and slow points",
       "arXiv 2402.06412", m3, kHearsAll},
  };
}

}  // namespace laconic::recipe
