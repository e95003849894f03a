// SPDX-License-Identifier: Apache-2.0
// Star methods with the keys aggregator, clip-norm and byzantine.
#include <cmath>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support.h"

namespace laconic::testing {
namespace {

const char* const kAllTakePart[] = {"gd",
                                    "dcgd(rand-k(3))",
                                    "diana(rand-k(3))",
                                    "ef21(top-k(3))",
                                    "marina(rand-k(3))",
                                    "vr-marina(rand-k(3), batch=4)",
                                    "vr-diana(rand-k(3), batch=4)",
                                    "ef-bv(rand-k(3))",
                                    "dasha(rand-k(3))",
                                    "econtrol(top-k(3))",
                                    "ef(top-k(3))",
                                    "lag(zeta=4)"};

/// The class of row i is i % classes; features depend on the row and the class.
std::string rows_of(std::size_t begin, std::size_t end, std::size_t classes,
                    const std::function<std::size_t(std::size_t row)>& label) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) {
    text += std::to_string(label(i));
    for (std::size_t j = 1; j <= 8; ++j) {
      const std::size_t mixed = (i * 7 + j * j * 5 + i * j) % 11;
      text +=
          fmt::format(" {}:{}", j, 0.1 * static_cast<double>(mixed) + (i % classes == j % classes ? 1 : 0));
    }
    text += '\n';
  }
  return text;
}

TEST(Rules, ThatDropNothingAreTheMean) {
  for (const char* method : kAllTakePart) {
    Job job{.problem = "logistic(generated(rows=9, d=12, shift=0.5), lambda=0.1)",
            .method = method,
            .clients = 6,
            .step = "0.1",
            .rounds = 40};
    const Outcome plain = train(job);
    for (const char* rule : {"mean", "trimmed-mean(0)", "bucketing(6, median)"}) {
      job.aggregator = rule;
      expect_close(train(job), plain, 1e-11);
    }
    job.aggregator = {};
    job.byzantine = "sign-flip(0)";
    const Outcome none_lies = train(job);
    expect_close(none_lies, plain, 1e-11);
    EXPECT_EQ(none_lies.last().uplink_bits, plain.last().uplink_bits);
    EXPECT_EQ(none_lies.last().oracle_calls, plain.last().oracle_calls);
  }
}

TEST(Clipping, WithALargeBoundIsTheMean) {
  for (const char* method : kAllTakePart) {
    Job job{.problem = "logistic(generated(rows=9, d=12, shift=0.5), lambda=0.1)",
            .method = method,
            .clients = 6,
            .step = "0.1",
            .rounds = 40};
    const Outcome plain = train(job);
    job.clip_norm = "1e6";
    const Outcome clipped = train(job);
    expect_close(clipped, plain, 1e-11);
    EXPECT_EQ(clipped.last().uplink_bits, plain.last().uplink_bits);
    job.clip_norm = "0.05";
    EXPECT_NE(train(job).x, clipped.x) << method;
  }
}

// The gradients of all clients are longer than the bound: gd moves by the mean of their directions.
TEST(Clipping, ShortensTheVectorsOfGradientDescent) {
  Job job{.problem = "quadratic(d=20, s=0.8)", .method = "gd", .clients = 4, .step = "0.5", .rounds = 1};
  const Vector start = [&] {
    Job none = job;
    none.rounds = 0;
    return train(none).x;
  }();
  job.clip_norm = "1e-3";
  Vector moved = train(job).x;
  axpy(-1, start, moved);
  EXPECT_GT(std::sqrt(norm_sq(moved)), 0);
  EXPECT_LE(std::sqrt(norm_sq(moved)), 0.5 * 1e-3 * (1 + 1e-12));
}

TEST(Clipping, HoldsALiarBack) {
  Job job{.problem = "logistic(generated(rows=9, d=12, shift=0.2), lambda=0.1)",
          .method = "gd",
          .clients = 9,
          .step = "0.3",
          .rounds = 300,
          .byzantine = "sign-flip(1, 30)"};
  const double lied_to = train(job).last().grad_norm_sq;
  job.clip_norm = "0.5";
  EXPECT_LT(train(job).last().grad_norm_sq, lied_to / 10);
}

