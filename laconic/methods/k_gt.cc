// SPDX-License-Identifier: Apache-2.0
// Gradient tracking with local steps: K-GT and Periodical-GT, Liu, Lin, Koloskova, Stich 2023, arXiv
// 2301.01313. With one local step: gradient tracking, Koloskova, Lin, Stich 2021, arXiv 2202.03836.
#include "laconic/methods/parts.h"
#include "laconic/rounds/gossip.h"

namespace laconic::recipe {
namespace {

/// Gradient tracking, adapt-then-combine: X <- W (X - eta Y), Y <- W Y + G - G_before.
Assembly gt(Arguments& args, const MethodSetting& s) {
  return gossip(args, s, {.oracle = full_or_batch(s), .tracked = Sample::mean});
}

/// Gradient tracking that communicates every K steps.
Assembly periodical_gt(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  const bool last = args.choice("sample", {"last", "first"}, "last") == "last";
  return gossip(args, s,
                {.oracle = full_or_batch(s), .steps = steps, .tracked = last ? Sample::last : Sample::first});
}

/// K-GT.
Assembly k_gt(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  const bool average = args.choice("init", {"zero", "avg"}, "zero") == "avg";
  return gossip(
      args, s,
      {.oracle = full_or_batch(s), .steps = steps, .tracked = Sample::mean, .average_start = average});
}

}  // namespace

std::vector<MethodRow> k_gt_methods() {
  return {
      {"gt", "gt", "gradient tracking", "arXiv 2202.03836", gt, kNeighbours},
      {"periodical-gt", "periodical-gt(steps=K, sample=last)",
       "gradient tracking with messages every K steps", "arXiv 2301.01313", periodical_gt, kNeighbours},
      {"k-gt", "k-gt(steps=K, init=zero)", "gradient tracking with local steps, on the mean of K gradients",
       "arXiv 2301.01313", k_gt, kNeighbours},
  };
}

}  // namespace laconic::recipe
