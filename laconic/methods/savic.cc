// SPDX-License-Identifier: Apache-2.0
// SAVIC: "Local Methods with Adaptivity via Scaling" 2024, arXiv 2406.00846.
#include <fmt/format.h>

#include "laconic/methods/parts.h"
#include "laconic/rounds/local.h"

namespace laconic::recipe {
namespace {

Assembly savic(Arguments& args, const MethodSetting& s) {
  const Spec& rule = args.required("rule", 0, "savic(adam, steps=10)");
  const ScalingRow& row = row_named(rule, "scaling", scalings());
  if (row.curvature && !s.problem.has_curvature()) {
    args.fail(
        fmt::format("{} needs Hessian-vector products, which this problem does not have; use adam, rmsprop "
                    "or adagrad",
                    row.name));
  }
  const std::size_t steps = local_steps_of(args, 1, 1);
  ScalingPlan plan{.scaling = {.row = &row,
                               .beta = args.number_in("beta", row.beta, kShareBelowOne),
                               .alpha = args.number_in("alpha", 0.01, kPositive)}};
  plan.local = args.choice("scaling", {"global", "local"}, "global") == "local";
  plan.mean_of_squares = args.choice("statistic", {"sq-of-mean", "mean-of-sq"}, "sq-of-mean") == "mean-of-sq";
  plan.refresh = args.whole("refresh", plan.refresh);
  plan.refresh_at_start = args.flag("refresh-at-start", plan.refresh_at_start);
  plan.start_probes = args.whole("start-probes", plan.start_probes);
  plan.shared_probes = args.choice("probes", {"own", "shared"}, "own") == "shared";
  LocalParts parts = local_parts(args, s);
  parts.steps = steps;
  parts.inner = inner_of(args);
  parts.scaling = plan;
  return local(s, std::move(parts));
}

}  // namespace

std::vector<MethodRow> savic_methods() {
  return {
      {"savic",
       "savic(adam|rmsprop|adagrad|oasis, steps=H, scaling=global|local, alpha=0.01, beta=B, refresh=1, "
       "statistic=sq-of-mean|mean-of-sq, refresh-at-start=1, momentum=0, momentum-at-sync=average|reset, "
       "start-probes=10, probes=own|shared, compressor=C)",
       "local SGD with steps scaled by the rule, refreshed when clients send", "arXiv 2406.00846", savic,
       kHearsAll},
  };
}

}  // namespace laconic::recipe
