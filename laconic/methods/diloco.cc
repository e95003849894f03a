// SPDX-License-Identifier: Apache-2.0
// DiLoCo: Douillard et al. 2023, arXiv 2311.08105, Algorithm 1.
#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// DiLoCo, Algorithm 1: AdamW inside, Nesterov's momentum outside.
Assembly diloco(Arguments& args, const MethodSetting& s) {
  LocalParts parts = local_parts(args, s);
  parts.steps = local_steps_of(args);
  parts.inner = adamw(adamw_of(args, {.decay = 0.1}));
  parts.outer = diloco_outer(args);
  return local(s, std::move(parts), kDilocoOuterStep);
}

}  // namespace

std::vector<MethodRow> diloco_methods() {
  return {
      {"diloco",
       "diloco(steps=H, beta1=0.9, beta2=0.999, weight-decay=0.1, outer-momentum=0.9, compressor=C)",
       "H steps of AdamW, then Nesterov's momentum with outer-step=0.7", "arXiv 2311.08105", diloco,
       kHearsAll},
  };
}

}  // namespace laconic::recipe
