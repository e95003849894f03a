// SPDX-License-Identifier: Apache-2.0
// FedProx: Li, Sahu, Zaheer, Sanjabi, Talwalkar, Smith 2018, arXiv 1812.06127.
#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// FedAvg with gradient steps on f_i(y) + (mu/2) |y - x|^2.
Assembly fedprox(Arguments& args, const MethodSetting& s) {
  LocalParts parts = sampled_local_parts(args, s);
  const double mu = args.number_in("mu", 0.01, kNotNegative);
  if (mu > 0) parts.inner = proximal_inner(mu);
  return local(s, std::move(parts));
}

}  // namespace

std::vector<MethodRow> fedprox_methods() {
  return {
      {"fedprox", "fedprox(steps=H, mu=0.01, sample=S, compressor=C)",
       "fedavg with local steps that a term (mu/2) |y - x|^2 holds near x", "arXiv 1812.06127", fedprox,
       kOwnSample},
  };
}

}  // namespace laconic::recipe
