// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/methods.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/methods/parts.h"

namespace laconic {
namespace {

std::deque<MethodRow> all_methods() {
  std::deque<MethodRow> all;
  using namespace recipe;
  for (const auto rows_of : {gd_methods,
                             dcgd_methods,
                             diana_methods,
                             marina_methods,
                             three_point_methods,
                             ef21_sgdm_methods,
                             ef21_bells_methods,
                             ef_bv_methods,
                             dasha_methods,
                             econtrol_methods,
                             ef_methods,
                             marina_p_methods,
                             d_sgd_methods,
                             k_gt_methods,
                             beer_methods,
                             lead_methods,
                             exact_diffusion_methods,
                             scaffold_methods,
                             local_sgd_methods,
                             fedavg_methods,
                             diloco_methods,
                             savic_methods,
                             scaffnew_methods,
                             compressed_scaffnew_methods,
                             locodl_methods,
                             fedprox_methods,
                             fednova_methods,
                             sparseloco_methods,
                             muloco_methods,
                             streaming_diloco_methods,
                             demo_methods,
                             one_bit_gc_methods,
                             sgc_methods,
                             bgc_methods,
                             erasurehead_methods,
                             exact_gc_methods,
                             majority_methods,
                             coco_ef_methods,
                             gc_diana_methods}) {
    const std::vector<MethodRow> rows = rows_of();
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

std::deque<MethodRow>& table() {
  static std::deque<MethodRow> rows = all_methods();
  return rows;
}

/// The words for the steps of theorems.
constexpr std::pair<std::string_view, StepRule::Kind> kStepsOfTheorems[] = {
    {"theory-pl", StepRule::Kind::theory_pl},
    {"theory", StepRule::Kind::theory},
    {"tight", StepRule::Kind::tight},
};

void require_gone(const std::vector<std::uint32_t>& gone, std::size_t clients) {
  const auto descent = std::adjacent_find(gone.begin(), gone.end(), std::greater_equal<>());
  if (descent != gone.end())
    throw InputError(fmt::format("gone = .., {}, {}, ..; need ascending clients, each named once", *descent,
                                 *(descent + 1)));
  if (!gone.empty() && gone.back() >= clients)
    throw InputError(fmt::format("gone = .., {}; there are clients 0 .. {} only", gone.back(), clients - 1));
  if (gone.size() == clients) throw InputError("gone: all clients are; one must be left");
}

/// Checks the fields that every method reads.
void require_setting(const MethodSetting& s) {
  const std::size_t n = s.problem.shards();
  check(s.problem.dim() >= 1 && n >= 1, "a problem needs dim() >= 1 and shards() >= 1");
  require_gone(s.gone, n);
  if (s.batch && *s.batch < 1) throw InputError(fmt::format("batch = {}; need batch >= 1", *s.batch));
  if (s.outer_step) require_outer_step(*s.outer_step);
  if (s.clip_norm && !(*s.clip_norm > 0 && std::isfinite(*s.clip_norm)))
    throw InputError(fmt::format("clip-norm = {}; need a finite number > 0", *s.clip_norm));
  if (s.stragglers && s.stragglers->clients() != n)
    throw InputError(
        fmt::format("stragglers: a model of {} clients; the problem has {}", s.stragglers->clients(), n));
  if (s.mixing && s.mixing->nodes() != n)
    throw InputError(fmt::format("mixing: of {} nodes; the problem has {} clients", s.mixing->nodes(), n));
}

/// Nothing if each client holds only its own shard.
std::optional<Allocation> allocation_of(const MethodRow& row, const Spec& method,
                                        const AllocationSetting& setting) {
  require_gone(setting.gone, setting.clients);
  Arguments args(method);
  if (row.allocate != nullptr) return row.allocate(args, setting);
  if (setting.rule)
    args.fail(
        fmt::format("allocation = {}: each client holds its own data only; leave allocation out, or use "
                    "sgc or gc-1bit",
                    print(*setting.rule)));
  if (!setting.gone.empty()) return without(no_redundancy(setting.clients), setting.gone);
  return {};
}

}  // namespace

const std::deque<MethodRow>& methods() { return table(); }

void register_method(MethodRow row) {
  require_new(row.name, "method", table());
  table().push_back(std::move(row));
}

std::unique_ptr<Method> make_method(const Assembly& assembly, double step) {
  require_step(step);
  check(assembly.problem != nullptr, "an assembly has a problem");
  const Problem& problem = *assembly.problem;
  const auto& [outer_step, seed, wire] = assembly.options;
  if (const auto* parts = std::get_if<StarParts>(&assembly.parts))
    return make_star(problem, *parts, {.step = step, .seed = seed, .wire = wire});
  if (const auto* parts = std::get_if<LocalParts>(&assembly.parts))
    return make_local(problem, *parts, {.step = step, .outer_step = outer_step, .seed = seed, .wire = wire});
  if (const auto* parts = std::get_if<ScaffoldParts>(&assembly.parts))
    return make_scaffold(problem, *parts,
                         {.step = step, .outer_step = outer_step, .seed = seed, .wire = wire});
  return make_gossip(problem, std::get<GossipParts>(assembly.parts),
                     {.step = step, .outer_step = outer_step, .seed = seed, .wire = wire});
}

IndexSet shards_of(Range clients, const Spec& method, const AllocationSetting& setting) {
  const std::optional<Allocation> allocation =
      allocation_of(row_named(method, "method", methods()), method, setting);
  std::vector<std::uint32_t> shards;
  for (const std::uint32_t i : IndexSet(clients)) {
    shards.push_back(i);
    if (!allocation) continue;
    shards.insert(shards.end(), allocation->held(i).begin(), allocation->held(i).end());
  }
  return IndexSet(std::move(shards));
}

std::vector<std::size_t> loads_of(const Spec& method, const AllocationSetting& setting) {
  const std::optional<Allocation> allocation =
      allocation_of(row_named(method, "method", methods()), method, setting);
  std::vector<std::size_t> loads(setting.clients, 1);
  for (std::size_t i = 0; allocation && i < loads.size(); ++i) loads[i] = allocation->held(i).size();
  return loads;
}

Assembly assemble(const Spec& method, const MethodSetting& given) {
  const MethodRow& row = row_named(method, "method", methods());
  Arguments args(method);
  require_setting(given);
  MethodSetting setting = given;  // stragglers that are never late are dropped
  if (given.stragglers && !given.stragglers->is_real() &&
      is_punctual(*given.stragglers, given.problem.shards()))
    setting.stragglers.reset();
  if (setting.stragglers && !row.needs_everyone.empty())
    args.fail(fmt::format("stragglers: {}", row.needs_everyone));
  if (row.allocate == nullptr)
    // throws if the allocation is not allowed
    allocation_of(row, method, recipe::setting_of_allocations(setting));
  Assembly assembly = row.assemble(args, setting);
  args.done();
  const bool has_outer = setting.outer && setting.outer->name != "step";
  const bool has_downlink = setting.downlink && setting.downlink->name != "direction";
  const bool is_star = std::holds_alternative<StarParts>(assembly.parts);
  const bool is_local = std::holds_alternative<LocalParts>(assembly.parts);
  if ((has_outer || has_downlink) && !is_star && !is_local)
    throw InputError(fmt::format("{}: {} takes none; methods with a server do, except scaffold",
                                 has_outer ? "outer" : "downlink", method.name));
  const char* key = recipe::key_of_aggregation(setting);
  if (key != nullptr && !is_star)
    throw InputError(
        fmt::format("{}: needs a method in which clients send a vector for their gradient in every "
                    "round; {} is not one",
                    key, method.name));
  if (key != nullptr && row.allocate != nullptr)
    throw InputError(
        fmt::format("{}: needs clients that hold only their own data; in {} they hold that of "
                    "others too",
                    key, method.name));
  if ((has_outer || has_downlink) && is_star) recipe::compose_theorem(assembly, setting);
  if (key != nullptr) recipe::weaken_theorem(assembly);
  if (const auto* parts = std::get_if<StarParts>(&assembly.parts); parts && parts->mechanism->keeps() > 0) {
    assembly.warnings.emplace_back(
        "the compressor starts from its last message (warm=1): its alpha, and the step of a theorem with it, "
        "are proven for random starts (warm=0) only");
  }
  if (setting.problem.noise() > 0 || setting.stragglers) {  // no theorem here covers these
    assembly.theorem.reset();
    assembly.theorem_pl.reset();
    assembly.tight.reset();
  }
  assembly.stragglers = given.stragglers;
  if (setting.stragglers && !setting.stragglers->is_real()) {
    const MinMeanMax late = lateness(*setting.stragglers, setting.problem.shards());
    assembly.facts.insert(
        assembly.facts.end(),
        {{"late, least", late.least}, {"late, mean", late.mean}, {"late, most", late.most}});
  }
  return assembly;
}

StepRule parse_step(const std::string& text) {
  const auto number = [&](std::string_view digits) {
    double value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
      throw InputError(
          fmt::format("step = {}; need a number > 0, theory, theory*16, theory-pl or tight", text));
    }
    if (!(value > 0)) throw InputError(fmt::format("step = {}; need step > 0", text));
    if (std::isinf(value)) throw InputError(fmt::format("step = {}; need a finite step", text));
    return value;
  };
  for (const auto& [name, kind] : kStepsOfTheorems) {
    if (text == name) return {kind, 1};
    const std::string times = fmt::format("{}*", name);
    if (text.starts_with(times)) return {kind, number(std::string_view(text).substr(times.size()))};
  }
  return {StepRule::Kind::number, number(text)};
}

std::string print(const StepRule& rule) {
  for (const auto& [name, kind] : kStepsOfTheorems) {
    if (rule.kind != kind) continue;
    return rule.factor == 1 ? std::string(name) : fmt::format("{}*{}", name, rule.factor);
  }
  return fmt::format("{}", rule.factor);
}

const Theorem* theorem_of(const StepRule& rule, const Assembly& assembly) {
  const auto of = [](const std::optional<Theorem>& theorem) { return theorem ? &*theorem : nullptr; };
  switch (rule.kind) {
    case StepRule::Kind::number:
      return nullptr;
    case StepRule::Kind::theory:
      return of(assembly.theorem);
    case StepRule::Kind::theory_pl:
      return of(assembly.theorem_pl);
    case StepRule::Kind::tight:
      return of(assembly.tight);
  }
  return nullptr;
}

double resolve(const StepRule& rule, const Assembly& assembly) {
  if (rule.kind == StepRule::Kind::number) return rule.factor;
  const Theorem* theorem = theorem_of(rule, assembly);
  if (theorem == nullptr) {
    throw InputError(
        fmt::format("step = {}: no theorem with known constants for this method on this problem{}; give a "
                    "number, as in step=0.1",
                    print(rule),
                    rule.kind == StepRule::Kind::tight
                        ? " (tight is for ef21, and ef of one client, where each f_i is strongly convex)"
                        : ""));
  }
  const double step = rule.factor * theorem->step;
  if (!(step > 0 && std::isfinite(step))) {
    throw InputError(
        fmt::format("step = {}: the theorem gives {}; give a number, as in step=0.1", print(rule), step));
  }
  return step;
}

}  // namespace laconic