TEST(Liars, CountInNoObjectiveAndNoConstant) {
  const TemporaryFolder folder;
  const auto label = [](std::size_t i) { return i % 2; };
  folder.write("all", rows_of(0, 50, 2, label));
  folder.write("honest", rows_of(0, 40, 2, label));
  for (const char* problem : {"logistic({}, lambda=0.1)", "softmax({}, lambda=0.1)"}) {
    Job honest{.problem = fmt::format(fmt::runtime(problem), "honest"),
               .method = "gd",
               .clients = 4,
               .rounds = 10,
               .folders = {folder.path()}};
    const Outcome expected = train(honest);
    Job job = honest;
    job.problem = fmt::format(fmt::runtime(problem), "all");
    job.clients = 5;
    job.byzantine = "ipm(1, eps=0.5)";
    const Outcome found = train(job);
    EXPECT_EQ(found.rows[0].f, expected.rows[0].f);
    EXPECT_EQ(found.rows[0].grad_norm_sq, expected.rows[0].grad_norm_sq);
    EXPECT_EQ(found.rows[0].train_accuracy, expected.rows[0].train_accuracy);
    EXPECT_EQ(found.step, expected.step);
    EXPECT_EQ(found.constants->L_tilde, expected.constants->L_tilde);
    EXPECT_EQ(found.constants->L_sample, expected.constants->L_sample);
    // The mean of 4 honest vectors and -1/2 of their mean is 0.7 of it.
    honest.step = fmt::format("{}", 0.7 * expected.step);
    expect_close(found, train(honest), 1e-12);
  }
}

TEST(Liars, WithFalseLabelsComputeOnFalseLabels) {
  const TemporaryFolder folder;
  for (const std::size_t classes : {2, 3}) {
    const auto label = [&](std::size_t i) { return i % classes; };
    folder.write("true", rows_of(0, 50, classes, label));
    folder.write("false", rows_of(0, 50, classes,
                                  [&](std::size_t i) { return i < 30 ? label(i) : classes - 1 - label(i); }));
    Job changed{.problem = "softmax(false, lambda=0.1)",
                .method = "gd",
                .step = "0.1",
                .rounds = 30,
                .folders = {folder.path()}};
    Job job = changed;
    job.problem = "softmax(true, lambda=0.1)";
    job.byzantine = "label-flip(2)";
    EXPECT_EQ(train(job).x, train(changed).x) << classes;
    if (classes > 2) continue;
    job.problem = "logistic(true, lambda=0.1)";
    changed.problem = "logistic(false, lambda=0.1)";
    EXPECT_EQ(train(job).x, train(changed).x);
    for (const Outcome& outcome : train_on_ranks(3, job)) EXPECT_EQ(outcome.x, train(changed).x);
  }
}

TEST(Liars, WithFalseNumbersNegateThem) {
  const TemporaryFolder folder;
  const auto label = [](std::size_t i) { return i % 5; };
  folder.write("true", rows_of(0, 50, 2, label));
  const std::string all = rows_of(0, 50, 2, label);
  std::string changed;
  std::size_t row = 0;
  for (std::size_t begin = 0; begin < all.size(); ++row) {
    const std::size_t end = all.find('\n', begin) + 1;
    changed += (row < 30 ? "" : "-") + all.substr(begin, end - begin);
    begin = end;
  }
  folder.write("false", changed);
  Job job{.problem = "least-squares(false, lambda=0.1)",
          .method = "gd",
          .step = "0.01",
          .rounds = 30,
          .folders = {folder.path()}};
  const Vector expected = train(job).x;
  job.problem = "least-squares(true, lambda=0.1)";
  job.byzantine = "label-flip(2)";
  EXPECT_EQ(train(job).x, expected);
}

