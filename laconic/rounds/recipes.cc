// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/recipes.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "laconic/compress/compressor.h"
#include "laconic/core/error.h"
#include "laconic/mechanism/mechanism.h"
#include "laconic/mechanism/three_point.h"
#include "laconic/network/code.h"
#include "laconic/network/decoder.h"
#include "laconic/network/turnout.h"
#include "laconic/problem/oracle.h"
#include "laconic/rounds/gossip.h"
#include "laconic/rounds/local.h"
#include "laconic/rounds/scaffold.h"
#include "laconic/rounds/star.h"

namespace laconic {
namespace {

// --- the parts, as recipes ask for them ----------------------------------------------------------

std::unique_ptr<Oracle> full(const MethodSetting& s) { return full_gradients(s.problem); }

std::unique_ptr<Oracle> full_or_batch(const MethodSetting& s) {
  return s.batch ? minibatches(s.problem, *s.batch) : full(s);
}

Setting setting_of_compressors(const MethodSetting& s) {
  return {s.problem.dim(), s.problem.shards(), s.wire};
}

CompressorPtr compressor(const Spec& spec, const MethodSetting& s) {
  return make_compressor(spec, setting_of_compressors(s));
}

CompressorPtr identity(const MethodSetting& s) { return compressor(Spec("identity"), s); }

CompressorPtr unbiased(Arguments& args, const std::string& method, const MethodSetting& s) {
  const Spec& spec = args.required("compressor", 0, method + "(rand-k(10))");
  CompressorPtr result = compressor(spec, s);
  if (!result->bound().omega) {
    args.fail(fmt::format("{} needs an unbiased compressor: {} is not; use rand-k or natural", method,
                          print(spec)));
  }
  return result;
}

double probability(Arguments& args, const char* name, double fallback) {
  const double value = args.number(name, fallback);
  if (!(value > 0 && value <= 1)) args.fail(fmt::format("{} = {}; need 0 < {} <= 1", name, value, name));
  return value;
}

/// Q of methods whose theory needs the clients' draws to be independent of each other.
CompressorPtr independent(Arguments& args, const std::string& method, const MethodSetting& s) {
  CompressorPtr result = unbiased(args, method, s);
  if (result->bound().B != 0) {
    args.fail(
        fmt::format("{} needs a compressor that each client draws by itself; use rand-k or natural", method));
  }
  return result;
}

/// Expected floats of a compressed message, as a share of the whole vector. Of a vector of very few
/// coordinates, norm and levels may count more than the coordinates themselves.
double density(const Bound& bound, const MethodSetting& s) {
  return std::min(1.0, bound.floats / static_cast<double>(s.problem.dim()));
}

/// Rows of a minibatch: the method's own option, or else the run's key.
std::size_t batch_of(Arguments& args, const MethodSetting& s, const char* name = "batch") {
  const std::size_t batch = args.whole(name, s.batch.value_or(0));
  if (batch == 0)
    args.fail(fmt::format("\"{}\" is missing: the rows of a minibatch, as in {}=32", name, name));
  return batch;
}

/// Rows of a client, in the mean.
double rows_of_client(const MethodSetting& s) {
  double rows = 0;
  for (std::size_t i = 0; i < s.problem.shards(); ++i) rows += static_cast<double>(s.problem.rows(i));
  return rows / static_cast<double>(s.problem.shards());
}

void no_batch(Arguments& args, const MethodSetting& s, const char* why) {
  if (s.batch) args.fail(fmt::format("batch = {}: {}", *s.batch, why));
}

Assembly star(const MethodSetting& s, StarParts parts) {
  // std::function copies what it holds, and parts do not copy: share them. An assembly is built once.
  auto shared = std::make_shared<StarParts>(std::move(parts));
  Assembly assembly;
  assembly.build = [shared, &problem = s.problem, seed = s.seed, wire = s.wire](double step) {
    check(shared->oracle != nullptr, "an assembly is built only once");
    return make_star(problem, std::move(*shared), {.step = step, .seed = seed, .wire = wire});
  };
  return assembly;
}

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
    check(shared->oracle != nullptr, "an assembly is built only once");
    return make_gossip(problem, std::move(*shared),
                       {.step = step, .outer_step = outer_step, .seed = seed, .wire = wire});
  };
  return assembly;
}

