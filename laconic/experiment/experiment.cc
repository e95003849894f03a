// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/experiment.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "laconic/core/cpu.h"
#include "laconic/cost/link.h"
#include "laconic/experiment/clients_table.h"
#include "laconic/participation/allocation.h"
#include "laconic/problem/make.h"
#include "laconic/problem/part_of.h"
#include "laconic/topology/graph.h"
#include "laconic/topology/mixing.h"
#include "laconic/transport/agreement.h"

namespace laconic {
namespace {

/// The topology with its mixing weights; no plan if the config has none.
struct NamedMixing {
  std::shared_ptr<const MixingPlan> plan = {};
  bool is_named = false;  // by the key mixing, or by the weights in an edge file
};
NamedMixing mixing_of(const Config& config, std::size_t nodes) {
  if (!config.topology) {
    if (config.mixing) throw InputError("mixing: needs a topology, as in topology=ring");
    return {};
  }
  const auto graphs = of_text("topology", [&] {
    return make_topology(*config.topology, {.nodes = nodes, .seed = config.split_seed});
  });
  auto plan =
      of_text("mixing", [&] { return std::make_shared<MixingPlan>(make_mixing(config.mixing, graphs)); });
  return {std::move(plan), config.mixing || graphs.front().has_weights()};
}

AllocationSetting allocation_setting(const Config& config, const std::vector<std::uint32_t>& gone = {}) {
  return {.clients = config.clients, .seed = config.split_seed, .rule = config.allocation, .gone = gone};
}

Assembly assembly_of(const Config& config, const OpenedProblem& opened,
                     std::shared_ptr<const Stragglers> stragglers, const std::vector<std::uint32_t>& gone) {
  const auto mixing = mixing_of(config, opened.problem->shards());
  return of_text("method", [&] {
    return assemble(config.method, {.problem = *opened.problem,
                                    .objective = opened.honest_part,
                                    .constants = opened.facts.constants,
                                    .seed = config.seed,
                                    .wire = config.wire,
                                    .batch = config.batch,
                                    .mixing = mixing.plan,
                                    .mixing_is_named = mixing.is_named,
                                    .outer_step = config.outer_step,
                                    .outer = config.outer,
                                    .downlink = config.downlink,
                                    .aggregator = config.aggregator,
                                    .clip_norm = config.clip_norm,
                                    .byzantine = config.byzantine,
                                    .stragglers = std::move(stragglers),
                                    .gone = gone,
                                    .allocation = config.allocation,
                                    .split_seed = config.split_seed});
  });
}

/// The shards that this process reads: those of its clients, and its part of the objective.
IndexSet shards_to_read(const Config& config, const RankData& rank) {
  IndexSet own = of_text("method", [&] {
    return shards_of(*rank.clients, config.method, allocation_setting(config, rank.gone));
  });
  std::vector<std::uint32_t> shards(own.begin(), own.end());
  const IndexSet evaluated(rank.evaluated);
  shards.insert(shards.end(), evaluated.begin(), evaluated.end());
  return IndexSet(std::move(shards));
}

/// The problem in which the shards of liars have false labels. `setting` is that of the problem. Reads the
/// data again.
std::unique_ptr<Problem> with_false_labels(const Config& config, std::shared_ptr<const Problem> problem,
                                           ProblemSetting setting) {
  const auto first = static_cast<std::uint32_t>(config.honest_clients());
  std::vector<std::uint32_t> shards;
  for (const std::uint32_t i : setting.own.value_or(IndexSet(Range{0, config.clients})))
    if (i >= first) shards.push_back(i);
  setting.own = IndexSet(std::move(shards));
  setting.false_labels = true;
  setting.on_classes_dealt = {};
  setting.on_remark = {};
  return with_last_shards(std::move(problem), make_problem(config.problem, setting), first);
}

/// InputError if the config asks of the caller's problem what only problems with rows of data sets have.
void require_fit(const Config& config, const Problem& problem) {
  if (config.clients != problem.shards()) {
    throw InputError(fmt::format("clients = {}; the problem {} has {} shards, one for each client",
                                 config.clients, print(config.problem), problem.shards()));
  }
  if (config.split != Spec("contiguous")) {
    throw InputError(fmt::format("split = {}; the problem {} has dealt its rows: leave split out",
                                 print(config.split), print(config.problem)));
  }
  if (config.has_false_labels()) {
    throw InputError(fmt::format("byzantine = {}; the problem {} has no labels to change",
                                 print(*config.byzantine), print(config.problem)));
  }
}

}  // namespace

Experiment::Experiment(const Config& config, std::shared_ptr<const OpenedProblem> opened)
    : Experiment(config, std::move(opened), stragglers_of(config), {}) {}

Experiment::Experiment(Config config, std::shared_ptr<const OpenedProblem> opened,
                       std::shared_ptr<const Stragglers> stragglers, const std::vector<std::uint32_t>& gone)
    : config_(std::move(config)),
      opened_(std::move(opened)),
      assembly_(assembly_of(config_, *opened_, std::move(stragglers), gone)) {
  const auto* star = std::get_if<StarParts>(&assembly_.parts);
  if (config_.target_gap && star != nullptr && star->outer->adds_term())
    throw InputError("target-gap: f* is that of f without the term of outer; use target");
  if (config_.solve.target_consensus && !assembly_.mixing) {
    throw InputError(fmt::format(
        "target-consensus: {} has one model, and so no distance between nodes; leave target-consensus out",
        print(config_.method)));
  }
}

double Experiment::step() const {
  try {
    return resolve(config_.step, assembly_);
  } catch (const InputError& error) {
    const std::optional<Constants>& constants = facts().constants;
    if (theorem_of(config_.step, assembly_) != nullptr || !constants || !(constants->L_minus > 0)) throw;
    throw InputError(
        fmt::format("{}; as a scale, 1/L_minus = {:.4g} here", error.what(), 1 / constants->L_minus));
  }
}

std::unique_ptr<const Clock> Experiment::make_clock() const {
  if (!config_.is_timed()) return nullptr;
  return std::make_unique<Clock>(config_.clients,
                                 config_.network ? make_links(*config_.network) : std::vector<Link>{},
                                 config_.compute, assembly_.stragglers, config_.seed);
}

SolveOptions Experiment::solve_options(const Clock* clock) const {
  SolveOptions options = config_.solve;
  if (config_.target_gap) options.target_f = target_f_of(*config_.target_gap, facts());
  options.clock = clock;
  options.wire = config_.wire;
  return options;
}

double target_f_of(double target_gap, const ProblemFacts& facts) {
  const auto& [f_start, f_star] = *facts.minimum;
  return f_star + target_gap * (f_start - f_star);
}

std::size_t threads_of(std::size_t threads, std::size_t neighbours) {
  if (threads > 0) return threads;
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  return std::max<std::size_t>(1, processors / neighbours);
}

std::size_t threads_of(const Config& config, std::size_t neighbours) {
  return std::min(threads_of(config.threads, neighbours), config.clients);
}

std::shared_ptr<const Problem> read_problem(const Config& config, Observer& observer, const RankData& rank,
                                            SharedData* shared, std::string* csv) {
  if (config.resources.own_problem) {
    require_fit(config, *config.resources.own_problem);
    return config.resources.own_problem;
  }
  ProblemSetting setting = {.clients = config.clients,
                            .split = config.split,
                            .split_seed = config.split_seed,
                            .folders = config.resources.folders,
                            .cache = shared != nullptr ? &shared->cache : nullptr,
                            .on_stage = [&](const std::string& stage) { observer.stage(stage); },
                            .working = [&] { observer.working(); }};
  if (rank.rank == 0) {
    setting.on_remark = [&](const std::string& remark) {
      if (shared == nullptr || shared->remarks.insert(remark).second) observer.remark(remark);
    };
  }
#ifdef LACONIC_TORCH
  setting.make_torch_network = make_torch_network;
#endif
  if (rank.clients) setting.own = shards_to_read(config, rank);
  if (csv != nullptr) {
    setting.on_classes_dealt = [csv](const std::vector<double>& labels, const Shards& shards) {
      *csv = clients_csv(labels, shards);
    };
  }
  return of_text("problem", [&]() -> std::shared_ptr<const Problem> {
    std::unique_ptr<Problem> problem = make_problem(config.problem, setting);
    return config.has_false_labels() ? with_false_labels(config, std::move(problem), std::move(setting))
                                     : std::move(problem);
  });
}

std::shared_ptr<const Problem> honest_part_of(const Config& config, std::shared_ptr<const Problem> problem) {
  const std::size_t honest = config.honest_clients();
  if (honest == config.clients) return nullptr;
  return first_shards(std::move(problem), honest);
}

ProblemFacts facts_of(const Config& config, const Problem& objective, Fleet& fleet, Observer& observer) {
  if (config.solve.target_accuracy) require_test_set("target-accuracy:", objective, fleet.pool());
  ProblemFacts facts;
  facts.constants = constants_of(objective, fleet, observer);
  if (config.target_gap) facts.minimum = minimum_of(objective, fleet, observer);
  return facts;
}

std::optional<Constants> constants_of(const Problem& problem, Fleet& fleet, Observer& observer) {
  const Working working(fleet.pool(), observer);
  observer.stage("constants");
  return problem.constants(fleet);
}

Minimum minimum_of(const Problem& problem, Fleet& fleet, Observer& observer) {
  const Working working(fleet.pool(), observer);
  observer.stage("minimum for target-gap");
  return minimum_of(problem, fleet);
}

std::shared_ptr<const OpenedProblem> open_problem(const Config& config, Fleet& fleet, Observer& observer,
                                                  SharedData* shared) {
  Transport& transport = fleet.transport();
  RankData rank = {.rank = transport.rank()};
  if (transport.size() > 1) {
    rank.clients = block_of(config.clients, transport.rank(), transport.size());
    rank.evaluated = block_of(config.honest_clients(), transport.rank(), transport.size());
  }
  const auto opened = std::make_shared<OpenedProblem>();
  together(transport, [&] {
    const bool writes = rank.rank == 0 && !config.out.empty();
    opened->problem = read_problem(config, observer, rank, shared, writes ? &opened->clients_csv : nullptr);
  });
  require_same(transport, identity_of(config, *opened->problem));
  opened->honest_part = honest_part_of(config, opened->problem);
  opened->facts = facts_of(config, opened->objective(), fleet, observer);
  return opened;
}

void require_test_set(const std::string& key, const Problem& problem, ThreadPool& pool) {
  Vector x(problem.dim());
  problem.start(x);
  if (!problem.test_accuracy(x, pool))
    throw InputError(fmt::format("{} needs a problem with a test set", key));
}

std::shared_ptr<Stragglers> stragglers_of(const Config& config) {
  if (!config.stragglers) return nullptr;
  const auto loads = of_text("method", [&] { return loads_of(config.method, allocation_setting(config)); });
  return of_text("stragglers", [&] { return make_stragglers(*config.stragglers, loads); });
}

std::vector<std::pair<std::string, double>> named_constants(const Constants& c) {
  std::vector<std::pair<std::string, double>> named = {
      {"L_minus", c.L_minus}, {"L_plus", c.L_plus}, {"L_pm", c.L_pm},
      {"L_tilde", c.L_tilde}, {"L_max", c.L_max},   {"L_sample", c.L_sample},
  };
  if (c.mu) named.emplace_back("mu", *c.mu);
  if (c.f_lower) named.emplace_back("f_lower", *c.f_lower);
  return named;
}

std::string identity_of(const Config& config, const Problem& problem) {
  std::string text = fmt::format("laconic {}\n", LACONIC_VERSION);
  for (const auto& [key, value] : resolved(config)) {
    if (key != "out" && key != "threads" && key != "checkpoint-every")
      text += fmt::format("{} = {}\n", key, value);
  }
  // Networks have other bits there: laconic/core/products.h.
  if (used_cpu() == "baseline") text += "cpu = baseline\n";
  return text + fmt::format("d = {}\ndata with checksum {:08x}\n", problem.dim(), problem.data_checksum());
}

std::string numbers_of(const Experiment& experiment) {
  std::string text = fmt::format("gamma = {}\n", experiment.step());
  if (const auto& mixing = experiment.assembly().mixing)
    text += fmt::format("weights of neighbours with checksum {:08x}\n", mixing->checksum());
  if (const auto& stragglers = experiment.assembly().stragglers; stragglers && stragglers->checksum() != 0)
    text += fmt::format("times of stragglers with checksum {:08x}\n", stragglers->checksum());
  if (experiment.facts().constants) {
    for (const auto& [name, value] : named_constants(*experiment.facts().constants))
      text += fmt::format("{} = {}\n", name, value);
  }
  if (experiment.facts().minimum) text += fmt::format("f* = {}\n", experiment.facts().minimum->f_star);
  return text;
}

}  // namespace laconic
