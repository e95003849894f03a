// SPDX-License-Identifier: Apache-2.0
// The path from a config to a run:
//
//   ThreadPool pool(threads_of(config));
//   Fleet fleet(pool, transport);
//   const auto opened = open_problem(config, fleet, observer);    // all ranks together: data and constants
//   const Experiment experiment(config, opened);                  // the method, its theorems and its step
//   const RunResult result = run(experiment, fleet, observer);    // run.h
//
// Runs of a sweep share an opened problem. All errors in a config are found here, before round 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "laconic/core/observer.h"
#include "laconic/core/parallel.h"
#include "laconic/core/range.h"
#include "laconic/cost/clock.h"
#include "laconic/data/lookup.h"
#include "laconic/experiment/config.h"
#include "laconic/methods/methods.h"
#include "laconic/participation/stragglers.h"
#include "laconic/problem/minimum.h"
#include "laconic/problem/problem.h"
#include "laconic/solve.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// What is known of a problem before a run. The same on all ranks.
struct ProblemFacts {
  std::optional<Constants> constants;
  std::optional<Minimum> minimum;  // set if the config asks for target-gap
};

/// A problem with its data, constants and minimum.
struct OpenedProblem {
  std::shared_ptr<const Problem> problem;
  // The mean over the clients that do not lie, if some do; else unset.
  std::shared_ptr<const Problem> honest_part;
  ProblemFacts facts;  // of the objective
  // the classes of the clients (clients_table.h), for a run with out=; empty if the labels are not classes
  std::string clients_csv;

  /// What the trace measures.
  [[nodiscard]] const Problem& objective() const { return honest_part ? *honest_part : *problem; }
};

/// The part of a problem that one process reads.
struct RankData {
  std::size_t rank = 0;
  std::optional<Range> clients = {};     // it keeps the rows of these clients; all, if unset
  std::vector<std::uint32_t> gone = {};  // other clients take over the data of these, ascending
  // the shards of the objective that it evaluates, beside those of its clients
  Range evaluated = {};
};

/// Data sets shared by the problems of one process. Each is read once.
struct SharedData {
  DataCache cache;
  std::set<std::string> remarks;  // already reported
};

/// Reads the data of this rank's clients. Uses only the keys problem, clients, split and split-seed, the
/// allocation of methods in which clients hold each other's data, and config.resources. If `csv` is given, it
/// receives clients_csv. A problem of the caller's is checked against the config and returned.
/// Rank 0 reports remarks on the data to the observer. Throws InputError.
std::shared_ptr<const Problem> read_problem(const Config& config, Observer& observer,
                                            const RankData& rank = {}, SharedData* shared = nullptr,
                                            std::string* csv = nullptr);

/// The mean over the clients that do not lie, if some do; else nothing.
std::shared_ptr<const Problem> honest_part_of(const Config& config, std::shared_ptr<const Problem> problem);

/// Computes the constants, and the minimum if the config asks for it. Cost: passes over the data. Collective.
ProblemFacts facts_of(const Config& config, const Problem& objective, Fleet& fleet, Observer& observer);
/// Its two parts, each with its stage. Collective.
std::optional<Constants> constants_of(const Problem& problem, Fleet& fleet, Observer& observer);
Minimum minimum_of(const Problem& problem, Fleet& fleet, Observer& observer);

/// read_problem() and facts_of(). Each rank of the fleet keeps the rows of its own block of clients. Throws
/// SharedFailure on all ranks if a rank cannot read its data or the ranks describe different runs.
/// Collective.
std::shared_ptr<const OpenedProblem> open_problem(const Config& config, Fleet& fleet, Observer& observer,
                                                  SharedData* shared = nullptr);

/// A config with its problem, method, theorems and step. Copies share the problem.
class Experiment {
 public:
  /// The problem must be that of the config. Throws InputError if the method does not fit the problem, or if
  /// no theorem gives the step that is asked for.
  Experiment(const Config& config, std::shared_ptr<const OpenedProblem> opened);
  /// The same with an existing model of stragglers, for the clients that are not gone.
  Experiment(Config config, std::shared_ptr<const OpenedProblem> opened,
             std::shared_ptr<const Stragglers> stragglers, const std::vector<std::uint32_t>& gone);

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const Problem& problem() const { return *opened_->problem; }
  [[nodiscard]] const ProblemFacts& facts() const { return opened_->facts; }
  [[nodiscard]] const OpenedProblem& opened() const { return *opened_; }
  [[nodiscard]] const Assembly& assembly() const { return assembly_; }
  /// The step as a number. InputError if the config asks for a theorem's step and no theorem gives one.
  [[nodiscard]] double step() const;

  /// The method in its initial state. The experiment must outlive it.
  [[nodiscard]] std::unique_ptr<Method> make_method() const {
    return laconic::make_method(assembly_, step());
  }
  /// The modelled clock; nullptr if the config has none.
  [[nodiscard]] std::unique_ptr<const Clock> make_clock() const;
  /// The options of the config, with target-gap replaced by its value of f. The clock must outlive a run that
  /// uses them.
  [[nodiscard]] SolveOptions solve_options(const Clock* clock) const;

 private:
  Config config_;
  std::shared_ptr<const OpenedProblem> opened_;
  Assembly assembly_;
};

/// The number of threads of this process. If `threads` is 0, it is this process's share of the processors,
/// which `neighbours` processes share. It is at most the number of clients, because more threads would idle.
std::size_t threads_of(const Config& config, std::size_t neighbours = 1);
/// The same for the key alone, without the limit by clients.
std::size_t threads_of(std::size_t threads, std::size_t neighbours = 1);

/// The value of f for a target-gap. The minimum must be known.
double target_f_of(double target_gap, const ProblemFacts& facts);

/// InputError that begins with `key`, as in "target-accuracy:", if the problem has no test set.
void require_test_set(const std::string& key, const Problem& problem, ThreadPool& pool);

/// The config's model of stragglers; nullptr if it has none. InputError if the model does not fit the config.
std::shared_ptr<Stragglers> stragglers_of(const Config& config);

/// The known constants, by their names in summary.json.
std::vector<std::pair<std::string, double>> named_constants(const Constants& constants);

/// What must be equal on all ranks before their first collective call. One item a line.
std::string identity_of(const Config& config, const Problem& problem);
/// What must also be equal before round 0. It may differ between machines with other libraries or CPUs.
std::string numbers_of(const Experiment& experiment);

}  // namespace laconic
