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
  AdamW inner;
  inner.beta1 = args.number_in("beta1", inner.beta1, kShareBelowOne);
  inner.beta2 = args.number_in("beta2", inner.beta2, kShareBelowOne);
  inner.decay = args.number_in("weight-decay", 0.1, kNotNegative);
  parts.inner = adamw(inner);
  parts.outer = nesterov(args.number_in("outer-momentum", 0.9, kShareBelowOne));
  constexpr double kOuterStep = 0.7;
  return local(s, std::move(parts), kOuterStep);
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