/// Those who answer of everyone.
std::unique_ptr<Turnout> answers(const MethodSetting& s, std::unique_ptr<Decoder> decoder) {
  const std::size_t n = s.problem.shards();
  return answers(s.stragglers ? s.stragglers : std::shared_ptr(make_stragglers(parse("fixed(0)"), n)),
                 std::move(decoder));
}

/// Those who answer, weighed so that `factor` times the mean of all messages is what is expected: by how
/// often each is late (ht), or by how many they are (count).
std::unique_ptr<Turnout> unbiased_answers(Arguments& args, const MethodSetting& s, const std::string& decode,
                                          double factor = 1) {
  const std::size_t n = s.problem.shards();
  if (!s.stragglers) return factor == 1 ? everyone(n) : answers(s, by_count(factor));
  if (decode == "ht") return answers(s, by_expectation(*s.stragglers, n, factor));
  if (!common_lateness(*s.stragglers, n))
    args.fail("decode = count; needs clients that are late equally often; use ht");
  return answers(s, by_count(factor));
}

std::unique_ptr<Turnout> unbiased_answers(Arguments& args, const MethodSetting& s) {
  return unbiased_answers(args, s, args.choice("decode", {"ht", "count"}, "ht"));
}

/// The probability that a client is late, for methods whose clients remember what they said.
double lateness(Arguments& args, const MethodSetting& s) {
  if (!s.stragglers) return 0;
  const auto p = common_lateness(*s.stragglers, s.problem.shards());
  if (!p) args.fail("clients remember what they said, and need to be late equally often");
  return *p;
}

std::size_t local_steps_of(Arguments& args) {
  const std::size_t steps = args.whole("steps", 1, 1, 0);
  if (steps > std::size_t{1} << 31) args.fail(fmt::format("steps = {}; need steps <= 2^31", steps));
  return steps;
}

// --- the recipes ---------------------------------------------------------------------------------

/// Distributed gradient descent; with a batch, distributed SGD.
Assembly gd(Arguments& args, const MethodSetting& s) {
  Assembly m = star(
      s,
      {.oracle = full_or_batch(s), .mechanism = direct(identity(s)), .turnout = unbiased_answers(args, s)});
  if (s.constants && !s.batch) {
    m.theorem = gd_theorem(*s.constants);
    m.theorem_pl = gd_theorem_pl(*s.constants);
  }
  return m;
}

/// Distributed compressed gradient descent (Khirirat, Feyzmahdavian, Johansson 2018, arXiv 1806.06573).
Assembly dcgd(Arguments& args, const MethodSetting& s) {
  CompressorPtr c = compressor(args.required("compressor", 0, "dcgd(rand-k(10))"), s);
  const Bound bound = c->bound();
  Assembly m = star(
      s,
      {.oracle = full_or_batch(s), .mechanism = direct(std::move(c)), .turnout = unbiased_answers(args, s)});
  if (bound.omega) m.facts.emplace_back("omega", *bound.omega);
  if (bound.alpha && !bound.omega) m.facts.emplace_back("alpha", *bound.alpha);
  if (s.constants && bound.omega && !s.batch)
    m.theorem = dcgd_theorem(*s.constants, *bound.omega, s.problem.shards());
  return m;
}

/// DIANA (Mishchenko, Gorbunov, Takac, Richtarik 2019, arXiv 1901.09269), Algorithm 1.
Assembly diana(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = unbiased(args, "diana", s);
  const Bound bound = q->bound();
  const double omega = *bound.omega;
  const double largest_alpha = 1 / (1 + omega);
  const double alpha = probability(args, "alpha", largest_alpha);
  lateness(args, s);
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = memory(std::move(q), alpha),
                        .turnout = unbiased_answers(args, s)});
  m.facts = {{"omega", omega}, {"alpha", alpha}};
  if (s.constants && !s.batch && alpha <= largest_alpha) {
    m.theorem = diana_theorem(*s.constants, bound, s.problem.shards(), 1, alpha);
  }
  return m;
}

