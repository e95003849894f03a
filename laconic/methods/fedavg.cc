// SPDX-License-Identifier: Apache-2.0
// FedAvg: McMahan, Moore, Ramage, Hampson, Aguera y Arcas 2017, arXiv 1602.05629.
// FedAdam: Reddi et al. 2021, arXiv 2003.00295, Algorithm 2.
#include <fmt/format.h>

#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// FedAvg.
Assembly fedavg(Arguments& args, const MethodSetting& s) { return local(s, sampled_local_parts(args, s)); }

/// FedAdam, Algorithm 2: FedAvg with Adam steps on the server.
Assembly fedadam(Arguments& args, const MethodSetting& s) {
  LocalParts parts = sampled_local_parts(args, s);
  const ServerAdam defaults;
  constexpr double kOuterStep = 0.1;  // with 1 the first steps would be 0.1 sign(moved) / tau
  parts.outer = server_adam({.beta1 = args.number_in("beta1", defaults.beta1, kShareBelowOne),
                             .beta2 = args.number_in("beta2", defaults.beta2, kShareBelowOne),
                             .tau = args.number_in("tau", defaults.tau, kPositive)});
  return local(s, std::move(parts), kOuterStep);
}

}  // namespace

std::vector<MethodRow> fedavg_methods() {
  return {
      {"fedavg", "fedavg(steps=H, sample=S, compressor=C)", "local SGD of S sampled clients a round",
       "arXiv 1602.05629", fedavg, kOwnSample},
      {"fedadam", "fedadam(steps=H, sample=S, beta1=0.9, beta2=0.99, tau=0.001, compressor=C)",
       "FedAvg; the server takes Adam's steps, with outer-step=0.1", "arXiv 2003.00295", fedadam, kOwnSample},
  };
}

}  // namespace laconic::recipe
