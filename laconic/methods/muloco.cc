// SPDX-License-Identifier: Apache-2.0
// MuLoCo: Therien, Huang, Rish, Belilovsky 2025, arXiv 2505.23725. Muon: Jordan et al. 2024.
#include "laconic/local/muon.h"
#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// DiLoCo with Muon's steps along the hidden matrices of the problem.
Assembly muloco(Arguments& args, const MethodSetting& s) {
  LocalParts parts = local_parts(args, s);
  parts.steps = args.whole("steps", 30, 1);
  MuonOptions inner;
  inner.momentum = args.number_in("momentum", inner.momentum, kShareBelowOne);
  inner.adamw_step = args.number_in("adamw-step", inner.adamw_step, kPositive);
  inner.adamw.beta1 = args.number_in("beta1", inner.adamw.beta1, kShareBelowOne);
  inner.adamw.beta2 = args.number_in("beta2", inner.adamw.beta2, kShareBelowOne);
  inner.decay = args.number_in("weight-decay", inner.decay, kNotNegative);
  parts.inner = muon(inner, s.problem.blocks());
  parts.outer = nesterov(args.number_in("outer-momentum", 0.9, kShareBelowOne));
  constexpr double kOuterStep = 0.7;
  return local(s, std::move(parts), kOuterStep);
}

}  // namespace

std::vector<MethodRow> muloco_methods() {
  return {
      {"muloco",
       "muloco(steps=30, momentum=0.95, adamw-step=3e-4, beta1=0.9, beta2=0.95, weight-decay=0, "
       "outer-momentum=0.9, compressor=C)",
       "diloco with Muon's steps along hidden matrices, and AdamW's elsewhere", "arXiv 2505.23725", muloco,
       kHearsAll},
  };
}

}  // namespace laconic::recipe