/// VR-DIANA (Horvath, Kovalev, Mishchenko, Stich, Richtarik 2019, arXiv 1904.05115), loopless form.
Assembly vr_diana(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-diana", s);
  const Bound bound = q->bound();
  const double omega = *bound.omega;
  const double largest_alpha = 1 / (1 + omega);
  const double alpha = probability(args, "alpha", largest_alpha);
  const std::size_t batch = batch_of(args, s);
  const double M = std::max(1.0, rows_of_client(s) / static_cast<double>(batch));
  const double p = probability(args, "p", 1 / M);
  Assembly m = star(s, {.oracle = minibatches(s.problem, batch),
                        .anchor = SharedCoin{p},
                        .mechanism = memory(std::move(q), alpha),
                        .turnout = everyone(s.problem.shards())});
  m.facts = {{"omega", omega}, {"alpha", alpha}, {"p", p}};
  if (s.constants && alpha <= largest_alpha) {
    m.theorem = diana_theorem(*s.constants, bound, s.problem.shards(), M, alpha);
  }
  return m;
}

/// MARINA (Gorbunov, Burlachenko, Li, Richtarik, ICML 2021, arXiv 2102.07845), Algorithm 1.
Assembly marina(Arguments& args, const MethodSetting& s) {
  no_batch(args, s, "marina takes full local gradients; leave batch out, or use vr-marina");
  CompressorPtr q = unbiased(args, "marina", s);
  const Bound bound = q->bound();
  const SharedCoin coin{probability(args, "p", density(bound, s))};
  Assembly m = star(s, {.oracle = full(s),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = everyone(s.problem.shards())});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (bound.B != 0) m.facts.insert(m.facts.end(), {{"A", bound.A}, {"B", bound.B}});
  if (s.constants) {
    m.theorem = marina_theorem(*s.constants, bound, coin.p);
    m.theorem_pl = marina_theorem_pl(*s.constants, bound, coin.p);
  }
  return m;
}

