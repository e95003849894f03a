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
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/observer.h"
#include "laconic/core/parallel.h"
#include "laconic/core/rng.h"
#include "laconic/core/spec.h"
#include "laconic/experiment/config.h"
#include "laconic/experiment/experiment.h"
#include "laconic/experiment/run.h"
#include "laconic/methods/methods.h"
#include "laconic/solve.h"
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

/// The keys of a run, as text where a config has a spec. Empty text: not set.
struct Job {
  std::string problem = "opened";  // without a name, of a run on a problem that is open already
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
  std::string mixing = {};
  std::optional<double> outer_step = 1;  // without a value that of the method
  std::string stragglers = {};
  std::string allocation = {};
  std::string outer = {};
  std::string downlink = {};
  std::string aggregator = {};
  std::string clip_norm = {};
  std::string byzantine = {};
  std::string network = {};
  std::string compute = {};
  std::vector<std::string> folders = data_folders();  // where data sets are looked up
};

inline Config config_of(const Job& job) {
  std::vector<KeyValue> settings;
  for (const auto& [key, value] : {std::pair{"problem", job.problem},
                                   {"method", job.method},
                                   {"clients", std::to_string(job.clients)},
                                   {"step", job.step},
                                   {"split", job.split},
                                   {"topology", job.topology},
                                   {"mixing", job.mixing},
                                   {"stragglers", job.stragglers},
                                   {"allocation", job.allocation},
                                   {"outer", job.outer},
                                   {"downlink", job.downlink},
                                   {"aggregator", job.aggregator},
                                   {"clip-norm", job.clip_norm},
                                   {"byzantine", job.byzantine},
                                   {"network", job.network},
                                   {"compute", job.compute}}) {
    if (!value.empty()) settings.push_back({key, value, ""});
  }
  Config config = describe(settings);
  config.solve = job.solve;
  config.solve.rounds = job.rounds;
  config.seed = job.seed;
  config.wire = job.wire;
  config.threads = job.threads;
  config.batch = job.batch;
  config.outer_step = job.outer_step;
  config.resources.folders = job.folders;
  return config;
}

struct Outcome {
  std::vector<Row> rows;
  Vector x;
  Summary summary;
  std::optional<Constants> constants;
  Assembly assembly;  // for its facts and theorems; the method is made already
  double step = 0;

  [[nodiscard]] const Row& last() const { return rows.back(); }
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

using Opened = std::shared_ptr<const OpenedProblem>;

/// The problem of a job, without its constants.
inline std::shared_ptr<const Problem> problem_of(const Job& job) {
  Observer silent;
  return read_problem(config_of(job), silent);
}

/// The problem of a job, open on one process: for many runs on the same data.
inline Opened opened(const Job& job) {
  ThreadPool pool(threads_of(job.threads));
  Fleet fleet(pool);
  Observer silent;
  return open_problem(config_of(job), fleet, silent);
}

/// A problem that the caller keeps, without its constants.
inline Opened opened(const Problem& problem) {
  const auto opened = std::make_shared<OpenedProblem>();
  opened->problem = {std::shared_ptr<void>(), &problem};
  return opened;
}

/// The experiment of a job on such a problem.
inline Experiment experiment_on(const Problem& problem, Job job) {
  job.clients = problem.shards();
  return {config_of(job), opened(problem)};
}

/// One rank's part of a run. Without an open problem, the ranks open that of the job together.
inline Outcome train_on(Transport& transport, const Job& job, Opened problem = nullptr,
                        Observer* observer = nullptr) {
  Observer silent;
  if (observer == nullptr) observer = &silent;
  const Config config = config_of(job);
  ThreadPool pool(threads_of(config.threads));
  Fleet fleet(pool, transport);
  if (problem == nullptr) problem = open_problem(config, fleet, *observer);
  const Experiment experiment(config, problem);
  MemoryRecorder recorder;
  RunResult result = run(experiment, fleet, *observer, {.recorder = &recorder});
  return {.rows = std::move(recorder.rows),
          .x = std::move(result.x),
          .summary = std::move(result.summary),
          .constants = experiment.facts().constants,
          .assembly = experiment.assembly(),
          .step = experiment.step()};
}

/// Trains on one process.
inline Outcome train(const Job& job, const Opened& problem = nullptr, Observer* observer = nullptr) {
  return train_on(*alone(), job, problem, observer);
}

/// The run on ranks that are threads; returns the outcome of each rank.
inline std::vector<Outcome> train_on_ranks(std::size_t ranks, const Job& run) {
  std::vector<Outcome> outcomes(ranks);
  run_ranks(ranks, [&](Transport& transport) { outcomes[transport.rank()] = train_on(transport, run); });
  return outcomes;
}

}  // namespace laconic::testing
