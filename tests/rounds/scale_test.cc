// SPDX-License-Identifier: Apache-2.0
// Very many clients with very little data each: the cost of idle clients is small, and some costs never
// occur.
#include <atomic>

#include <unistd.h>

#include "tests/support.h"

namespace laconic::testing {
namespace {

constexpr double kMiB = 1 << 20;

/// Resident memory of this process in bytes.
double resident() {
  std::ifstream pages("/proc/self/statm");
  double size = 0, held = 0;
  pages >> size >> held;
  return held * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Counts the gradients computed by a problem.
class Counted final : public Problem {
 public:
  explicit Counted(const Problem& problem) : problem_(problem) {}

  std::size_t dim() const override { return problem_.dim(); }
  std::size_t shards() const override { return problem_.shards(); }
  std::size_t rows(std::size_t shard) const override { return problem_.rows(shard); }
  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    ++gradients;
    return problem_.value_gradient(shard, rows, x, g);
  }
  std::optional<Constants> constants(AllShards& all) const override { return problem_.constants(all); }

  mutable std::atomic<std::size_t> gradients = 0;

 private:
  const Problem& problem_;
};

/// Checks the process and the problem after every round.
class Watch final : public Recorder {
 public:
  explicit Watch(const Counted& problem) : problem_(problem) {}

  void record(const Row&, const Timing&) override {}
  void tick(std::size_t) override {
    resident_after.push_back(resident());
    gradients_after.push_back(problem_.gradients);
  }

  std::vector<double> resident_after;
  std::vector<std::size_t> gradients_after;

 private:
  const Counted& problem_;
};

TEST(Scale, TwentyThousandClientsCostWhatTheirSampleCosts) {
  constexpr std::size_t kClients = 20000, kSample = 50, kRounds = 500, kDim = 2000;
  const Job job{
      .problem = fmt::format("logistic(generated(rows=3, d={}, nnz=5, shift=0.5), lambda=0.1)", kDim),
      .method = fmt::format("pp-marina(rand-k(1%), sample={})", kSample),
      .clients = kClients,
      .step = "0.1",
      .rounds = kRounds,
      .solve = {.eval_every = 0}};
  const auto problem = problem_of(job);
  const Counted counted(*problem);
  ThreadPool pool(2);
  Fleet fleet(pool);
  const Experiment experiment = experiment_on(counted, job);
  Observer silent;
  Watch watch(counted);
  const double before = resident();
  const Summary summary = run(experiment, fleet, silent, {.recorder = &watch}).summary;
  EXPECT_EQ(summary.why, Summary::Why::rounds);

  const double all_vectors = 8.0 * kClients * kDim;
  EXPECT_LT(watch.resident_after[0] - before, all_vectors / 2) << "a full round holds a window of them";
  EXPECT_LT(watch.resident_after[kRounds - 1] - watch.resident_after[50], 8 * kMiB);
  std::size_t small = 0;
  for (std::size_t t = 1; t < kRounds; ++t) {
    const std::size_t gradients = watch.gradients_after[t] - watch.gradients_after[t - 1];
    EXPECT_TRUE(gradients == 2 * kSample || gradients == kClients) << gradients;
    small += gradients == 2 * kSample ? 1 : 0;
  }
  EXPECT_GT(small, kRounds - 10) << "p = K r / (d n) is 2.5e-5";
}

TEST(Scale, ConstantsOfManySmallShardsNeedAWindowOfVectors) {
  constexpr std::size_t kClients = 5000, kDim = 5000;
  const auto problem =
      problem_of({.problem = fmt::format("least-squares(generated(rows=3, d={}, nnz=4))", kDim),
                  .method = "gd",
                  .clients = kClients});
  ThreadPool pool(2);
  Fleet fleet(pool);
  const double before = resident();
  const Constants constants = problem->constants(fleet).value();
  EXPECT_LT(resident() - before, 8.0 * kClients * kDim / 2);
  EXPECT_LE(constants.L_minus, constants.L_tilde * (1 + 1e-12));
  EXPECT_LE(constants.L_tilde, constants.L_max * (1 + 1e-12));
}

TEST(Scale, RowsOfAMillionClientsAreNotKept) {
  const double before = resident();
  const auto problem = problem_of({.problem = "logistic(generated(rows=10, d=100, nnz=20), lambda=0.1)",
                                   .method = "gd",
                                   .clients = 1'000'000});
  Vector g(problem->dim());
  for (const std::size_t client : {0, 999'999})
    problem->value_gradient(client, Rows::everything(), Vector(g.size()), g);
  EXPECT_LT(resident() - before, 100 * kMiB) << "their entries are 2.2 GiB";
}

TEST(Scale, WindowsAreBoundedPerRank) {
  for (const std::size_t ranks : {1, 3}) {
    run_ranks(ranks, [&](Transport& transport) {
      ThreadPool pool(4);
      Fleet fleet(pool, transport);
      EXPECT_EQ(fleet.window(10, 100), std::max<std::size_t>(10, 4 * ranks));
      EXPECT_EQ(fleet.window(1'000'000, 1), 4096 * ranks);
      EXPECT_EQ(fleet.window(1'000'000, 1 << 20), 4 * ranks);
      EXPECT_EQ(fleet.window(1'000'000, 1 << 30), 4 * ranks) << "a vector for each thread, whatever its size";
    });
  }
}

}  // namespace
}  // namespace laconic::testing