/// VR-MARINA (the same paper), Algorithm 2: full gradients on heads, differences by one minibatch on tails.
Assembly vr_marina(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-marina", s);
  const Bound bound = q->bound();
  const std::size_t batch = batch_of(args, s);
  const double b = static_cast<double>(batch);
  const double rows = rows_of_client(s);
  const SharedCoin coin{probability(args, "p", std::min(density(bound, s), b / (rows + b)))};
  Assembly m = star(s, {.oracle = on_coin(coin, full(s), minibatches(s.problem, batch)),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = everyone(s.problem.shards())});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants) {
    m.theorem = vr_marina_theorem(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
    m.theorem_pl = vr_marina_theorem_pl(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
  }
  return m;
}

/// VR-MARINA (online) (the same paper), Algorithm 3: a large minibatch on heads.
Assembly vr_marina_online(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-marina-online", s);
  const Bound bound = q->bound();
  const std::size_t batch = batch_of(args, s);
  const std::size_t large = args.whole("large-batch", 0);
  if (large == 0)
    args.fail("\"large-batch\" is missing: the rows of a minibatch on heads, as in large-batch=1000");
  const double b = static_cast<double>(batch);
  const SharedCoin coin{
      probability(args, "p", std::min(density(bound, s), b / (static_cast<double>(large) + b)))};
  Assembly m = star(s, {.oracle = on_coin(coin, minibatches(s.problem, large), minibatches(s.problem, batch)),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = everyone(s.problem.shards())});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants)
    m.theorem = vr_marina_online_theorem(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
  return m;
}

/// PP-MARINA (the same paper), Algorithm 4: on tails only `sample` clients, drawn
/// with replacement, are heard.
Assembly pp_marina(Arguments& args, const MethodSetting& s) {
  no_batch(args, s, "pp-marina takes full local gradients; leave batch out");
  CompressorPtr q = independent(args, "pp-marina", s);
  const Bound bound = q->bound();
  const std::size_t n = s.problem.shards();
  const std::size_t sample = args.whole("sample", 0);
  if (sample == 0) args.fail("\"sample\" is missing: the clients that are heard in a round, as in sample=10");
  if (sample < 1 || sample > n)
    args.fail(fmt::format("sample = {}; need 1 <= sample <= {}, the clients", sample, n));
  const double r = static_cast<double>(sample);
  const SharedCoin coin{probability(args, "p", density(bound, s) * r / static_cast<double>(n))};
  Assembly m = star(s, {.oracle = full(s),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = sample_unless(coin, n, sample)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants) {
    m.theorem = pp_marina_theorem(*s.constants, *bound.omega, r, coin.p);
    m.theorem_pl = pp_marina_theorem_pl(*s.constants, *bound.omega, r, coin.p);
  }
  return m;
}

/// 3PC (Richtarik, Sokolov, Gasanov, Fatkhullin, Li, Gorbunov, ICML 2022, arXiv 2202.00998), Algorithm 1,
/// with any of its maps: EF21, LAG, CLAG, 3PCv1 .. v5.
Assembly three_point(const ThreePointRow& row, Arguments& args, const MethodSetting& s) {
  const bool exact = args.choice("init", {"exact", "zero"}, "exact") == "exact";
  ThreePoint c = row.make(args, setting_of_compressors(s));
  if (c.coin.p > 0 && !exact) args.fail("init = zero; its coin has everyone begin with the whole gradient");
  if (c.coin.p > 0 && s.stragglers)
    args.fail("stragglers: when its coin shows heads the memories of all start over, and so all must answer");
  const double n = static_cast<double>(s.problem.shards());
  Assembly m =
      star(s, {.oracle = full_or_batch(s),
               .mechanism = exact ? restarting(std::move(c.map), identity(s), c.coin) : std::move(c.map),
               .turnout = s.stragglers ? answers(s, equally(1 / n)) : everyone(s.problem.shards())});
  if (c.omega) m.facts.emplace_back("omega", *c.omega);
  if (c.alpha) m.facts.emplace_back("alpha", *c.alpha);
  if (c.coin.p > 0) m.facts.emplace_back("p", c.coin.p);
  m.facts.insert(m.facts.end(), {{"A", c.A}, {"B", c.B}, {"sqrt(B/A)", std::sqrt(c.B / c.A)}});
  if (s.constants && !s.batch) {
    m.theorem = three_point_theorem(*s.constants, c.A, c.B, exact);
    m.theorem_pl = three_point_theorem_pl(*s.constants, c.A, c.B, exact);
  }
  return m;
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
  assembly.build = [parts = std::move(parts), &problem = s.problem,
                    outer_step = s.outer_step.value_or(outer_step), seed = s.seed,
                    wire = s.wire](double step) {
    return make_local(problem, parts, {.step = step, .outer_step = outer_step, .seed = seed, .wire = wire});
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

// --- gradient coding: clients hold each other's data, some answer late ---------------------------

std::optional<std::size_t> redundancy_of(Arguments& args) {
  const std::size_t d = args.whole("redundancy", 0, 1);
  return d == 0 ? std::nullopt : std::optional(d);
}

Allocation replicated(Arguments& args, const AllocationSetting& setting) {
  return make_allocation("random", redundancy_of(args), setting);
}

/// By one rule, where the method is about that.
Allocation ruled(Arguments& args, const AllocationSetting& setting, const std::string& rule, std::size_t d) {
  if (setting.rule && *setting.rule != Spec(rule))
    args.fail(fmt::format("allocation = {}; this is about {}", print(*setting.rule), rule));
  return make_allocation(rule, d, setting);
}

Allocation in_groups(Arguments& args, const AllocationSetting& setting) {
  return ruled(args, setting, "fractional", redundancy_of(args).value_or(1));
}

struct ByChance {
  Allocation allocation;
  double redundancy;  // in the mean, which of drawn loads is not theirs
};

ByChance by_chance(Arguments& args, const AllocationSetting& setting) {
  const auto d = redundancy_of(args);
  Allocation allocation = make_allocation("bernoulli", d, setting);
  const double mean = d ? static_cast<double>(*d) : allocation.loads().mean;
  return {std::move(allocation), mean};
}

struct ExactCode {
  Allocation allocation;
  bool in_groups;
  std::size_t tolerates;
};

ExactCode exact_code(Arguments& args, const AllocationSetting& setting) {
  const std::string code = args.choice("code", {"fractional", "cyclic"}, "fractional");
  const std::size_t tolerates = args.whole("tolerates", 1);
  if (tolerates >= setting.workers)
    args.fail(fmt::format("tolerates = {}; need tolerates < {}, the clients", tolerates, setting.workers));
  return {ruled(args, setting, code, tolerates + 1), code == "fractional", tolerates};
}

AllocationSetting setting_of_allocations(const MethodSetting& s) {
  return {.workers = s.problem.shards(), .seed = s.split_seed, .rule = s.allocation};
}

/// The assembly, with what there is to know of its allocation.
Assembly coded_star(const MethodSetting& s, const Allocation& allocation, StarParts parts) {
  Assembly m = star(s, std::move(parts));
  const Spread loads = allocation.loads();
  const Spread overlaps = allocation.overlaps();
  m.facts = {{"load, least", loads.least},     {"load, mean", loads.mean},
             {"load, most", loads.most},       {"overlap, least", overlaps.least},
             {"overlap, mean", overlaps.mean}, {"overlap, most", overlaps.most}};
  if (allocation.lost() > 0) m.facts.emplace_back("subsets lost", static_cast<double>(allocation.lost()));
  return m;
}

/// What a client looks at: its own shard as everywhere, or what it says of all that it holds.
std::unique_ptr<Oracle> coded_oracle(const MethodSetting& s, const Allocation& allocation, Code code) {
  return allocation.is_identity() ? full_or_batch(s) : coded(full_or_batch(s), std::move(code));
}

/// h_i = sum_k S_ik g_k / d_k, whose mean is the gradient, by a mechanism.
Assembly shared_star(Arguments& args, const MethodSetting& s, const Allocation& allocation,
                     MechanismPtr mechanism) {
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, share_code(allocation)),
                     .mechanism = std::move(mechanism),
                     .turnout = unbiased_answers(args, s)});
}

/// 1-bit gradient coding (Li, Skoglund 2024, arXiv 2403.14716).
Assembly gc_1bit(Arguments& args, const MethodSetting& s) {
  const Allocation allocation = replicated(args, setting_of_allocations(s));
  const Spec* given = args.find("encoder");
  Spec encoder = given == nullptr ? Spec("one-bit") : *given;
  for (const char* option : {"scale", "block", "bound"}) {
    if (const Spec* value = args.find(option)) encoder.options.emplace_back(option, *value);
  }
  return shared_star(args, s, allocation, direct(compressor(encoder, s)));
}

/// Stochastic gradient coding (Bitar, Wootters, El Rouayheb 2020, arXiv 1905.05383).
Assembly sgc(Arguments& args, const MethodSetting& s) {
  return shared_star(args, s, replicated(args, setting_of_allocations(s)), direct(identity(s)));
}

/// SGD that ignores stragglers: SGC without redundancy.
Assembly is_sgd(Arguments& args, const MethodSetting& s) {
  return shared_star(args, s, no_redundancy(s.problem.shards()), direct(identity(s)));
}

/// Bernoulli gradient coding (Charles, Papailiopoulos, Ellenberg 2017, arXiv 1711.06771).
Assembly bgc(Arguments& args, const MethodSetting& s) {
  const auto [allocation, d] = by_chance(args, setting_of_allocations(s));
  const Code code = sum_code(allocation);
  const std::string decode = args.choice("decode", {"ht", "count", "lsq"}, "ht");
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, code),
                     .mechanism = direct(identity(s)),
                     .turnout = decode == "lsq" ? answers(s, by_least_squares(code, false))
                                                : unbiased_answers(args, s, decode, 1 / d)});
}

