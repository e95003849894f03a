// SPDX-License-Identifier: Apache-2.0
// The one way from a config to a run:
//
//   ThreadPool pool(threads_of(config));
//   Fleet fleet(pool, transport);
//   const auto opened = open_problem(config, fleet, observer);    // all ranks together: data and constants
//   const Experiment experiment(config, opened);                  // the method, its theorems and its step
//   const RunResult result = run(experiment, fleet, observer);    // run.h
//
// Runs of a sweep share an opened problem. What can be wrong with a config is found here, before round 0.
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

/// What is known of a problem before a run; the same on all ranks.
struct ProblemFacts {
  std::optional<Constants> constants;
  std::optional<Minimum> minimum;  // where the config asks for target-gap
};

/// A problem with its data and what is known of it.
struct OpenedProblem {
  std::shared_ptr<const Problem> problem;
  ProblemFacts facts;
  std::string clients_csv;  // the classes of the clients (clients_table.h); empty where it has none
};

/// What one process reads of a problem.
struct RankData {
  std::size_t rank = 0;
  std::optional<Range> clients = {};     // whose rows it keeps: all, where unset
  std::vector<std::uint32_t> gone = {};  // clients whose data others take over, ascending
};

/// Data sets that many problems of one process share, each read once.
struct SharedData {
  DataCache cache;
  std::set<std::string> remarks;  // told already
};

/// Reads the data of this rank's clients. Only the keys problem, clients, split and split-seed matter, and the
/// allocation of methods whose clients hold each other's data. `csv`, where given, becomes clients_csv. Rank 0
/// tells the observer what a user should know of the data. Throws InputError.
std::unique_ptr<Problem> read_problem(const Config& config, Observer& observer, const RankData& rank = {},
                                      SharedData* shared = nullptr, std::string* csv = nullptr);

/// The constants, and the minimum where the config asks for it. Passes over the data. Collective.
ProblemFacts facts_of(const Config& config, const Problem& problem, Fleet& fleet, Observer& observer);

/// Both. Each rank of the fleet keeps the rows of its own block of clients; SharedFailure on all ranks where one
/// cannot read its data or they are not of one run. Collective.
std::shared_ptr<const OpenedProblem> open_problem(const Config& config, Fleet& fleet, Observer& observer,
                                                  SharedData* shared = nullptr);

/// A config with all that it stands for. Copies share the problem.
class Experiment {
 public:
  /// The problem is that of the config. InputError where the method does not fit it, or no theorem gives the step
  /// that is asked for.
  Experiment(Config config, std::shared_ptr<const OpenedProblem> opened);
  /// The same by a model of stragglers that exists already, for the clients that are not gone.
  Experiment(Config config, std::shared_ptr<const OpenedProblem> opened,
             std::shared_ptr<const Stragglers> stragglers, const std::vector<std::uint32_t>& gone);

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const Problem& problem() const { return *opened_->problem; }
  [[nodiscard]] const ProblemFacts& facts() const { return opened_->facts; }
  [[nodiscard]] const OpenedProblem& opened() const { return *opened_; }
  [[nodiscard]] const Assembly& assembly() const { return assembly_; }
  /// The step in numbers. InputError where the config asks for a theorem's and none gives one.
  [[nodiscard]] double step() const { return resolve(config_.step, assembly_); }

  /// A method at its start. The experiment must outlive it.
  [[nodiscard]] std::unique_ptr<Method> make_method() const {
    return laconic::make_method(assembly_, step());
  }
  /// The modelled clock; nullptr where the config has none.
  [[nodiscard]] std::unique_ptr<const Clock> make_clock() const;
  /// The config's, with target-gap as the f that it stands for. The clock must outlive a run with them.
  [[nodiscard]] SolveOptions solve_options(const Clock* clock) const;

 private:
  Config config_;
  std::shared_ptr<const OpenedProblem> opened_;
  Assembly assembly_;
};

/// How many threads the config asks for: where `threads` is 0, this process's share of the processors, of which
/// `neighbours` processes make use. Never more than clients, as those would only wait.
std::size_t threads_of(const Config& config, std::size_t neighbours = 1);
/// The same of the key alone.
std::size_t threads_of(std::size_t threads, std::size_t neighbours = 1);

/// The f that a target-gap stands for. The minimum is known.
double target_f_of(double target_gap, const ProblemFacts& facts);

/// InputError that begins with `key`, as in "target-accuracy:", where the problem has no test set.
void require_test_set(const std::string& key, const Problem& problem, ThreadPool& pool);

/// The config's model of stragglers, if it has one. InputError where they do not fit.
std::shared_ptr<Stragglers> stragglers_of(const Config& config);

/// Where data sets are looked for: the folders of LACONIC_DATA.
std::vector<std::string> data_folders();

/// The constants by the names of summary.json, those that are known.
std::vector<std::pair<std::string, double>> named_constants(const Constants& constants);

/// What must be the same on all ranks before they do anything together. One a line.
std::string identity_of(const Config& config, const Problem& problem);
/// And before round 0, though libraries and CPUs may differ from machine to machine.
std::string numbers_of(const Experiment& experiment);

}  // namespace laconic
