// SPDX-License-Identifier: Apache-2.0
// Evaluation and stopping.
#include <cmath>
#include <functional>

#include <gmock/gmock.h>

#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::EndsWith;

std::vector<std::size_t> rounds_of(const Outcome& outcome) {
  std::vector<std::size_t> rounds;
  for (const Row& row : outcome.rows) rounds.push_back(row.round);
  return rounds;
}

/// Passes on each question for a request.
class Asked final : public Observer {
 public:
  explicit Asked(std::function<Request()> answer) : answer_(std::move(answer)) {}
  Request asked() override { return answer_(); }

 private:
  std::function<Request()> answer_;
};

const Job kJob{.problem = "quadratic(d=10, lambda=0.1)", .method = "gd", .rounds = 10};

TEST(Solve, EvaluatesEveryERoundsAndTheLast) {
  Job run = kJob;
  run.solve.eval_every = 4;
  EXPECT_EQ(rounds_of(train(run)), (std::vector<std::size_t>{0, 4, 8, 10}));
  run.solve.eval_every = 0;
  EXPECT_EQ(rounds_of(train(run)), (std::vector<std::size_t>{0, 10}));
  run.rounds = 0;
  EXPECT_EQ(rounds_of(train(run)), (std::vector<std::size_t>{0}));
}

TEST(Solve, EvaluationChangesNothing) {
  for (const char* method : {"gd", "marina(rand-k(2))", "diana(rand-k(2))"}) {
    Job run = kJob;
    run.method = method;
    const Outcome often = train(run);
    run.solve.eval_every = 0;
    const Outcome rarely = train(run);
    EXPECT_EQ(often.x, rarely.x);
    EXPECT_EQ(often.last().f, rarely.last().f);
    EXPECT_EQ(often.last().grad_norm_sq, rarely.last().grad_norm_sq);
    EXPECT_EQ(often.last().uplink_bits, rarely.last().uplink_bits);
  }
}

TEST(Solve, StopsAtTheTarget) {
  Job run = kJob;
  run.rounds = 10000;
  run.solve.target = 1e-6;
  const Outcome outcome = train(run);
  EXPECT_EQ(outcome.summary.why, Summary::Why::target);
  EXPECT_EQ(outcome.summary.reason, "target reached: |grad f|^2 <= 1e-06");
  EXPECT_LE(outcome.last().grad_norm_sq, 1e-6);
  EXPECT_GT(outcome.rows[outcome.rows.size() - 2].grad_norm_sq, 1e-6);
}

TEST(Solve, StopsAtTheValue) {
  Job run = kJob;
  run.rounds = 10000;
  run.solve.target_f = train(kJob).last().f;
  const Outcome outcome = train(run);
  EXPECT_EQ(outcome.summary.why, Summary::Why::target);
  EXPECT_EQ(outcome.last().round, kJob.rounds);
}

TEST(Solve, StopsAtTheBitsAndLooksOnceMore) {
  Job run = kJob;
  run.solve.max_bits = 4 * 10 * 32;
  run.solve.eval_every = 0;
  const Outcome outcome = train(run);
  EXPECT_EQ(outcome.summary.why, Summary::Why::max_bits);
  EXPECT_EQ(rounds_of(outcome),
            (std::vector<std::size_t>{0, 3}));  // four messages: the start and three rounds
}

TEST(Solve, StopsAtTheClock) {
  Job run = kJob;
  run.rounds = 1000000000;
  run.solve.max_seconds = 0.05;
  run.solve.eval_every = 0;
  EXPECT_EQ(train(run).summary.why, Summary::Why::max_seconds);
}

TEST(Solve, EndsWhenAskedWithoutAnotherRow) {
  Job run = kJob;
  run.solve.eval_every = 4;
  std::size_t questions = 0;
  Asked observer([&] { return ++questions > 6 ? Request::interrupt : Request::none; });
  const Outcome outcome = train(run, nullptr, &observer);
  EXPECT_EQ(outcome.summary.why, Summary::Why::interrupted);
  EXPECT_EQ(outcome.summary.request, Request::interrupt);
  EXPECT_EQ(outcome.summary.reason, "interrupted after round 6");
  EXPECT_EQ(rounds_of(outcome), (std::vector<std::size_t>{0, 4}));
}