/// ErasureHead (Wang, Charles, Papailiopoulos 2019, arXiv 1901.09671).
Assembly erasurehead(Arguments& args, const MethodSetting& s) {
  const Allocation allocation = in_groups(args, setting_of_allocations(s));
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, sum_code(allocation)),
                     .mechanism = direct(identity(s)),
                     .turnout = answers(s, one_of_each_group(allocation, false))});
}

/// Gradient coding (Tandon, Lei, Dimakis, Karampatziakis, ICML 2017, arXiv 1612.03301).
Assembly exact_gc(Arguments& args, const MethodSetting& s) {
  const auto [allocation, in_groups, tolerates] = exact_code(args, setting_of_allocations(s));
  const Code code =
      in_groups ? sum_code(allocation) : cyclic_code(s.problem.shards(), tolerates, s.split_seed);
  return coded_star(s, allocation,
                    {.oracle = coded(full_or_batch(s), code),
                     .mechanism = direct(identity(s)),
                     .turnout = answers(
                         s, in_groups ? one_of_each_group(allocation, true) : by_least_squares(code, true))});
}

/// signSGD with majority vote (Bernstein, Wang, Azizzadenesheli, Anandkumar, ICML 2018, arXiv 1802.04434).
Assembly majority(Arguments& args, const MethodSetting& s) {
  const Allocation allocation = replicated(args, setting_of_allocations(s));
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, share_code(allocation)),
                     .mechanism = direct(compressor(parse("sign(scale=one)"), s)),
                     .turnout = answers(s, equally(1)),
                     .majority = true});
}

