// SPDX-License-Identifier: Apache-2.0
#include "laconic/methods/parts.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic::recipe {

std::unique_ptr<Oracle> full(const MethodSetting& s) { return full_gradients(s.problem); }

std::unique_ptr<Oracle> full_or_batch(const MethodSetting& s) {
  return s.batch ? minibatches(s.problem, *s.batch) : full(s);
}

std::unique_ptr<Oracle> batches_after_start(Arguments& args, const MethodSetting& s) {
  const std::size_t first = args.whole("first-batch", 0);
  if (!s.batch && first > 0) args.fail("first-batch: needs batch=, the rows of the later minibatches");
  if (!s.batch) return full(s);
  // The coin shows heads in round 0 only.
  return on_coin({0}, first == 0 ? full(s) : minibatches(s.problem, first), minibatches(s.problem, *s.batch));
}

bool starts_exact(Arguments& args) { return args.choice("init", {"exact", "zero"}, "exact") == "exact"; }

MechanismPtr from_start(MechanismPtr mechanism, bool exact, const MethodSetting& s) {
  return exact ? restarting(std::move(mechanism), identity(s), {0}) : std::move(mechanism);
}

CompressorSetting setting_of_compressors(const MethodSetting& s) {
  return {s.problem.dim(), s.problem.shards(), s.wire, s.problem.blocks()};
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

CompressorPtr independent(Arguments& args, const std::string& method, const MethodSetting& s) {
  CompressorPtr result = unbiased(args, method, s);
  if (result->bound().B != 0) {
    args.fail(
        fmt::format("{} needs a compressor that each client draws by itself; use rand-k or natural", method));
  }
  return result;
}

void require_nothing_kept(Arguments& args, const Spec& spec, const Compressor& c,
                          const std::string& senders) {
  if (c.keeps() > 0)
    args.fail(fmt::format("{} keeps a start for the next round, which {} cannot: use warm=0", print(spec),
                          senders));
}

std::optional<std::size_t> sample_of(Arguments& args, const MethodSetting& s) {
  const std::size_t n = s.problem.shards();
  const std::size_t sample = args.whole("sample", 0);
  if (sample > n) args.fail(fmt::format("sample = {}; need 1 <= sample <= {}, the clients", sample, n));
  if (sample == 0) return {};
  return sample;
}

std::optional<SomeClients> some_clients(Arguments& args, const MethodSetting& s) {
  const std::size_t n = s.problem.shards();
  const auto sample = sample_of(args, s);
  const auto p = args.number_in("p", kPositiveShare);
  if (p && sample) args.fail("takes p or sample, not both");
  if (sample)
    return SomeClients{static_cast<double>(*sample) / static_cast<double>(n),
                       sampled_after_start(n, *sample)};
  if (p) return SomeClients{*p, joining(n, *p)};
  return {};
}

std::size_t local_steps_of(Arguments& args, std::size_t fallback, std::size_t position) {
  const std::size_t steps = args.whole("steps", fallback, 1, position);
  if (steps > std::size_t{1} << 31) args.fail(fmt::format("steps = {}; need steps <= 2^31", steps));
  return steps;
}

AdamW adamw_of(Arguments& args, AdamW fallback) {
  fallback.beta1 = args.number_in("beta1", fallback.beta1, kShareBelowOne);
  fallback.beta2 = args.number_in("beta2", fallback.beta2, kShareBelowOne);
  fallback.decay = args.number_in("weight-decay", fallback.decay, kNotNegative);
  return fallback;
}

std::shared_ptr<const OuterRule> diloco_outer(Arguments& args) {
  return nesterov(args.number_in("outer-momentum", 0.9, kShareBelowOne));
}

LocalParts plain_local_parts(const MethodSetting& s) {
  return {
      .oracle = full_or_batch(s), .participation = everyone(s.problem.shards()), .compressor = identity(s)};
}

LocalParts local_parts(Arguments& args, const MethodSetting& s) {
  LocalParts parts = plain_local_parts(s);
  const Spec* spec = args.find("compressor");
  if (spec == nullptr) return parts;
  constexpr const char* kSenders = "clients of methods with local steps";
  if (spec->name != "ef" && spec->name != "ef21") {
    parts.compressor = compressor(*spec, s);
    require_nothing_kept(args, *spec, *parts.compressor, kSenders);
    return parts;
  }
  Arguments own(*spec);
  const Spec& inner = own.required("compressor", 0, spec->name + "(top-k(10))");
  CompressorPtr c = compressor(inner, s);
  require_nothing_kept(own, inner, *c, kSenders);
  const Bound bound = c->bound();
  if (!bound.alpha && !(bound.omega && *bound.omega < 1))
    own.fail(fmt::format("needs a contractive compressor, such as top-k(10): {} is not", print(inner)));
  const bool feeds_back = spec->name == "ef";
  const double decay = feeds_back ? own.number_in("decay", 1.0, kShare) : 1;
  own.done();
  parts.compressor = compressor(inner, s);  // for the vectors that have no memory
  parts.mechanism = feeds_back ? feedback(std::move(c), 1, decay) : memory(std::move(c), 1);
  return parts;
}

LocalParts sampled_local_parts(Arguments& args, const MethodSetting& s) {
  const std::size_t n = s.problem.shards();
  const std::size_t steps = local_steps_of(args);
  const std::size_t sample = sample_of(args, s).value_or(n);
  LocalParts parts = local_parts(args, s);
  parts.steps = steps;
  // Where the server keeps the mean of the memories, those of absent clients count too, as in EF21-PP.
  const bool keeps_mean = parts.mechanism && parts.mechanism->rates().server != 0;
  parts.participation = keeps_mean ? sampled_after_start(n, sample) : sampled(n, sample);
  return parts;
}

void require_whole_downlink(Arguments& args, const MethodSetting& s) {
  if (s.downlink && s.downlink->name != "direction")
    args.fail(fmt::format("downlink = {}: its clients need the exact x of the server; leave downlink out",
                          print(*s.downlink)));
}

void require_own_outer(Arguments& args, const MethodSetting& s) {
  if (s.outer && s.outer->name != "step")
    args.fail(fmt::format("outer = {}: it has an outer rule of its own", print(*s.outer)));
}

Coin coin_of(Arguments& args, std::optional<double> of_theory) {
  const auto p = args.number_in("p", kPositiveShare);
  const std::size_t steps = local_steps_of(args, 0, Arguments::kNamed);
  if (p && steps > 0) args.fail("takes p or steps, not both");
  if (steps > 0) return {1 / static_cast<double>(steps), steps};
  if (!p && !of_theory)
    args.fail(
        "its default p needs the constants mu and L_max of the problem, and they are not known; give p=, the "
        "probability of a message after a local step, or steps=");
  const double q = p ? *p : *of_theory;
  constexpr double kLeast = 1e-6;
  if (q < kLeast)
    args.fail(fmt::format("p = {}{}; need p >= {}: a round has 1/p local steps on average", q,
                          p ? "" : " by its theory", kLeast));
  return {q, StepCount::of_coin(q)};
}

std::optional<Theorem> coin_theorem(const MethodSetting& s, double L, double mu, double shrinks,
                                    std::string name, std::string step_rule) {
  if (s.batch || (s.outer && s.outer->name != "step") || s.outer_step.value_or(1) != 1) return {};
  const double slow = 1 - mu / L;
  return Theorem{
      .name = std::move(name),
      .step_rule = std::move(step_rule),
      .step = 1 / L,
      .promise = fmt::format("E Psi falls by the factor max{{(1 - gamma mu)^2, 1 - {:.6g}}} in each "
                             "local step, {:.6g} for this step",
                             shrinks, std::max(slow * slow, 1 - shrinks))};
}

AllocationSetting setting_of_allocations(const MethodSetting& s) {
  return {.clients = s.problem.shards(), .seed = s.split_seed, .rule = s.allocation, .gone = s.gone};
}

std::size_t batch_of(Arguments& args, const MethodSetting& s) {
  const std::size_t batch = args.whole("batch", s.batch.value_or(0));
  if (batch == 0) args.fail("\"batch\" is missing: the rows of a minibatch, as in batch=32");
  return batch;
}

double rows_of_client(const MethodSetting& s) {
  double rows = 0;
  for (std::size_t i = 0; i < s.problem.shards(); ++i) rows += static_cast<double>(s.problem.rows(i));
  return rows / static_cast<double>(s.problem.shards());
}

std::shared_ptr<const InnerRule> inner_of(Arguments& args) {
  const double beta = args.number_in("momentum", 0.0, kShareBelowOne);
  const bool averaged = args.choice("momentum-at-sync", {"average", "reset"}, "average") == "average";
  if (beta == 0) return plain_inner();
  return inner_momentum(beta, averaged ? Between::averaged : Between::reset);
}

namespace {

Assembly assembly_of(const MethodSetting& s, Parts parts, double outer_step) {
  Assembly assembly;
  assembly.problem = &s.problem;
  assembly.parts = std::move(parts);
  assembly.options = {.outer_step = outer_step, .seed = s.seed, .wire = s.wire};
  return assembly;
}

}  // namespace

Assembly star(const MethodSetting& s, StarParts parts) {
  if (!s.gone.empty()) {
    const Allocation left = without(no_redundancy(s.problem.shards()), s.gone);
    parts.oracle = coded(std::move(parts.oracle), share_code(left));
  }
  return star_as_it_is(s, std::move(parts));
}

Assembly local(const MethodSetting& s, LocalParts parts, double outer_step) {
  if (auto outer = outer_of(s)) {
    if (parts.outer->memory() > 0 && s.outer->name != "step")
      throw InputError("outer: the method has an outer rule of its own");
    if (outer->adds_term())
      throw InputError("outer: prox-l1 needs clients that send gradients, and these take local steps");
    if (parts.outer->memory() == 0) parts.outer = std::move(outer);
  }
  if (auto downlink = downlink_of(s)) parts.downlink = *downlink;
  const double eta_s = s.outer_step.value_or(outer_step);
  std::vector<std::pair<std::string, double>> facts;
  if (parts.scaling) {
    const Scaling& scaling = parts.scaling->scaling;
    facts = {{"alpha", scaling.alpha}, {"beta", scaling.beta}};
  }
  facts.emplace_back("eta_s", eta_s);
  Assembly assembly = assembly_of(s, std::move(parts), eta_s);
  assembly.facts = std::move(facts);
  return assembly;
}

Assembly scaffold_star(const MethodSetting& s, ScaffoldParts parts) {
  return assembly_of(s, std::move(parts), s.outer_step.value_or(1));
}

namespace {

void require_topology(Arguments& args, const MethodSetting& s) {
  if (!s.mixing) args.fail("has no server and needs a topology, as in topology=ring");
}

}  // namespace

Assembly gossip(Arguments& args, const MethodSetting& s, GossipParts parts) {
  require_topology(args, s);
  parts.mixing = s.mixing;
  const std::optional<PublicCopies> copies = parts.copies;
  const MixingQuality mixes = quality(*s.mixing);
  Assembly assembly = assembly_of(s, std::move(parts), s.outer_step.value_or(1));
  assembly.mixing = s.mixing;
  assembly.facts = {{"rho", mixes.rho}, {"p", mixes.p}, {"spectral gap", mixes.spectral_gap}};
  if (copies) {
    if (s.mixing->period() > 1)
      args.fail("compressed messages need the same neighbours in all rounds; one-peer changes them");
    assembly.facts.emplace_back("gamma", copies->gamma);
    if (copies->scale != 1) assembly.facts.emplace_back("scale", copies->scale);
    if (copies->rate != 1) assembly.facts.emplace_back("alpha", copies->rate);
  }
  if (s.mixing->period() > 1)  // in rounds; the facts above are about one whole period
    assembly.facts.emplace_back("period", static_cast<double>(s.mixing->period()));
  return assembly;
}

void require_symmetric_mixing(Arguments& args, const MethodSetting& s) {
  require_topology(args, s);
  if (s.mixing->period() > 1 || !s.mixing->of_round(1).symmetric())
    args.fail("topology: needs links in both directions, the same in all rounds, as in topology=ring");
}

void require_one_step(Arguments& args, const MethodSetting& s) {
  if (s.outer_step.value_or(1) != 1) args.fail("outer-step: the method has one step only; leave it out");
}

std::shared_ptr<const Compressor> compressor_of_copies(Arguments& args, const Spec& spec,
                                                       const MethodSetting& s) {
  std::shared_ptr<const Compressor> c = compressor(spec, s);
  require_nothing_kept(args, spec, *c, "nodes without a server");
  const Bound bound = c->bound();
  if (!bound.alpha && !bound.omega)
    args.fail(fmt::format(
        "needs a compressor that is contractive or unbiased: {} is neither; use top-k or sign", print(spec)));
  return c;
}

namespace {

PublicCopies copies_by(Arguments& args, const Spec& spec, const MethodSetting& s) {
  PublicCopies copies{.compressor = compressor_of_copies(args, spec, s)};
  const Bound bound = copies.compressor->bound();
  if (!bound.alpha && *bound.omega >= 1) copies.scale = 1 / (1 + *bound.omega);
  if (const auto gamma = args.number_in("gamma", kPositiveShare)) {
    copies.gamma = *gamma;
  } else if (!bound.omega || *bound.omega > 0) {
    args.fail("\"gamma\" is missing: the step of the mixing; tune it, as in gamma=0.2 (1, 0.5, .., 0.02)");
  }
  return copies;
}

}  // namespace

std::optional<PublicCopies> optional_copies(Arguments& args, const MethodSetting& s) {
  const Spec* spec = args.find("compressor");
  if (spec == nullptr) {
    if (args.find("gamma") != nullptr) args.fail("gamma: needs compressor=, as in compressor=top-k(10)");
    return {};
  }
  return copies_by(args, *spec, s);
}

PublicCopies required_copies(Arguments& args, const std::string& method, const MethodSetting& s) {
  return copies_by(args, args.required("compressor", 0, method + "(top-k(10), gamma=0.2)"), s);
}

std::unique_ptr<Participation> answers(const MethodSetting& s, std::unique_ptr<Decoder> decoder) {
  const std::size_t n = s.problem.shards();
  return laconic::answers(
      s.stragglers ? s.stragglers : std::shared_ptr(make_stragglers(parse("fixed(0)"), n)),
      std::move(decoder));
}

std::unique_ptr<Participation> unbiased_answers(Arguments& args, const MethodSetting& s,
                                                const std::string& decode, double factor) {
  const std::size_t n = s.problem.shards();
  if (!s.stragglers) return factor == 1 ? everyone(n) : answers(s, by_count(factor));
  for (std::size_t i = 0; i < n; ++i) {
    if (s.stragglers->late(i) == 1)
      args.fail(
          fmt::format("stragglers: client {} is late in every round, and nothing makes up for that", i));
  }
  if (decode == "ht") return answers(s, by_expectation(s.stragglers, n, factor));
  if (!s.stragglers->is_real() && !common_lateness(*s.stragglers, n))
    args.fail("decode = count; needs clients that are late equally often; use ht");
  // The decoder averages over the living clients; the expectation wanted is a sum over all shards.
  const double living = static_cast<double>(n - s.gone.size()) / static_cast<double>(n);
  return answers(s, by_count(factor * living));
}

std::string decoding(Arguments& args, const MethodSetting& s, const std::vector<std::string>& choices) {
  return args.choice("decode", choices, s.stragglers && s.stragglers->is_real() ? "count" : "ht");
}

std::unique_ptr<Participation> unbiased_answers(Arguments& args, const MethodSetting& s) {
  return unbiased_answers(args, s, decoding(args, s, {"ht", "count"}));
}

std::unique_ptr<Participation> unbiased_answers_alike(Arguments& args, const MethodSetting& s) {
  lateness(args, s);
  const std::string decode = decoding(args, s, {"ht", "count"});
  if (decode == "ht" && s.stragglers && s.stragglers->is_real()) {
    args.fail(
        "decode = ht; clients remember their messages, and with a real clock only count gives them equal "
        "weights");
  }
  return unbiased_answers(args, s, decode);
}

void require_all_on_heads(Arguments& args, const MethodSetting& s) {
  if (s.stragglers && !s.stragglers->is_real())
    args.fail("stragglers: when its coin shows heads the memories of all start over, and so all must answer");
}

double lateness(Arguments& args, const MethodSetting& s) {
  if (!s.stragglers || s.stragglers->is_real()) return 0;
  const auto p = common_lateness(*s.stragglers, s.problem.shards());
  if (!p) args.fail("clients remember their messages, and must be late equally often");
  return *p;
}

}  // namespace laconic::recipe
