// SPDX-License-Identifier: Apache-2.0
// Recipes of methods without a server: laconic/rounds/gossip.h.
#include <memory>

#include "laconic/core/error.h"
#include "laconic/rounds/gossip.h"
#include "laconic/rounds/recipe_parts.h"

namespace laconic::recipe {
namespace {

Assembly gossip(Arguments& args, const MethodSetting& s, GossipParts parts) {
  if (!s.mixing) args.fail("has no server and needs a topology, as in topology=ring");
  parts.mixing = s.mixing;
  const MixingQuality mixes = quality(*s.mixing);
  auto shared = std::make_shared<GossipParts>(std::move(parts));
  Assembly assembly;
  assembly.mixing = s.mixing;
  assembly.facts = {{"rho", mixes.rho}, {"p", mixes.p}, {"spectral gap", mixes.spectral_gap}};
  if (s.mixing->period() > 1)  // rounds, of which these are
    assembly.facts.emplace_back("period", static_cast<double>(s.mixing->period()));
  assembly.build = [shared, &problem = s.problem, outer_step = s.outer_step.value_or(1), seed = s.seed,
                    wire = s.wire](double step) {
    require_step(step);
    check(shared->oracle != nullptr, "an assembly is built only once");
    return make_gossip(problem, std::move(*shared),
                       {.step = step, .outer_step = outer_step, .seed = seed, .wire = wire});
  };
  return assembly;
}

/// Local D-SGD (Koloskova, Loizou, Boreiri, Jaggi, Stich 2020, arXiv 2003.10422); with one step D-SGD.
Assembly d_sgd(Arguments& args, const MethodSetting& s) {
  return gossip(args, s, {.oracle = full_or_batch(s), .steps = local_steps_of(args)});
}

/// Gradient tracking, adapt then combine: X <- W (X - eta Y), Y <- W Y + G - G_before.
Assembly gt(Arguments& args, const MethodSetting& s) {
  return gossip(args, s, {.oracle = full_or_batch(s), .tracked = Sample::mean});
}

/// Gradient tracking that talks every K steps (arXiv 2301.01313).
Assembly periodical_gt(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  const bool last = args.choice("sample", {"last", "first"}, "last") == "last";
  return gossip(args, s,
                {.oracle = full_or_batch(s), .steps = steps, .tracked = last ? Sample::last : Sample::first});
}

/// K-GT (Liu, Lin, Koloskova, Stich 2023, arXiv 2301.01313).
Assembly k_gt(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  const bool average = args.choice("init", {"zero", "avg"}, "zero") == "avg";
  return gossip(
      args, s,
      {.oracle = full_or_batch(s), .steps = steps, .tracked = Sample::mean, .average_start = average});
}

constexpr const char* kNeighbours = "nodes without a server hear their neighbours in every round";

}  // namespace

std::vector<MethodRow> gossip_methods() {
  std::vector<MethodRow> rows = {
      {"d-sgd", "d-sgd(steps=K)", "K local steps, then the mean of the neighbours' models",
       "arXiv 2003.10422", d_sgd, kNeighbours},
      {"gt", "gt", "gradient tracking", "arXiv 2202.03836", gt, kNeighbours},
      {"periodical-gt", "periodical-gt(steps=K, sample=last)", "gradient tracking that talks every K steps",
       "arXiv 2301.01313", periodical_gt, kNeighbours},
      {"k-gt", "k-gt(steps=K, init=zero)", "gradient tracking with local steps, on the mean of K gradients",
       "arXiv 2301.01313", k_gt, kNeighbours},
  };
  return rows;
}

}  // namespace laconic::recipe