/// COCO-EF (arXiv 2603.16353); without redundancy and stragglers EF-signSGD (arXiv 1901.09847).
Assembly coco_ef(Arguments& args, const MethodSetting& s) {
  const Spec* given = args.find("compressor", 0);
  CompressorPtr c = compressor(given == nullptr ? Spec("sign") : *given, s);
  const Bound bound = c->bound();
  if (!bound.alpha)
    args.fail("coco-ef needs a contractive compressor, such as sign, sign(block=64) or top-k(10)");
  const Allocation allocation = replicated(args, setting_of_allocations(s));
  const double n = static_cast<double>(s.problem.shards());
  Assembly m =
      coded_star(s, allocation,
                 {.oracle = coded_oracle(s, allocation, share_code(allocation)),
                  .mechanism = feedback(std::move(c), 1 / (1 - lateness(args, s))),
                  .turnout = s.stragglers ? answers(s, equally(1 / n)) : everyone(s.problem.shards())});
  m.facts.emplace_back("alpha", *bound.alpha);
  return m;
}

/// Coded differences: DIANA (arXiv 1901.09269) on coded gradients.
Assembly gc_diana(Arguments& args, const MethodSetting& s) {
  const Spec* given = args.find("compressor", 0);
  const Spec spec = given == nullptr ? Spec("one-bit") : *given;
  CompressorPtr q = compressor(spec, s);
  const Bound bound = q->bound();
  if (!bound.omega)
    args.fail(fmt::format("gc-diana needs an unbiased compressor: {} is not; use one-bit", print(spec)));
  const double alpha = probability(args, "alpha", 1 / (1 + *bound.omega));
  lateness(args, s);
  Assembly m = shared_star(args, s, replicated(args, setting_of_allocations(s)), memory(std::move(q), alpha));
  m.facts.insert(m.facts.end(), {{"omega", *bound.omega}, {"alpha", alpha}});
  return m;
}

