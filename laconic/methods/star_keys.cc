// SPDX-License-Identifier: Apache-2.0
// The keys of star methods, such as outer= and downlink=: the parts that they name, and the theorems that
// then hold.
#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/norm_clipping.h"

namespace laconic {
namespace {

constexpr ValueRow kOuterRules[] = {
    {"step", "x - gamma g (the default)"},
    {"heavy-ball(BETA)", "b <- BETA b + g, x - gamma b"},
    {"nesterov(BETA)", "b <- BETA b + g, x - gamma (g + BETA b)"},
    {"adam(BETA1, BETA2, tau=0.001)", "Adam's step without bias correction, as in fedadam"},
    {"prox-l1(LAMBDA)", "the prox step of f + LAMBDA |x|_1; f and grad_norm_sq are then those of the sum"},
};

constexpr ValueRow kDownlinks[] = {
    {"direction", "d values: the direction of the step (the default)"},
    {"ef21-p(C)", "the point, as a compressed difference from the clients' copy (arXiv 2209.15218)"},
    {"marina-p(Q, p=P, shared=0, beta=1)",
     "compressed steps to each client, and the whole point with probability P (arXiv 2402.06412)"},
    {"ef21(C, init=exact|zero)", "the direction, compressed with a memory (EF21-BC, arXiv 2110.03294)"},
};

template <class Rows>
[[noreturn]] void fail_unknown_value(const Spec& spec, const char* key, const Rows& rows) {
  std::vector<std::string> known;
  for (const ValueRow& row : rows) {
    const std::string_view usage = row.usage;
    known.emplace_back(usage.substr(0, usage.find('(')));
  }
  fail_unknown(spec, key, known);
}

std::shared_ptr<const OuterRule> make_outer(const Spec& spec) {
  Arguments args(spec);
  std::shared_ptr<const OuterRule> rule;
  if (spec.name == "step") {
    rule = plain_outer();
  } else if (spec.name == "heavy-ball") {
    rule = heavy_ball(args.number_in("beta", 0.9, kShareBelowOne, 0));
  } else if (spec.name == "nesterov") {
    rule = nesterov(args.number_in("beta", 0.9, kShareBelowOne, 0));
  } else if (spec.name == "adam") {
    const ServerAdam defaults;
    const double beta1 = args.number_in("beta1", defaults.beta1, kShareBelowOne, 0);
    const double beta2 = args.number_in("beta2", defaults.beta2, kShareBelowOne, 1);
    rule = server_adam({beta1, beta2, args.number_in("tau", defaults.tau, kPositive)});
  } else if (spec.name == "prox-l1") {
    rule = prox_l1(
        args.required_number_in("lambda", kNotNegative, 0, "its factor is missing, as in prox-l1(1e-3)"));
  } else {
    fail_unknown_value(spec, "outer rule", kOuterRules);
  }
  args.done();
  return rule;
}

/// The compressor of a message that all clients receive. `example` names one that fits.
CompressorPtr for_everyone(Arguments& args, const char* key, const char* example, const MethodSetting& s) {
  const Spec& spec = args.required("compressor", 0, fmt::format("{}({})", key, example));
  if (spec.name.ends_with("perm-k"))
    args.fail(fmt::format("{} deals coordinates to clients, and all receive this message; use {}", spec.name,
                          example));
  return recipe::compressor(spec, s);
}

CompressorPtr contractive_for_everyone(Arguments& args, const char* key, const MethodSetting& s) {
  constexpr const char* kExample = "top-k(1%)";
  CompressorPtr c = for_everyone(args, key, kExample, s);
  if (!c->bound().alpha)
    args.fail(fmt::format("needs a contractive compressor, such as {} or c-rand-k(1%)", kExample));
  return c;
}

DownlinkPlan make_downlink(const Spec& spec, const MethodSetting& s) {
  Arguments args(spec);
  DownlinkPlan plan;
  if (spec.name == "ef21-p") {
    plan.kind = DownlinkPlan::Kind::ef21_p;
    plan.compressor = contractive_for_everyone(args, "ef21-p", s);
  } else if (spec.name == "ef21") {
    plan.kind = DownlinkPlan::Kind::ef21;
    plan.exact = recipe::starts_exact(args);
    plan.compressor = contractive_for_everyone(args, "ef21", s);
  } else if (spec.name == "marina-p") {
    plan.kind = DownlinkPlan::Kind::marina_p;
    plan.shared = args.flag("shared", false);
    plan.compressor = plan.shared ? for_everyone(args, "marina-p", "rand-k(1%)", s)
                                  : recipe::compressor(args.required("compressor", 0, "marina-p(perm-k)"), s);
    const Bound bound = plan.compressor->bound();
    if (!bound.omega) args.fail("needs an unbiased compressor, such as perm-k or rand-k(1%)");
    const double share = std::min(1.0, bound.floats / static_cast<double>(s.problem.dim()));
    plan.whole.p = args.number_in("p", share, kPositiveShare);
    plan.follow = args.number_in("beta", 1.0, kPositiveShare);
  } else if (spec.name != "direction") {
    fail_unknown_value(spec, "downlink", kDownlinks);
  }
  args.done();
  if (plan.compressor != nullptr)
    recipe::require_nothing_kept(args, spec.args.empty() ? spec : spec.args[0], *plan.compressor,
                                 "a downlink");
  return plan;
}

/// The rule and the attack of the setting. Neither, if they change nothing.
Aggregation make_aggregation(const MethodSetting& s) {
  const std::size_t n = s.problem.shards();
  Aggregation aggregation;
  if (s.aggregator || s.clip_norm) {
    auto rule =
        of_text("aggregator", [&] { return make_aggregator(s.aggregator.value_or(Spec("mean")), n); });
    if (s.clip_norm) rule = clipped(std::move(rule), *s.clip_norm);
    if (s.clip_norm || s.aggregator->name != "mean") aggregation.rule = std::move(rule);
  }
  if (s.byzantine) aggregation.attack = of_text("byzantine", [&] { return make_attack(*s.byzantine, n); });
  return aggregation;
}

void require_vectors_of_clients(const StarParts& parts, const MethodSetting& s) {
  const char* key = recipe::key_of_aggregation(s);
  if (parts.aggregation.senders)
    throw InputError(fmt::format(
        "{}: the method takes the mean of each coordinate over the clients that sent it; leave {} out", key,
        key));
  if (parts.majority)
    throw InputError(fmt::format("{}: majority counts the signs of all clients; leave {} out", key, key));
  if (!s.gone.empty())
    throw InputError(
        fmt::format("{}: {} clients are lost, and others hold their data; a rule needs the vector of "
                    "each client",
                    key, s.gone.size()));
  if (!parts.participation->complete() && !parts.mechanism->estimates_by_memory() && !s.stragglers)
    throw InputError(
        fmt::format("{}: needs the vector of each client, and the method samples clients; use a method in "
                    "which all take part, ef21-pp or dasha-pp",
                    key));
}

bool is(const std::optional<Spec>& spec, const char* name) { return spec && spec->name == name; }

/// gamma = (1 - beta) / (L_minus / (1 - beta) + gain).
Theorem heavy_ball_theorem(const Constants& c, const Gain& gain, double beta) {
  return {.name = "heavy ball over an estimate with a gain",
          .step_rule = "(1 - beta) / (L_minus / (1 - beta) + gain)",
          .step = (1 - beta) / (c.L_minus / (1 - beta) + gain.error),
          .promise =
              "(1/K) sum_{k<K} E|grad f(z_k)|^2 <= 2 (1 - beta) (f(x_0) - f_lower) / (gamma K), z_k = x_k "
              "- gamma beta / (1 - beta) b_{k-1}"};
}

Theorem prox_theorem(const Constants& c, const Gain& gain) {
  return {.name = "prox-gradient steps over an estimate with a gain",
          .step_rule = "1 / (L_minus + 2 gain)",
          .step = 1 / (c.L_minus + 2 * gain.error),
          .promise =
              "(1/K) sum_{k<K} E|prox-gradient map at x_k|^2 <= 5 (F(x_0) - F_lower) / (gamma K), F = f + r",
          .mean_gradient_factor = 5};
}

/// The error of the estimate at x if clients compute at w, where w - x has the memory gain K of the downlink.
std::optional<Theorem> ef21_p_theorem(const Constants& c, const Gain& gain, const Bound& bound) {
  if (!bound.shrinks) return {};
  const double K = memory_gain(*bound.alpha);
  return gain_theorem(c, {.error = K * c.L_minus + (1 + K) * gain.error}, "EF21-P: gain bound",
                      "(1 - sqrt(1 - alpha_P)) / (L_minus + gain)");
}

std::optional<Theorem> ef21_bc_theorem(const Constants& c, const Gain& gain, const Bound& bound) {
  if (!gain.increments) return {};
  const double K = memory_gain(*bound.alpha);
  return gain_theorem(c, {.error = gain.error + K * *gain.increments}, "EF21-BC: gain bound",
                      "1 / (L_minus + gain + K_M gain of increments)");
}

/// Of gd only: MARINA-P with L_A = L_plus and L_B = 0.
std::optional<Theorem> marina_p_theorem(const Constants& c, const Gain& gain, const DownlinkPlan& plan) {
  if (gain.error != 0 || plan.follow != 1) return {};
  const double p = plan.whole.p;
  const double omega = *plan.compressor->bound().omega;
  return gain_theorem(c, {.error = c.L_plus * std::sqrt(omega * (1 / p - 1))}, "MARINA-P: gain bound",
                      "1 / (L_minus + L_plus sqrt(omega (1/p - 1)))");
}

}  // namespace

std::span<const ValueRow> outer_rules() { return kOuterRules; }
std::span<const ValueRow> downlinks() { return kDownlinks; }

namespace recipe {

std::shared_ptr<const OuterRule> outer_of(const MethodSetting& s) {
  if (!s.outer) return nullptr;
  return of_text("outer", [&] { return make_outer(*s.outer); });
}

std::optional<DownlinkPlan> downlink_of(const MethodSetting& s) {
  if (!s.downlink) return {};
  return of_text("downlink", [&] { return make_downlink(*s.downlink, s); });
}

MethodSetting with_outer(Arguments& args, const MethodSetting& s, Spec outer) {
  if (s.outer && s.outer->name != "step")
    args.fail(fmt::format("outer = {}: it has an outer rule of its own", print(*s.outer)));
  MethodSetting own = s;
  own.outer = std::move(outer);
  return own;
}

MethodSetting with_downlink(Arguments& args, const MethodSetting& s, Spec downlink) {
  if (s.downlink && s.downlink->name != "direction")
    args.fail(fmt::format("downlink = {}: it has a downlink of its own", print(*s.downlink)));
  MethodSetting own = s;
  own.downlink = std::move(downlink);
  return own;
}

const char* key_of_aggregation(const MethodSetting& s) {
  if (s.aggregator && s.aggregator->name != "mean") return "aggregator";
  if (s.clip_norm) return "clip-norm";
  return s.byzantine ? "byzantine" : nullptr;
}

Assembly star_as_it_is(const MethodSetting& s, StarParts parts) {
  if (auto outer = outer_of(s)) parts.outer = std::move(outer);
  if (auto downlink = downlink_of(s)) parts.downlink = *downlink;
  const bool moves_points = !parts.downlink.clients_at_x();
  if (parts.majority && (moves_points || is(s.downlink, "ef21")))
    throw InputError("downlink: majority sends one bit a coordinate; leave downlink out");
  if (parts.anchor && !parts.downlink.shared)
    throw InputError("downlink: an anchor needs one point for all clients: use shared=1, or ef21-p");
  if (s.stragglers && s.stragglers->is_real() && parts.downlink.kind != DownlinkPlan::Kind::direction)
    throw InputError("downlink: a server with a real clock sends its whole point in each order");
  const bool senders = parts.aggregation.senders;
  parts.aggregation = make_aggregation(s);
  parts.aggregation.senders = senders;
  parts.objective = s.objective;
  if (parts.aggregation.rule || parts.aggregation.attack) require_vectors_of_clients(parts, s);
  Assembly assembly;
  assembly.problem = &s.problem;
  assembly.options = {.seed = s.seed, .wire = s.wire};
  if (const auto& attack = parts.aggregation.attack; attack && attack->liars() > 0)
    assembly.warnings.push_back(
        fmt::format("the last {} of {} clients lie by {}: f, its gradient and the constants are those of the "
                    "others",
                    attack->liars(), attack->clients(), attack->description()));
  assembly.parts = std::move(parts);
  return assembly;
}

void weaken_theorem(Assembly& m) {
  for (auto* theorem : {&m.theorem, &m.theorem_pl, &m.tight}) {
    if (!*theorem) continue;
    (*theorem)->name += ", without liars and with the mean";
    (*theorem)->promise = "none: the step is that without liars and with the mean";
    (*theorem)->mean_gradient_factor = (*theorem)->contraction = 0;
  }
}

void compose_theorem(Assembly& m, const MethodSetting& s) {
  const bool plain = !s.outer || s.outer->name == "step";
  const bool direct = !s.downlink || s.downlink->name == "direction";
  if (plain && direct) return;
  const std::optional<Theorem> before = std::exchange(m.theorem, std::nullopt);
  m.theorem_pl.reset();
  m.tight.reset();
  if (!before || !before->gain || !s.constants || (!plain && !direct)) return;
  const Gain& gain = *before->gain;
  const Constants& c = *s.constants;
  if (!plain) {
    if (s.outer->name == "heavy-ball") {
      Arguments args(*s.outer);
      m.theorem = heavy_ball_theorem(c, gain, args.number("beta", 0.9, 0));
    } else if (s.outer->name == "prox-l1") {
      m.theorem = prox_theorem(c, gain);
    }
    return;
  }
  const DownlinkPlan& downlink = std::get<StarParts>(m.parts).downlink;
  switch (downlink.kind) {
    case DownlinkPlan::Kind::ef21_p:
      m.theorem = ef21_p_theorem(c, gain, downlink.compressor->bound());
      break;
    case DownlinkPlan::Kind::ef21:
      if (downlink.exact) m.theorem = ef21_bc_theorem(c, gain, downlink.compressor->bound());
      break;
    case DownlinkPlan::Kind::marina_p:
      m.theorem = marina_p_theorem(c, gain, downlink);
      break;
    case DownlinkPlan::Kind::direction:
      break;
  }
}

}  // namespace recipe
}  // namespace laconic
