// SPDX-License-Identifier: Apache-2.0
// Streaming DiLoCo: Douillard et al. 2025, arXiv 2501.18512, Algorithm 2.
#include <algorithm>

#include <fmt/format.h>

#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

/// DiLoCo that sends x in fragments, which arrive some steps later: rounds/local.h, FragmentPlan.
Assembly streaming_diloco(Arguments& args, const MethodSetting& s) {
  require_whole_downlink(args, s);
  LocalParts parts = plain_local_parts(s);
  const std::size_t steps = local_steps_of(args, 50);
  parts.steps = steps;
  FragmentPlan plan;
  plan.count = args.whole("fragments", 4);
  plan.delay = args.whole("delay", 1, 0);
  plan.mix = args.number_in("mix", 0.5, kShare);
  const std::size_t most = std::min(steps, s.problem.dim());
  if (plan.count > most)
    args.fail(
        fmt::format("fragments = {}; need fragments <= {}, the steps and the dimension", plan.count, most));
  if (plan.delay >= steps)
    args.fail(fmt::format("delay = {}; need delay < {}, the steps", plan.delay, steps));
  parts.fragments = plan;
  parts.inner = adamw(adamw_of(args, {.decay = 0.1}));
  parts.outer = diloco_outer(args);
  return local(s, std::move(parts), kDilocoOuterStep);
}

}  // namespace

std::vector<MethodRow> streaming_diloco_methods() {
  return {
      {"streaming-diloco",
       "streaming-diloco(steps=50, fragments=4, delay=1, mix=0.5, beta1=0.9, beta2=0.999, weight-decay=0.1, "
       "outer-momentum=0.9)",
       "diloco that sends x in fragments, while the clients go on with their steps", "arXiv 2501.18512",
       streaming_diloco, kHearsAll},
  };
}

}  // namespace laconic::recipe