std::vector<MethodRow> all_methods() {
  const std::string coin_of_all =
      "when its coin shows heads the memories of all start over, and so all must answer";
  const std::string neighbours = "nodes without a server hear their neighbours in every round";
  const std::string own_sample = "it hears a sample of its own choice: leave some out with sample=";
  const std::string corrections = "it hears everyone in every round; fedavg hears some";
  std::vector<MethodRow> rows = {
      {"gd", "gd", "gradient descent; with batch=, SGD", "-", gd},
      {"dcgd", "dcgd(C)", "compressed gradients, no memory", "arXiv 1806.06573", dcgd},
      {"diana", "diana(Q, alpha=1/(1+omega))", "compressed differences to a memory", "arXiv 1901.09269",
       diana},
      {"vr-diana", "vr-diana(Q, batch=B)", "DIANA on minibatches seen through an anchor", "arXiv 1904.05115",
       vr_diana, "when its anchor moves, the gradients there of all do, and so all must answer"},
      {"marina", "marina(Q, p=floats/d)", "compressed gradient differences, now and then a full gradient",
       "arXiv 2102.07845", marina, coin_of_all},
      {"vr-marina", "vr-marina(Q, batch=B)", "MARINA with differences by minibatches", "arXiv 2102.07845",
       vr_marina, coin_of_all},
      {"vr-marina-online", "vr-marina-online(Q, batch=B, large-batch=L)", "VR-MARINA without full gradients",
       "arXiv 2102.07845", vr_marina_online, coin_of_all},
      {"pp-marina", "pp-marina(Q, sample=R)", "MARINA that hears R sampled clients a round",
       "arXiv 2102.07845", pp_marina, own_sample},
      {"d-sgd", "d-sgd(steps=K)", "K local steps, then the mean of the neighbours", "arXiv 2003.10422", d_sgd,
       neighbours},
      {"gt", "gt", "gradient tracking", "arXiv 2202.03836", gt, neighbours},
      {"periodical-gt", "periodical-gt(steps=K, sample=last)", "gradient tracking that talks every K steps",
       "arXiv 2301.01313", periodical_gt, neighbours},
      {"k-gt", "k-gt(steps=K, init=zero)", "gradient tracking with local steps, on the mean of K gradients",
       "arXiv 2301.01313", k_gt, neighbours},
      {"scaffold", "scaffold(steps=K)", "local steps whose drift a server corrects", "arXiv 1910.06378",
       scaffold, corrections},
      {"local-sgd", "local-sgd(steps=H, momentum=0, compressor=C)", "H local steps, then the mean of all",
       "arXiv 1805.09767", local_sgd, corrections},
      {"fedavg", "fedavg(steps=H, sample=S, compressor=C)", "local SGD of S sampled clients a round",
       "arXiv 1602.05629", fedavg, own_sample},
      {"fedadam", "fedadam(steps=H, sample=S, beta1=0.9, beta2=0.99, tau=0.001, compressor=C)",
       "FedAvg whose server takes Adam's steps, of outer-step=0.1", "arXiv 2003.00295", fedadam, own_sample},
      {"diloco",
       "diloco(steps=H, beta1=0.9, beta2=0.999, weight-decay=0.1, outer-momentum=0.9, compressor=C)",
       "H steps of AdamW, then Nesterov's momentum with outer-step=0.7", "arXiv 2311.08105", diloco,
       corrections},
      {"savic",
       "savic(adam|rmsprop|adagrad|oasis, steps=H, scaling=global|local, alpha=0.01, beta=B, refresh=1, "
       "statistic=sq-of-mean|mean-of-sq, refresh-at-start=1, momentum=0, compressor=C)",
       "local SGD with steps scaled as the rule has it, refreshed when clients talk", "arXiv 2406.00846",
       savic, corrections},
      {"gc-1bit",
       "gc-1bit(redundancy=D, scale=linf|l2|block|fixed, encoder=C, decode=ht|count)",
       "a bit a coordinate of coded gradients, through stragglers",
       "arXiv 2403.14716",
       gc_1bit,
       {},
       replicated},
      {"sgc",
       "sgc(redundancy=D, decode=ht|count)",
       "coded gradients as they are, through stragglers",
       "arXiv 1905.05383",
       sgc,
       {},
       replicated},
      {"is-sgd", "is-sgd(decode=ht|count)", "gradients as they are, stragglers ignored", "-", is_sgd},
      {"bgc",
       "bgc(redundancy=D, decode=ht|count|lsq)",
       "sums of the gradients that a client holds by chance",
       "arXiv 1711.06771",
       bgc,
       {},
       [](Arguments& args, const AllocationSetting& setting) { return by_chance(args, setting).allocation; }},
      {"erasurehead",
       "erasurehead(redundancy=D)",
       "one answer of each group of clients that hold the same",
       "arXiv 1901.09671",
       erasurehead,
       {},
       in_groups},
      {"exact-gc",
       "exact-gc(tolerates=S, code=fractional|cyclic)",
       "the exact gradient, whichever S clients are late; of more, no step",
       "arXiv 1612.03301",
       exact_gc,
       {},
       [](Arguments& args, const AllocationSetting& setting) {
         return exact_code(args, setting).allocation;
       }},
      {"majority",
       "majority(redundancy=D)",
       "signSGD: signs up, the sign that most have down",
       "arXiv 1802.04434",
       majority,
       {},
       replicated},
      {"coco-ef",
       "coco-ef(C=sign, redundancy=D)",
       "coded gradients, compressed with error feedback",
       "arXiv 2603.16353",
       coco_ef,
       {},
       replicated},
      {"gc-diana",
       "gc-diana(Q=one-bit, redundancy=D, alpha=1/(1+omega), decode=ht|count)",
       "coded gradients, compressed as differences to a memory",
       "arXiv 1901.09269",
       gc_diana,
       {},
       replicated},
  };
  for (const ThreePointRow& row : three_points()) {
    rows.push_back({row.name, row.usage, row.summary, row.paper,
                    [&row](Arguments& args, const MethodSetting& s) { return three_point(row, args, s); }});
  }
  return rows;
}

