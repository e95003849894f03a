// SPDX-License-Identifier: Apache-2.0
// Recipes of gradient coding: clients hold each other's data, and some answer late.
#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/network/code.h"
#include "laconic/network/decoder.h"
#include "laconic/rounds/recipe_parts.h"

namespace laconic::recipe {
namespace {

std::optional<std::size_t> redundancy_of(Arguments& args) {
  const std::size_t d = args.whole("redundancy", 0, 1);
  return d == 0 ? std::nullopt : std::optional(d);
}

/// Those who are left take over what only others held.
Allocation replicated(Arguments& args, const AllocationSetting& setting) {
  return without(make_allocation("random", redundancy_of(args), setting), setting.gone);
}

/// Where what a client holds is part of the method, nobody can take it over.
void require_held(Arguments& args, const Allocation& allocation, const AllocationSetting& setting) {
  const Allocation left = without(allocation, setting.gone);
  for (std::uint32_t i = 0; i < left.workers(); ++i) {
    if (left.held(i).size() > allocation.held(i).size())
      args.fail("clients are gone who alone held some of the data, and no other can take their place");
  }
}

/// By one rule, where the method is about that.
Allocation ruled(Arguments& args, const AllocationSetting& setting, const std::string& rule, std::size_t d) {
  if (setting.rule && *setting.rule != Spec(rule))
    args.fail(fmt::format("allocation = {}; this is about {}", print(*setting.rule), rule));
  Allocation allocation = make_allocation(rule, d, setting);
  require_held(args, allocation, setting);
  return allocation;
}

Allocation in_groups(Arguments& args, const AllocationSetting& setting) {
  return ruled(args, setting, "fractional", redundancy_of(args).value_or(1));
}

struct ByChance {
  Allocation allocation;
  double redundancy;  // in the mean, which of drawn loads is not theirs, of those who are left
};

ByChance by_chance(Arguments& args, const AllocationSetting& setting) {
  const auto d = redundancy_of(args);
  Allocation allocation = make_allocation("bernoulli", d, setting);
  require_held(args, allocation, setting);
  const double n = static_cast<double>(setting.workers);
  const double living = (n - static_cast<double>(setting.gone.size())) / n;
  const double mean = d ? static_cast<double>(*d) : allocation.loads().mean;
  return {std::move(allocation), mean * living};
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
  if (setting.gone.size() > tolerates)
    args.fail(fmt::format("{} clients are gone, which is more than it tolerates", setting.gone.size()));
  return {ruled(args, setting, code, tolerates + 1), code == "fractional", tolerates};
}

/// The assembly, with what there is to know of its allocation.
Assembly coded_star(const MethodSetting& s, const Allocation& allocation, StarParts parts) {
  Assembly m = star_as_it_is(s, std::move(parts));
  const Spread loads = allocation.loads();
  const Spread overlaps = allocation.overlaps();
  m.facts = {{"load, least", loads.least},     {"load, mean", loads.mean},
             {"load, most", loads.most},       {"overlap, least", overlaps.least},
             {"overlap, mean", overlaps.mean}, {"overlap, most", overlaps.most}};
  if (const std::size_t lost = allocation.lost(); lost > 0) {
    m.facts.emplace_back("subsets lost", static_cast<double>(lost));
    m.warnings.push_back(
        fmt::format("{} of {} shards are held by no client; what is learned does not know of them", lost,
                    allocation.subsets()));
  }
  return m;
}

/// What a client looks at: its own shard as everywhere, or what it says of all that it holds.
std::unique_ptr<Oracle> coded_oracle(const MethodSetting& s, const Allocation& allocation, Code code) {
  return allocation.is_identity() ? full_or_batch(s) : coded(full_or_batch(s), std::move(code));
}

/// h_i = sum_k S_ik g_k / d_k, whose mean is the gradient, by a mechanism.
Assembly shared_star(const MethodSetting& s, const Allocation& allocation, MechanismPtr mechanism,
                     std::unique_ptr<Turnout> turnout) {
  return coded_star(s, allocation,
                    {.oracle = coded_oracle(s, allocation, share_code(allocation)),
                     .mechanism = std::move(mechanism),
                     .turnout = std::move(turnout)});
}

/// 1-bit gradient coding (Li, Skoglund 2024, arXiv 2403.14716).
Assembly gc_1bit(Arguments& args, const MethodSetting& s) {
  const Allocation allocation = replicated(args, setting_of_allocations(s));
  const Spec* given = args.find("encoder");
  Spec encoder = given == nullptr ? Spec("one-bit") : *given;
  for (const char* option : {"scale", "block", "bound"}) {
    if (const Spec* value = args.find(option)) encoder.options.emplace_back(option, *value);
  }
  return shared_star(s, allocation, direct(compressor(encoder, s)), unbiased_answers(args, s));
}

/// Stochastic gradient coding (Bitar, Wootters, El Rouayheb 2020, arXiv 1905.05383).
Assembly sgc(Arguments& args, const MethodSetting& s) {
  return shared_star(s, replicated(args, setting_of_allocations(s)), direct(identity(s)),
                     unbiased_answers(args, s));
}

/// SGD that ignores stragglers: SGC without redundancy.
Assembly is_sgd(Arguments& args, const MethodSetting& s) {
  return shared_star(s, without(no_redundancy(s.problem.shards()), s.gone), direct(identity(s)),
                     unbiased_answers(args, s));
}

/// Bernoulli gradient coding (Charles, Papailiopoulos, Ellenberg 2017, arXiv 1711.06771).
Assembly bgc(Arguments& args, const MethodSetting& s) {
  const auto [allocation, d] = by_chance(args, setting_of_allocations(s));
  const Code code = sum_code(allocation);
  const std::string decode = decoding(args, s, {"ht", "count", "lsq"});
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
  Assembly m = shared_star(s, replicated(args, setting_of_allocations(s)), memory(std::move(q), alpha),
                           unbiased_answers_alike(args, s));
  m.facts.insert(m.facts.end(), {{"omega", *bound.omega}, {"alpha", alpha}});
  return m;
}

}  // namespace

std::vector<MethodRow> coding_methods() {
  std::vector<MethodRow> rows = {
      {"gc-1bit",
       "gc-1bit(redundancy=D, scale=linf|l2|block|fixed, block=N, bound=B, encoder=C, decode=ht|count)",
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
       "the exact gradient, whichever S clients are late (cyclic: with wire=f64); of more, no step",
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
  return rows;
}

}  // namespace laconic::recipe
