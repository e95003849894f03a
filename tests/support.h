// SPDX-License-Identifier: Apache-2.0
// Shared parts of the tests of whole runs: small data, and a run in one call.
#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/core/rng.h"
#include "laconic/core/spec.h"
#include "laconic/methods/methods.h"
#include "laconic/problem/make.h"
#include "laconic/solve.h"
#include "laconic/topology/graph.h"
#include "laconic/topology/mixing.h"
#include "laconic/transport/threads.h"
#include "laconic/transport/transport.h"
#include "tests/real_data.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

/// Two noisy classes in LIBSVM text: rows with entries in about half of `columns` features, and a few empty
/// rows.
inline std::string two_classes(std::size_t rows, std::size_t columns) {
  Stream stream = Key{.seed = 7}.stream(Purpose::split);
  std::string text;
  for (std::size_t i = 0; i < rows; ++i) {
    const bool positive = stream.below(2) == 1;
    text += positive ? "+1" : "-1";
    for (std::size_t j = 1; j <= columns && i % 17 != 3; ++j) {
      if (stream.below(2) == 0) continue;
      text += fmt::format(" {}:{:.4g}", j, stream.uniform() - 0.5 + (positive && j % 3 == 0 ? 0.6 : 0.0));
    }
    text += "\n";
  }
  return text;
}

/// A base for problems that change another problem.
class Changed : public Problem {
 public:
  explicit Changed(const Problem& problem) : problem_(problem) {}
  std::size_t dim() const override { return problem_.dim(); }
  std::size_t shards() const override { return problem_.shards(); }
  std::size_t rows(std::size_t i) const override { return problem_.rows(i); }
  std::optional<Constants> constants(AllShards&) const override { return {}; }
  void start(MutView x) const override { problem_.start(x); }

 protected:
  const Problem& problem_;
};

/// The description of a run.
struct Job {
  std::string problem;
  std::string method;
  std::size_t clients = 5;
  std::string step = "theory";
  std::size_t rounds = 20;
  std::uint64_t seed = 1;
  Wire wire = Wire::f32;
  std::size_t threads = 1;
  std::optional<std::size_t> batch = {};
  std::string split = "contiguous";
  SolveOptions solve = {};
  std::string topology = {};
  std::string mixing = "metropolis";
  double outer_step = 1;
  std::string stragglers = {};
  std::string allocation = {};
};

/// The spec of a key; unset for empty text.
inline std::optional<Spec> spec_of(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(parse(text));
}

struct Outcome {
  std::vector<Row> rows;
  Vector x;
  Summary summary;
  std::optional<Constants> constants;
  Assembly assembly;  // for its facts and theorems; the method is made already
  double step = 0;

  [[nodiscard]] const Row& last() const { return rows.back(); }
  /// (1/K) sum of the squared gradient norms of rows 0 .. K-1.
  [[nodiscard]] double mean_gradient(std::size_t count) const {
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) sum += rows.at(k).grad_norm_sq;
    return sum / static_cast<double>(count);
  }
};

/// Expects equality up to rounding, as of the same sums in another order.
inline void expect_close(const Outcome& a, const Outcome& b, double tolerance) {
  ASSERT_EQ(a.rows.size(), b.rows.size());
  const double first = std::min(a.rows[0].grad_norm_sq, b.rows[0].grad_norm_sq);
  for (std::size_t t = 0; t < a.rows.size(); ++t) {
    const double f = std::min(std::abs(a.rows[t].f), std::abs(b.rows[t].f));
    EXPECT_NEAR(a.rows[t].f, b.rows[t].f, tolerance * f);
    EXPECT_NEAR(a.rows[t].grad_norm_sq, b.rows[t].grad_norm_sq, tolerance * first);
  }
}

/// The problem of a run, with the data of the shards `own` only, if set.
inline std::unique_ptr<Problem> problem_of(const Job& run, const std::optional<IndexSet>& own = {}) {
  return make_problem(
      parse(run.problem),
      {.clients = run.clients, .split = parse(run.split), .folders = data_folders(), .own = own});
}

/// One rank's part of a run. If `problem` is null, the rank makes its own problem with the rows of its own
/// clients.
inline Outcome train_on(Transport& transport, const Job& run, const Problem* problem = nullptr) {
  ThreadPool pool(run.threads);
  Outcome outcome;
  std::unique_ptr<Problem> own;
  if (problem == nullptr) {
    own = problem_of(run,
                     shards_of(block_of(run.clients, transport.rank(), transport.size()), parse(run.method),
                               {.clients = run.clients, .rule = spec_of(run.allocation)}));
    problem = own.get();
  }
  Fleet fleet(pool, transport);
  outcome.constants = problem->constants(fleet);
  std::shared_ptr<const MixingPlan> mixing;
  if (!run.topology.empty()) {
    const auto graphs = make_topology(parse(run.topology), {.nodes = problem->shards()});
    mixing = std::make_shared<MixingPlan>(make_mixing(parse(run.mixing), graphs));
  }
  std::shared_ptr<const Stragglers> stragglers;
  if (!run.stragglers.empty()) stragglers = make_stragglers(parse(run.stragglers), problem->shards());
  outcome.assembly = assemble(parse(run.method), {.problem = *problem,
                                                  .constants = outcome.constants,
                                                  .seed = run.seed,
                                                  .wire = run.wire,
                                                  .batch = run.batch,
                                                  .mixing = mixing,
                                                  .outer_step = run.outer_step,
                                                  .stragglers = stragglers,
                                                  .allocation = spec_of(run.allocation)});
  outcome.step = resolve(parse_step(run.step), outcome.assembly);
  const auto method = make_method(outcome.assembly, outcome.step);
  MemoryRecorder recorder;
  SolveOptions options = run.solve;
  options.rounds = run.rounds;
  options.wire = run.wire;
  outcome.summary = solve(*problem, *method, fleet, options, recorder);
  outcome.rows = recorder.rows;
  outcome.x.assign(method->point().begin(), method->point().end());
  return outcome;
}

/// Trains on one process. `problem`, if not null, is run.problem already made, so that many runs need not
/// read the data again.
inline Outcome train(const Job& run, const Problem* problem = nullptr) {
  return train_on(*alone(), run, problem);
}

/// The run on ranks that are threads; returns the outcome of each rank.
inline std::vector<Outcome> train_on_ranks(std::size_t ranks, const Job& run) {
  std::vector<Outcome> outcomes(ranks);
  run_ranks(ranks, [&](Transport& transport) { outcomes[transport.rank()] = train_on(transport, run); });
  return outcomes;
}

}  // namespace laconic::testing