TEST(Liars, ComputeOnlyWhatTheirLiesNeed) {
  for (const auto& [attack, share] : {std::pair{"sign-flip(2)", 1.0},
                                      {"bit-flip(2)", 1.0},
                                      {"label-flip(2)", 1.0},
                                      {"ipm(2)", 0.6},
                                      {"alie(2, z=1)", 0.6},
                                      {"noise(2, scale=1)", 0.6},
                                      {"mimic(2)", 0.6}}) {
    Job job{
        .problem = "logistic(generated(rows=9, d=12), lambda=0.1)", .method = "ef21(top-k(3))", .rounds = 5};
    const Row honest = train(job).last();
    job.byzantine = attack;
    const Row row = train(job).last();
    EXPECT_DOUBLE_EQ(row.oracle_calls, share * honest.oracle_calls) << attack;
    EXPECT_EQ(row.uplink_floats, honest.uplink_floats) << attack;
    EXPECT_EQ(row.participants, honest.participants) << attack;
  }
}

TEST(Liars, AreToldWithTheirNumbers) {
  const Outcome outcome = train({.problem = "logistic(generated(rows=9, d=12), lambda=0.1)",
                                 .method = "gd",
                                 .clients = 20,
                                 .rounds = 1,
                                 .byzantine = "alie(5)"});
  ASSERT_EQ(outcome.assembly.warnings.size(), 1u);
  EXPECT_NE(outcome.assembly.warnings[0].find("the last 5 of 20 clients lie by alie(5, z=0.253"),
            std::string::npos)
      << outcome.assembly.warnings[0];
  ASSERT_TRUE(outcome.assembly.theorem);
  EXPECT_EQ(outcome.assembly.theorem->mean_gradient_factor, 0);
}

TEST(RulesAndAttacks, AreRefusedWhereAServerHasNoVectorOfEachClient) {
  for (const auto& [method, expected] :
       {std::pair{"pp-marina(rand-k(3), sample=2)", "the method samples clients"},
        {"majority(redundancy=2)", "majority counts the signs"},
        {"gc-diana(redundancy=2)", "hold that of others too"},
        {"local-sgd(steps=2)", "local-sgd is not one"},
        {"k-gt(steps=2)", "k-gt is not one"}}) {
    for (const std::string key : {"aggregator", "clip-norm", "byzantine"}) {
      Job job{.problem = "quadratic(d=20)", .method = method, .step = "0.1"};
      if (std::string(method).starts_with("k-gt")) job.topology = "ring";
      if (key == "aggregator") job.aggregator = "median";
      if (key == "clip-norm") job.clip_norm = "1";
      if (key == "byzantine") job.byzantine = "ipm(1)";
      try {
        train(job);
        FAIL() << method;
      } catch (const InputError& error) {
        const std::string text = error.what();
        EXPECT_NE(text.find(key + ": "), std::string::npos) << text;
        EXPECT_NE(text.find(expected), std::string::npos) << text;
      }
    }
  }
}

// EF21 attributes its memory to a client that is absent, and gd the vector of its last message. So late
// answers change the way to the point where the median is 0, but not that point.
TEST(Rules, WorkWhereClientsAnswerLate) {
  for (const char* method : {"ef21(top-k(3))", "gd", "diana(rand-k(3))"}) {
    Job job{.problem = "logistic(generated(rows=9, d=12, shift=0.2), lambda=0.1)",
            .method = method,
            .clients = 9,
            .step = "0.3",
            .rounds = 600,
            .aggregator = "median",
            .byzantine = "sign-flip(2, 100)"};
    const Outcome punctual = train(job);
    job.stragglers = "bernoulli(0.3)";
    const Outcome late = train(job);
    EXPECT_NEAR(late.last().f, punctual.last().f, 1e-9) << method;
    EXPECT_LT(late.last().f, late.rows[0].f) << method;
  }
}

}  // namespace
}  // namespace laconic::testing
