// SPDX-License-Identifier: Apache-2.0
// Stochastic gradient coding: Bitar, Wootters, El Rouayheb 2020, arXiv 1905.05383. Without redundancy it is
// SGD that ignores stragglers.
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/coding_parts.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

/// Stochastic gradient coding.
Assembly sgc(Arguments& args, const MethodSetting& s) {
  return shared_star(s, replicated(args, setting_of_allocations(s)), direct(identity(s)),
                     unbiased_answers(args, s));
}

/// SGD that ignores stragglers: SGC without redundancy.
Assembly is_sgd(Arguments& args, const MethodSetting& s) {
  return shared_star(s, without(no_redundancy(s.problem.shards()), s.gone), direct(identity(s)),
                     unbiased_answers(args, s));
}

}  // namespace

std::vector<MethodRow> sgc_methods() {
  return {
      {"sgc",
       "sgc(redundancy=D, decode=ht|count)",
       "coded gradients as they are, through stragglers",
       "arXiv 1905.05383",
       sgc,
       {},
       replicated},
      {"is-sgd", "is-sgd(decode=ht|count)", "gradients as they are, stragglers ignored", "-", is_sgd},
  };
}

}  // namespace laconic::recipe
