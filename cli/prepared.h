// SPDX-License-Identifier: Apache-2.0
// A description turned into objects: data read, constants known, method assembled. What can be wrong with a
// description is found here, before round 0 (all but the step: resolve() in rounds/recipes.h).
//
//   Prepared p = prepare(description, place);     each rank by itself
//   Fleet fleet(*p.pool, transport);              all ranks together: here they must be of one run already
//   p.constants = p.problem->constants(fleet);    all ranks together
//   p.assembly = assembly_of(description, *p.problem, p.constants);    each rank by itself
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/description.h"
#include "laconic/core/parallel.h"
#include "laconic/data/lookup.h"
#include "laconic/problem/minimum.h"
#include "laconic/problem/problem.h"
#include "laconic/rounds/recipes.h"

namespace laconic::cli {

/// Told what begins, as in "constants", before each part that may take long.
using OnStage = std::function<void(const std::string& stage)>;

/// What is found out about a problem before a run; the same on all ranks.
struct Known {
  std::optional<Constants> constants;
  std::optional<Minimum> minimum;  // where a description asks for target-gap
};
Known known_of(const Description& description, const Problem& problem, AllShards& all,
               const OnStage& on_stage = {});

/// The description's, with the target-gap as the f that it stands for, and its clock.
SolveOptions solve_options(const Description& description, const Known& known, const Clock* clock);
/// The modelled clock of a run with that assembly; nullptr where the description has none.
std::unique_ptr<const Clock> clock_of(const Description& description, const Assembly& assembly);

struct Prepared {
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Problem> problem;
  Known known;
  Assembly assembly;        // the same on all ranks
  std::string clients_csv;  // what clients.csv will hold; empty where there will be none
};

/// Which rank this is, of which clients it keeps the data, and how many ranks share the processors of its
/// machine.
struct Place {
  std::size_t rank = 0;
  std::size_t neighbours = 1;
  std::optional<Range> clients = {};     // all, where unset
  std::vector<std::uint32_t> gone = {};  // clients whose data others look at, ascending
  OnStage on_stage = {};
};

/// Reads the data, keeps the rows of this rank's clients, and starts the threads.
Prepared prepare(const Description& description, const Place& place = {});
/// What many problems of one process share.
struct SharedData {
  DataCache cache;
  std::set<std::string> remarks;  // said already
};
/// The first part of that alone. Only the keys problem, clients, split and split-seed matter. `csv`, where
/// given, becomes the classes of the clients (cli/clients_table.h); where the problem knows no classes it stays
/// as it is. What a user should know of the data, rank 0 says on stderr.
std::unique_ptr<Problem> problem_of(const Description& description, const Place& place = {},
                                    SharedData* shared = nullptr, std::string* csv = nullptr);
/// How many threads `threads` asks for: where it is 0, this process's share of the processors.
std::size_t threads_of(std::size_t threads, const Place& place = {});

/// Refuses what `key` begins to say, as in "target-accuracy:", where the problem has no test set.
void require_test_set(const std::string& key, const Problem& problem, ThreadPool& pool);

/// The description's, if it has any. InputError where they do not fit.
std::shared_ptr<Stragglers> stragglers_of(const Description& description);

/// The method for that problem and those constants, with the description's stragglers.
Assembly assembly_of(const Description& description, const Problem& problem,
                     const std::optional<Constants>& constants);
/// The same with stragglers that are there already, for those clients who are not gone.
Assembly assembly_of(const Description& description, const Problem& problem,
                     const std::optional<Constants>& constants, std::shared_ptr<const Stragglers> stragglers,
                     const std::vector<std::uint32_t>& gone);

/// Where data sets are looked for: the folders of LACONIC_DATA.
std::vector<std::string> data_folders();

/// The constants by the names of summary.json, those that are known.
std::vector<std::pair<std::string, double>> named_constants(const Constants& constants);

}  // namespace laconic::cli
