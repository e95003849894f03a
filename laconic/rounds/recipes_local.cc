// SPDX-License-Identifier: Apache-2.0
// Recipes of methods with local steps around a server: laconic/rounds/local.h, laconic/rounds/scaffold.h.
#include <cmath>

#include <fmt/format.h>

#include "laconic/rounds/local.h"
#include "laconic/rounds/recipe_parts.h"
#include "laconic/rounds/scaffold.h"

namespace laconic::recipe {
namespace {

/// SCAFFOLD (Karimireddy, Kale, Mohri, Reddi, Stich, Suresh, ICML 2020, arXiv 1910.06378), everyone, option
/// II.
Assembly scaffold(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  std::shared_ptr<Oracle> shared = full_or_batch(s);
  Assembly assembly;
  assembly.build = [shared, steps, &problem = s.problem, outer_step = s.outer_step.value_or(1), seed = s.seed,
                    wire = s.wire](double step) {
    return make_scaffold(problem, shared,
                         {.local = {steps, step}, .outer_step = outer_step, .seed = seed, .wire = wire});
  };
  return assembly;
}

Assembly local(const MethodSetting& s, LocalParts parts, double outer_step = 1) {
  Assembly assembly;
  if (parts.scaling) {
    const Scaling& scaling = parts.scaling->scaling;
    assembly.facts = {{"alpha", scaling.alpha}, {"beta", scaling.beta}};
  }
  const double eta_s = s.outer_step.value_or(outer_step);
  assembly.facts.emplace_back("eta_s", eta_s);
  assembly.build = [parts = std::move(parts), &problem = s.problem, eta_s, seed = s.seed,
                    wire = s.wire](double step) {
    return make_local(problem, parts, {.step = step, .outer_step = eta_s, .seed = seed, .wire = wire});
  };
  return assembly;
}

/// What clients say their vectors with, where the method names it.
std::shared_ptr<const Compressor> optional_compressor(Arguments& args, const MethodSetting& s) {
  const Spec* spec = args.find("compressor");
  return spec == nullptr ? identity(s) : compressor(*spec, s);
}

/// A share that a mean keeps of itself.
double decay_rate(Arguments& args, const char* name, double fallback) {
  const double beta = args.number(name, fallback);
  if (!(beta >= 0 && beta < 1)) args.fail(fmt::format("{} = {}; need 0 <= {} < 1", name, beta, name));
  return beta;
}

double above_zero(Arguments& args, const char* name, double fallback) {
  const double value = args.number(name, fallback);
  if (!(value > 0) || std::isinf(value)) args.fail(fmt::format("{} = {}; need {} > 0", name, value, name));
  return value;
}

std::optional<MomentumPlan> momentum_of(Arguments& args) {
  const double beta = decay_rate(args, "momentum", 0.0);
  const bool averaged = args.choice("momentum-at-sync", {"average", "reset"}, "average") == "average";
  if (beta == 0) return {};
  return MomentumPlan{.beta = beta, .averaged = averaged};
}

/// Local SGD (Stich 2019, arXiv 1805.09767), everyone.
Assembly local_sgd(Arguments& args, const MethodSetting& s) {
  return local(s, {.oracle = full_or_batch(s),
                   .turnout = everyone(s.problem.shards()),
                   .compressor = optional_compressor(args, s),
                   .steps = local_steps_of(args),
                   .momentum = momentum_of(args)});
}

/// Local SGD of `sample` clients, drawn without replacement.
LocalParts sampled_clients(Arguments& args, const MethodSetting& s) {
  const std::size_t n = s.problem.shards();
  const std::size_t steps = local_steps_of(args);
  const std::size_t sample = args.whole("sample", n);
  if (sample > n) args.fail(fmt::format("sample = {}; need 1 <= sample <= {}, the clients", sample, n));
  return {.oracle = full_or_batch(s),
          .turnout = sampled(n, sample),
          .compressor = optional_compressor(args, s),
          .steps = steps};
}

/// FedAvg (McMahan, Moore, Ramage, Hampson, Aguera y Arcas 2017, arXiv 1602.05629).
Assembly fedavg(Arguments& args, const MethodSetting& s) { return local(s, sampled_clients(args, s)); }

/// FedAdam (Reddi et al. 2021, arXiv 2003.00295), Algorithm 2: FedAvg whose server takes Adam's steps.
Assembly fedadam(Arguments& args, const MethodSetting& s) {
  LocalParts parts = sampled_clients(args, s);
  const ServerAdam defaults;
  constexpr double kOuterStep = 0.1;  // 1 would begin with steps of 0.1 sign(moved) / tau
  parts.outer = server_adam({.beta1 = decay_rate(args, "beta1", defaults.beta1),
                             .beta2 = decay_rate(args, "beta2", defaults.beta2),
                             .tau = above_zero(args, "tau", defaults.tau)});
  return local(s, std::move(parts), kOuterStep);
}

/// DiLoCo (Douillard et al. 2023, arXiv 2311.08105), Algorithm 1: AdamW inside, Nesterov's momentum outside.
Assembly diloco(Arguments& args, const MethodSetting& s) {
  const std::size_t steps = local_steps_of(args);
  AdamW inner;
  inner.beta1 = decay_rate(args, "beta1", inner.beta1);
  inner.beta2 = decay_rate(args, "beta2", inner.beta2);
  inner.decay = args.number("weight-decay", 0.1);
  if (!(inner.decay >= 0) || std::isinf(inner.decay))
    args.fail(fmt::format("weight-decay = {}; need weight-decay >= 0", inner.decay));
  constexpr double kOuterStep = 0.7;
  return local(s,
               {.oracle = full_or_batch(s),
                .turnout = everyone(s.problem.shards()),
                .compressor = optional_compressor(args, s),
                .steps = steps,
                .adamw = inner,
                .outer = nesterov(decay_rate(args, "outer-momentum", 0.9))},
               kOuterStep);
}

/// SAVIC, "Local Methods with Adaptivity via Scaling" (2024, arXiv 2406.00846).
Assembly savic(Arguments& args, const MethodSetting& s) {
  const Spec& rule = args.required("rule", 0, "savic(adam, steps=10)");
  const ScalingRow& row = row_named(rule, "scaling", scalings());
  if (row.curvature && !s.problem.has_curvature()) {
    args.fail(
        fmt::format("{} needs Hessian-vector products, which this problem does not have; use adam, rmsprop "
                    "or adagrad",
                    row.name));
  }
  const std::size_t steps = args.whole("steps", 1, 1, 1);
  ScalingPlan plan{.scaling = {.row = &row,
                               .beta = decay_rate(args, "beta", row.beta),
                               .alpha = above_zero(args, "alpha", 0.01)}};
  plan.local = args.choice("scaling", {"global", "local"}, "global") == "local";
  plan.mean_of_squares = args.choice("statistic", {"sq-of-mean", "mean-of-sq"}, "sq-of-mean") == "mean-of-sq";
  plan.refresh = args.whole("refresh", plan.refresh);
  plan.refresh_at_start = args.flag("refresh-at-start", plan.refresh_at_start);
  plan.start_probes = args.whole("start-probes", plan.start_probes);
  plan.shared_probes = args.choice("probes", {"own", "shared"}, "own") == "shared";
  return local(s, {.oracle = full_or_batch(s),
                   .turnout = everyone(s.problem.shards()),
                   .compressor = optional_compressor(args, s),
                   .steps = steps,
                   .scaling = plan,
                   .momentum = momentum_of(args)});
}

constexpr const char* kHearsAll = "it hears everyone in every round; fedavg hears some";
constexpr const char* kOwnSample = "it hears a sample of its own choice: leave some out with sample=";

}  // namespace

std::vector<MethodRow> local_methods() {
  std::vector<MethodRow> rows = {
      {"scaffold", "scaffold(steps=K)", "local steps whose drift a server corrects", "arXiv 1910.06378",
       scaffold, kHearsAll},
      {"local-sgd", "local-sgd(steps=H, momentum=0, momentum-at-sync=average|reset, compressor=C)",
       "H local steps, then the mean of all", "arXiv 1805.09767", local_sgd, kHearsAll},
      {"fedavg", "fedavg(steps=H, sample=S, compressor=C)", "local SGD of S sampled clients a round",
       "arXiv 1602.05629", fedavg, kOwnSample},
      {"fedadam", "fedadam(steps=H, sample=S, beta1=0.9, beta2=0.99, tau=0.001, compressor=C)",
       "FedAvg whose server takes Adam's steps, of outer-step=0.1", "arXiv 2003.00295", fedadam, kOwnSample},
      {"diloco",
       "diloco(steps=H, beta1=0.9, beta2=0.999, weight-decay=0.1, outer-momentum=0.9, compressor=C)",
       "H steps of AdamW, then Nesterov's momentum with outer-step=0.7", "arXiv 2311.08105", diloco,
       kHearsAll},
      {"savic",
       "savic(adam|rmsprop|adagrad|oasis, steps=H, scaling=global|local, alpha=0.01, beta=B, refresh=1, "
       "statistic=sq-of-mean|mean-of-sq, refresh-at-start=1, momentum=0, momentum-at-sync=average|reset, "
       "start-probes=10, probes=own|shared, compressor=C)",
       "local SGD with steps scaled as the rule has it, refreshed when clients talk", "arXiv 2406.00846",
       savic, kHearsAll},
  };
  return rows;
}

}  // namespace laconic::recipe