/// Nothing where each client holds its own.
std::optional<Allocation> allocation_of(const MethodRow& row, const Spec& method,
                                        const AllocationSetting& setting) {
  Arguments args(method);
  if (row.allocate != nullptr) return row.allocate(args, setting);
  if (setting.rule)
    args.fail(
        fmt::format("allocation = {}: each client holds its own data only; leave allocation out, or use "
                    "sgc or gc-1bit",
                    print(*setting.rule)));
  return {};
}

}  // namespace

const std::vector<MethodRow>& methods() {
  static const std::vector<MethodRow> rows = all_methods();
  return rows;
}

Numbers shards_of(Range workers, const Spec& method, const AllocationSetting& setting) {
  const std::optional<Allocation> allocation =
      allocation_of(row_named(method, "method", methods()), method, setting);
  std::vector<std::uint32_t> shards;
  for (const std::uint32_t i : Numbers(workers)) {
    shards.push_back(i);
    if (!allocation) continue;
    shards.insert(shards.end(), allocation->held(i).begin(), allocation->held(i).end());
  }
  return Numbers(std::move(shards));
}

Assembly assemble(const Spec& method, const MethodSetting& setting) {
  const MethodRow& row = row_named(method, "method", methods());
  Arguments args(method);
  if (setting.stragglers && !row.needs_everyone.empty())
    args.fail(fmt::format("stragglers: {}", row.needs_everyone));
  if (row.allocate == nullptr) allocation_of(row, method, setting_of_allocations(setting));  // refuses it
  Assembly assembly = row.assemble(args, setting);
  args.done();
  if (setting.problem.noise() > 0 || setting.stragglers) {  // which no theorem here knows
    assembly.theorem.reset();
    assembly.theorem_pl.reset();
  }
  return assembly;
}

StepRule parse_step(const std::string& text) {
  const auto number = [&](std::string_view digits) {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
      throw InputError(fmt::format("step = {}; need a number > 0, theory, theory*16 or theory-pl", text));
    }
    if (!(value > 0)) throw InputError(fmt::format("step = {}; need step > 0", text));
    if (std::isinf(value)) throw InputError(fmt::format("step = {}; need a finite step", text));
    return value;
  };
  for (const auto& [name, kind] : {std::pair{std::string_view("theory-pl"), StepRule::Kind::theory_pl},
                                   {"theory", StepRule::Kind::theory}}) {
    if (text == name) return {kind, 1};
    const std::string times = fmt::format("{}*", name);
    if (text.starts_with(times)) return {kind, number(std::string_view(text).substr(times.size()))};
  }
  return {StepRule::Kind::number, number(text)};
}

std::string print(const StepRule& rule) {
  if (rule.kind == StepRule::Kind::number) return fmt::format("{}", rule.factor);
  const std::string_view name = rule.kind == StepRule::Kind::theory ? "theory" : "theory-pl";
  return rule.factor == 1 ? std::string(name) : fmt::format("{}*{}", name, rule.factor);
}

const Theorem* theorem_of(const StepRule& rule, const Assembly& assembly) {
  if (rule.kind == StepRule::Kind::number) return nullptr;
  const auto& theorem = rule.kind == StepRule::Kind::theory ? assembly.theorem : assembly.theorem_pl;
  return theorem ? &*theorem : nullptr;
}

double resolve(const StepRule& rule, const Assembly& assembly) {
  if (rule.kind == StepRule::Kind::number) return rule.factor;
  const Theorem* theorem = theorem_of(rule, assembly);
  if (theorem == nullptr) {
    throw InputError(
        fmt::format("step = {}: no theorem with known constants for this method on this problem; give a "
                    "number, as in step=0.1",
                    print(rule)));
  }
  const double step = rule.factor * theorem->step;
  if (!(step > 0 && std::isfinite(step))) {
    throw InputError(
        fmt::format("step = {}: the theorem gives {}; give a number, as in step=0.1", print(rule), step));
  }
  return step;
}

}  // namespace laconic
