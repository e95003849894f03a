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
  parts.steps = local_steps_of(args, 30);
  MuonOptions inner;
  inner.momentum = args.number_in("momentum", inner.momentum, kShareBelowOne);
  inner.adamw_step = args.number_in("adamw-step", inner.adamw_step, kPositive);
  inner.adamw = adamw_of(args, inner.adamw);
  parts.inner = muon(inner, s.problem.blocks());
  parts.outer = diloco_outer(args);
  return local(s, std::move(parts), kDilocoOuterStep);
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
