// SPDX-License-Identifier: Apache-2.0
#include "cli/prepared.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "cli/clients_table.h"
#include "cli/terminal.h"
#include "laconic/core/numbers.h"
#include "laconic/core/range.h"
#include "laconic/network/allocation.h"
#include "laconic/network/graph.h"
#include "laconic/network/link.h"
#include "laconic/network/mixing.h"
#include "laconic/network/stragglers.h"
#include "laconic/problem/make.h"

namespace laconic::cli {
namespace {

/// The topology with its weights; nothing where the description has none.
std::shared_ptr<const MixingPlan> mixing_of(const Description& description, std::size_t nodes) {
  if (!description.topology) {
    if (description.mixing) throw InputError("mixing: needs a topology, as in topology=ring");
    return nullptr;
  }
  const auto graphs = of_text("topology", [&] {
    return make_topology(*description.topology, {.nodes = nodes, .seed = description.split_seed});
  });
  return of_text("mixing", [&] {
    return std::make_shared<MixingPlan>(make_mixing(description.mixing.value_or(Spec("metropolis")), graphs));
  });
}

AllocationSetting allocations_of(const Description& description,
                                 const std::vector<std::uint32_t>& gone = {}) {
  return {.workers = description.clients,
          .seed = description.split_seed,
          .rule = description.allocation,
          .gone = gone};
}

}  // namespace

std::vector<std::string> data_folders() {
  std::vector<std::string> folders;
  const char* variable = std::getenv("LACONIC_DATA");
  std::stringstream list(variable == nullptr ? "" : variable);
  for (std::string folder; std::getline(list, folder, ':');) {
    if (!folder.empty()) folders.push_back(folder);
  }
  return folders;
}

std::size_t threads_of(std::size_t threads, const Place& place) {
  if (threads > 0) return threads;
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  return std::max<std::size_t>(1, processors / place.neighbours);
}

std::unique_ptr<Problem> problem_of(const Description& description, const Place& place, SharedData* shared,
                                    std::string* csv) {
  ProblemSetting setting = {.clients = description.clients,
                            .split = description.split,
                            .split_seed = description.split_seed,
                            .folders = data_folders(),
                            .cache = shared != nullptr ? &shared->cache : nullptr,
                            .on_stage = place.on_stage};
  if (place.rank == 0) {
    setting.on_remark = [shared](const std::string& remark) {
      if (shared == nullptr || shared->remarks.insert(remark).second)
        print_err("laconic: {}\n", remark);
    };
  }
#ifdef LACONIC_TORCH
  setting.make_torch_network = make_torch_network;
#endif
  if (place.clients) {
    setting.own = of_text("method", [&] {
      return shards_of(*place.clients, description.method, allocations_of(description, place.gone));
    });
  }
  if (csv != nullptr) {
    setting.on_classes_dealt = [csv](const std::vector<double>& labels, const Shards& shards) {
      *csv = clients_csv(labels, shards);
    };
  }
  return of_text("problem", [&] { return make_problem(description.problem, setting); });
}

Prepared prepare(const Description& description, const Place& place) {
  Prepared p;
  const bool writes = place.rank == 0 && !description.out.empty();
  p.problem = problem_of(description, place, nullptr, writes ? &p.clients_csv : nullptr);
  // More threads than clients would only wait.
  p.pool =
      std::make_unique<ThreadPool>(std::min(threads_of(description.threads, place), p.problem->shards()));
  return p;
}

Known known_of(const Description& description, const Problem& problem, AllShards& all,
               const OnStage& on_stage) {
  Known known;
  if (on_stage) on_stage("constants");
  known.constants = problem.constants(all);
  if (!description.target_gap) return known;
  if (on_stage) on_stage("minimum for target-gap");
  known.minimum = minimum_of(problem, all);
  return known;
}

SolveOptions solve_options(const Description& description, const Known& known, const Clock* clock) {
  SolveOptions options = description.solve;
  if (description.target_gap) {
    const auto& [f_start, f_star] = *known.minimum;
    options.target_f = f_star + *description.target_gap * (f_start - f_star);
  }
  options.clock = clock;
  options.wire = description.wire;
  return options;
}

std::unique_ptr<const Clock> clock_of(const Description& description, const Assembly& assembly) {
  if (!description.is_timed()) return nullptr;
  return std::make_unique<Clock>(description.clients,
                                 description.network ? make_links(*description.network) : std::vector<Link>{},
                                 description.compute, assembly.stragglers, description.seed);
}

void require_test_set(const std::string& key, const Problem& problem, ThreadPool& pool) {
  Vector x(problem.dim());
  problem.start(x);
  if (!problem.test_accuracy(x, pool))
    throw InputError(fmt::format("{} needs a problem with a test set", key));
}

std::shared_ptr<Stragglers> stragglers_of(const Description& description) {
  if (!description.stragglers) return nullptr;
  const auto loads =
      of_text("method", [&] { return loads_of(description.method, allocations_of(description)); });
  return of_text("stragglers", [&] { return make_stragglers(*description.stragglers, loads); });
}

Assembly assembly_of(const Description& description, const Problem& problem,
                     const std::optional<Constants>& constants) {
  return assembly_of(description, problem, constants, stragglers_of(description), {});
}

Assembly assembly_of(const Description& description, const Problem& problem,
                     const std::optional<Constants>& constants, std::shared_ptr<const Stragglers> stragglers,
                     const std::vector<std::uint32_t>& gone) {
  const auto mixing = mixing_of(description, problem.shards());
  return of_text("method", [&] {
    return assemble(description.method, {.problem = problem,
                                         .constants = constants,
                                         .seed = description.seed,
                                         .wire = description.wire,
                                         .batch = description.batch,
                                         .mixing = mixing,
                                         .outer_step = description.outer_step,
                                         .stragglers = std::move(stragglers),
                                         .gone = gone,
                                         .allocation = description.allocation,
                                         .split_seed = description.split_seed});
  });
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

}  // namespace laconic::cli