TEST(Solve, RanksEndAfterTheSameRoundWhicheverIsAsked) {
  Job run = kJob;
  run.rounds = 1000000;
  constexpr std::size_t kRanks = 3;
  for (std::size_t asked = 0; asked < kRanks; ++asked) {
    std::vector<Outcome> outcomes(kRanks);
    run_ranks(kRanks, [&](Transport& transport) {
      std::size_t questions = 0;
      Asked observer(
          [&] { return transport.rank() == asked && ++questions > 4 ? Request::terminate : Request::none; });
      outcomes[transport.rank()] = train_on(transport, run, nullptr, &observer);
    });
    Job whole = run;
    whole.rounds = outcomes[0].summary.rounds;
    const Outcome expected = train(whole);
    for (const Outcome& outcome : outcomes) {
      EXPECT_EQ(outcome.summary.request, Request::terminate);
      EXPECT_EQ(outcome.summary.rounds, whole.rounds);
      EXPECT_EQ(outcome.x, expected.x);
    }
  }
}

TEST(Solve, StopsWhenTheRunDivergesAndKeepsTheRows) {
  for (const char* method : {"gd", "dcgd(top-k(3))", "marina(natural)", "diana(rand-k(3))"}) {
    Job run = kJob;
    run.method = method;
    run.step = "1e6";
    run.rounds = 10000;
    const Outcome outcome = train(run);
    EXPECT_EQ(outcome.summary.why, Summary::Why::diverged) << method;
    EXPECT_LT(outcome.summary.rounds, 1000U);
    EXPECT_EQ(outcome.summary.reason.rfind("diverged: ", 0), 0U) << outcome.summary.reason;
    ASSERT_FALSE(outcome.rows.empty());
    for (const Row& row : outcome.rows) EXPECT_TRUE(std::isfinite(row.f) && std::isfinite(row.grad_norm_sq));
  }
}

TEST(Solve, SaysWhatMendsARunThatDiverged) {
  const TemporaryFolder folder;
  const auto reason = [&](double unit, Wire wire, const char* method = "gd", const char* topology = "",
                          const char* step = "1e-3") {
    std::string rows;
    const double label = unit > 1e150 ? 1e10 : 1;  // the squares of the features must not overflow
    for (int i = 0; i < 10; ++i)
      rows += fmt::format("{} 1:{} 2:1\n", i % 2 * label, i < 8 ? 1 : unit / label);
    const auto data = folder.write("rows", rows);
    Job run = {
        .problem = fmt::format("least-squares(\"{}\")", data), .method = method, .clients = 5, .step = step};
    run.wire = wire;
    run.topology = topology;
    run.rounds = 1000;
    return train(run).summary.reason;
  };
  EXPECT_THAT(reason(1, Wire::f32, "gd", "", "1e3"), EndsWith("; try a smaller step"));
  for (const auto& [method, topology] : {std::pair{"gd", ""}, {"diana(rand-k(1))", ""}, {"gt", "ring"}}) {
    EXPECT_THAT(
        reason(1e40, Wire::f32, method, topology),
        EndsWith(
            "; client 4's gradient holds 5e+39 at the start, which wire=f32 cannot carry: scale the data "
            "or use wire=f64"))
        << method;
  }
  EXPECT_THAT(reason(1e40, Wire::f64), EndsWith("; try a smaller step"));
  EXPECT_THAT(
      reason(6e38, Wire::f32, "dcgd(rand-k(1))"),
      EndsWith("; client 4's gradient holds 3e+38 at the start, and a message more than wire=f32 can carry: "
               "scale the data, use wire=f64 or a smaller step"));
  EXPECT_THAT(
      reason(1e160, Wire::f64),
      EndsWith("in round 0; client 4's gradient holds 5e+159 at the start, which no step can mend: scale the "
               "data"));
}

TEST(Solve, MinibatchesEstimateTheGradient) {
  const TemporaryFolder folder;
  const std::string problem = fmt::format("logistic(\"{}\")", folder.write("classes", two_classes(60, 9)));
  const Job run{.problem = problem, .method = "gd", .step = "0.1", .rounds = 30, .batch = 4};
  const Outcome outcome = train(run);
  EXPECT_EQ(outcome.last().oracle_calls, 31 * 4);
  EXPECT_LT(outcome.last().f, outcome.rows[0].f);
  Job full = run;
  full.batch.reset();
  EXPECT_NE(outcome.x, train(full).x);
  EXPECT_EQ(outcome.rows[0].f,
            train(full).rows[0].f);  // the trace contains the true objective, not that of a minibatch
}

}  // namespace
}  // namespace laconic::testing
