// SPDX-License-Identifier: Apache-2.0
// Laws that hold for every method, over a table of methods x problems; then properties of single methods.
#include <cmath>
#include <numeric>
#include <tuple>

#include <gmock/gmock.h>

#include "laconic/core/coin.h"
#include "tests/cpus.h"
#include "tests/rounds/method_runs.h"

namespace laconic::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(All, Methods, ::testing::ValuesIn(kMethods));

TEST(MethodRuns, HaveEveryMethodOfTheTable) {
  for (const MethodRow& row : methods()) {
    EXPECT_TRUE(std::ranges::any_of(kMethods, [&](const std::string text) {
      return parse(up_to_next_key(text, 0)).name == row.name;
    })) << row.name;
  }
}

TEST_P(Methods, GiveTheSameBitsWithAnyNumberOfThreads) {
  for (Job run : runs()) {
    for (const Wire wire : kWires) {
      run.wire = wire;
      run.threads = 1;
      const std::string alone = text_of(train(run));
      for (const std::size_t threads : kNumbersOfThreads) {
        run.threads = threads;
        EXPECT_EQ(text_of(train(run)), alone) << run.problem << ", " << threads << " threads";
      }
    }
  }
}

TEST_P(Methods, GiveTheSameBitsOnAnyNumberOfRanks) {
  for (Job run : runs()) {
    for (const Wire wire : kWires) {
      run.wire = wire;
      const std::string alone = text_of(train(run));
      for (const std::size_t ranks : kNumbersOfRanks) {
        run.threads = 1 + ranks % 2;
        for (const Outcome& outcome : train_on_ranks(ranks, run)) {
          EXPECT_EQ(text_of(outcome), alone) << run.problem << ", " << ranks << " ranks";
        }
      }
    }
  }
}

TEST_P(Methods, GiveTheSameBitsOnEveryCpu) {
  for (Job run : runs()) {
    run.wire = Wire::f32;
    std::optional<std::string> first;
    on_each_cpu([&] {
      const bool network = run.problem.starts_with("mlp") || run.problem.starts_with("autoencoder");
      if (network && used_cpu() == "baseline") return;  // without fused multiply-adds
      const std::string text = text_of(train(run));
      if (!first) first = text;
      EXPECT_EQ(text, *first) << run.problem;
    });
  }
}

TEST_P(Methods, DivergeOnAllRanksTogether) {
  Job run{.problem = "quadratic(d=20, s=0.8)",
          .method = GetParam(),
          .clients = 6,
          .step = "1e150",
          .rounds = 500,
          .topology = gossips() ? "ring" : "",
          .outer_step = has("diloco") || has("loco(") ? 1e150 : 1};  // their inner steps are bounded
  if (has("locodl")) GTEST_SKIP() << "the quadratic has no ridge";
  if (has("muloco")) GTEST_SKIP() << "outside of matrices its steps have a length of their own";
  if (has("majority") || has("demo") || has("adam(") || has("clip(") || has("clip-norm=") || has("noise("))
    GTEST_SKIP() << "its steps are no longer where gradients are";
  if (has("label-flip")) GTEST_SKIP() << "the quadratic has no labels";
  set_words(run);
  const Outcome alone = train(run);
  EXPECT_EQ(alone.summary.why, Summary::Why::diverged);
  for (const Outcome& outcome : train_on_ranks(3, run)) {
    EXPECT_EQ(outcome.summary.reason, alone.summary.reason);
    EXPECT_EQ(text_of(outcome), text_of(alone));
  }
}

TEST_P(Methods, ChangeWithTheSeedOnlyWhereTheyAreRandom) {
  for (Job run : runs()) {
    // Elsewhere the matrices are too small, or have no higher rank.
    if ((has("low-rank") || has("sketch")) && !run.problem.starts_with("autoencoder")) continue;
    const Outcome first = train(run);
    run.seed = 2;
    const Outcome second = train(run);
    const bool draws = has("marina") || has("v5") || has("rand-k") || has("perm-k") || has("natural") ||
                       has("comp(") || has("mix(") || has("low-rank") || has("sketch") || has("bernoulli") ||
                       has("qsgd") || has("scaffnew(p=") || has("sample=2") || has("oasis") || has("-pp(") ||
                       has("noise(") || codes();
    // Random draws have no effect: one client gets everything, or two of two clients are sampled.
    const bool in_vain = has("identity") || (has("perm-k)") && run.clients == 1) ||
                         (has("fed") && run.clients == 2 && !has("downlink=") && !has("rand-k")) ||
                         (has("exact-gc") && run.clients == 2);  // either client can send the whole sum
    const bool random = draws && !in_vain;
    EXPECT_EQ(first.x != second.x, random) << run.problem;
  }
}

/// The messages and gradients of a round, over all clients; each client has `rows` rows.
struct Round {
  std::size_t messages = 0;
  std::size_t calls = 0;
};

Round round_of(const std::string& method, bool heads, std::size_t t, std::size_t clients, std::size_t rows) {
  const auto named = [&](const char* key) -> std::size_t {
    const std::size_t at = method.find(key);
    return at == std::string::npos ? 0 : std::stoul(method.substr(at + std::string_view(key).size()));
  };
  const std::size_t batch = named(" batch=");
  const std::size_t sample = named("sample=");
  if (method.starts_with("vr-diana")) {  // at the start only the anchor's gradient
    return {clients, clients * ((t == 0 ? 0 : 2 * batch) + (heads ? rows : 0))};
  }
  if (method.starts_with("vr-marina-online"))
    return {clients, clients * (heads ? named("large-batch=") : 2 * batch)};
  if (method.starts_with("vr-marina")) return {clients, clients * (heads ? rows : 2 * batch)};
  if (method.starts_with("pp-marina") && !heads) return {sample, sample * 2 * rows};
  return {clients, clients * rows};
}

TEST_P(Methods, CountWhatTheyDo) {
  // For coded methods see coding_test.cc.
  if (steps_locally() || codes() || is_successor()) return;
  for (const Job& run : runs()) {
    const Opened opened = testing::opened(run);
    const Problem* problem = opened->problem.get();
    const Outcome outcome = train(run, opened);
    ASSERT_EQ(outcome.rows.size(), run.rounds + 1);
    const double d = static_cast<double>(problem->dim());
    // The zeros of qsgd(4) take at most four bits each, and the indices of top-k take at most a bitmap. A
    // pair has one more header, and so has the second of its messages. 3pc-v1 sends a vector that the paper
    // takes for known.
    const bool pair = has("3pc-") && !run.method.starts_with("3pc-v5");
    const double layout = has("low-rank") || has("sketch") ? 8 * 13 : 0;  // of up to three matrices
    const double uncounted = layout + (has("qsgd(4)") ? 4 * d : 0) + (has("top-k") ? d : 0) +
                             (pair ? 32 + 32 + 8 : 0) + (has("v1") ? 32 * d : 0);
    const double coin_bits = has("marina") || has("v5") ? 1 : 0;
    SharedCoin coin;
    for (const auto& [name, value] : outcome.assembly.facts) {
      if (name == "p") coin.p = value;
    }
    double messages = 0;
    double calls = 0;
    for (std::size_t t = 0; t < outcome.rows.size(); ++t) {
      const Row& row = outcome.rows[t];
      const double rounds = static_cast<double>(t);
      const double clients = static_cast<double>(run.clients);
      const bool heads = coin.heads({.seed = run.seed, .round = static_cast<std::uint32_t>(t)});
      const Round round = round_of(run.method, heads, t, run.clients, problem->rows(0));
      messages += static_cast<double>(round.messages);
      calls += static_cast<double>(round.calls);
      EXPECT_EQ(row.round, t);
      EXPECT_EQ(row.participants, round.messages);
      EXPECT_EQ(row.oracle_calls, calls / clients);
      EXPECT_EQ(row.downlink_bits, rounds * (32 * d + coin_bits));
      EXPECT_EQ(row.step, outcome.step);
      EXPECT_EQ(row.consensus, 0);
      if (t > 0) {
        EXPECT_GE(row.uplink_floats, outcome.rows[t - 1].uplink_floats);  // a lazy round adds none
        EXPECT_GT(row.uplink_bits, outcome.rows[t - 1].uplink_bits);
      }
      // Values cost 32 bits each, and the header of a message at most four bytes. Sparse levels can take
      // fewer bits than the paper counts, since it counts all zeros of natural-dithering.
      if (!has("qsgd") && !has("natural-dithering")) {
        EXPECT_GE(row.uplink_bits, 32 * row.uplink_floats);
      }
      EXPECT_LE(row.uplink_bits, 32 * row.uplink_floats + messages / clients * (32 + 8 + uncounted));
    }
  }
}

TEST_P(Methods, DescendAtTheTheoreticalStep) {
  for (Job run : runs()) {
    if (run.step != "theory") continue;
    run.rounds = 400;
    const Outcome outcome = train(run);
    EXPECT_EQ(outcome.summary.why, Summary::Why::rounds);
    EXPECT_LT(outcome.last().f, outcome.rows.front().f) << run.problem;
  }
}

TEST(Gd, SaysEverythingEveryRound) {
  const Outcome outcome = train({.problem = "quadratic(d=20)", .method = "gd"});
  for (const Row& row : outcome.rows) EXPECT_EQ(row.uplink_floats, static_cast<double>((row.round + 1) * 20));
}

TEST(Gd, OnOneQuadraticIsGradientDescentInFull) {
  // d = 2, s = 0: A = T/4 + sigma I with T = [[2,-1],[-1,2]] has eigenvalues 1/4 + sigma = lambda and 3/4 +
  // sigma; b = -e_1 / 4; x_0 = (sqrt(2), 0).
  const double lambda = 0.5;
  const double sigma = lambda - 0.25;
  double x = std::sqrt(2.0);
  double y = 0;
  const Outcome outcome = train({.problem = "quadratic(d=2, lambda=0.5)",
                                 .method = "gd",
                                 .clients = 3,
                                 .step = "0.3",
                                 .rounds = 10,
                                 .wire = Wire::f64});
  for (std::size_t t = 0; t < outcome.rows.size(); ++t) {
    const double gx = (0.5 + sigma) * x - 0.25 * y + 0.25;
    const double gy = (0.5 + sigma) * y - 0.25 * x;
    EXPECT_NEAR(outcome.rows[t].grad_norm_sq, gx * gx + gy * gy, 1e-14);
    if (t + 1 == outcome.rows.size()) break;
    x -= 0.3 * gx;
    y -= 0.3 * gy;
  }
  EXPECT_NEAR(outcome.x[0], x, 1e-14);
  EXPECT_NEAR(outcome.x[1], y, 1e-14);
}

TEST(Counters, FollowTheConventionsOfTheTrace) {
  const std::size_t d = 20;
  for (const char* method : {"dcgd(rand-k(3))", "diana(rand-k(3))", "dcgd(top-k(3))"}) {
    const Outcome outcome = train({.problem = "quadratic(d=20, s=0.8)", .method = method, .step = "0.01"});
    for (const Row& row : outcome.rows)
      EXPECT_EQ(row.uplink_floats, static_cast<double>((row.round + 1) * 3)) << method;
  }
  const Outcome marina =
      train({.problem = "quadratic(d=20, s=0.8)", .method = "marina(rand-k(3), p=0.4)", .rounds = 200});
  EXPECT_EQ(marina.rows[0].uplink_floats, static_cast<double>(d));
  std::size_t full_rounds = 0;
  for (std::size_t t = 1; t < marina.rows.size(); ++t) {
    const double said = marina.rows[t].uplink_floats - marina.rows[t - 1].uplink_floats;
    EXPECT_TRUE(said == d || said == 3) << said;  // all clients share the coin: never between
    full_rounds += said == d ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(full_rounds), 80, 4.5 * std::sqrt(200 * 0.4 * 0.6));
}

TEST(Identities, ReduceToGradientDescent) {
  const TemporaryFolder folder;
  const std::string problem =
      fmt::format("logistic(\"{}\", lambda=0.1)", folder.write("classes", two_classes(60, 9)));
  const auto outcome_of = [&](const char* method) {
    return train({.problem = problem, .method = method, .step = "0.5", .rounds = 50, .wire = Wire::f64});
  };
  const Outcome gd = outcome_of("gd");
  for (const char* method :
       {"marina(rand-k(2), p=1)", "dcgd(identity)", "dcgd(rand-k(9))", "dcgd(top-k(9))"}) {
    EXPECT_EQ(outcome_of(method).x, gd.x) << method;
  }
  for (const char* method : {"marina(identity, p=0.2)", "diana(identity, alpha=1)",
                             "diana(identity, alpha=0.3)", "marina(rand-k(9), p=0.1)"}) {
    expect_close(outcome_of(method), gd, 1e-12);
  }
}

TEST(Identities, PermKOfOneClientSaysEverything) {
  const Job run{
      .problem = "quadratic(d=20)", .method = "dcgd(perm-k)", .clients = 1, .step = "0.5", .wire = Wire::f64};
  Job gd = run;
  gd.method = "gd";
  EXPECT_EQ(train(run).x, train(gd).x);
}

// E e^{k+1} <= (1-p) e^k + (1-p) (omega/n) L~^2 |x^{k+1} - x^k|^2 with e^k = |g^k - grad f(x^k)|^2, in
// expectation over coins and supports: the lemma behind MARINA's theorem. With e^0 = 0 only the second term
// remains in the first step. For RandK on a quadratic it can be computed exactly: (1-p) (omega/n) (1/n) sum
// |grad f_i(x^1) - grad f_i(x^0)|^2.
TEST(Marina, ErrorOfTheEstimateFollowsTheRecursion) {
  const std::size_t n = 4;
  const Job base{.problem = "quadratic(d=20, s=0.8)",
                 .method = "marina(rand-k(5), p=0.25)",
                 .clients = n,
                 .rounds = 2,
                 .wire = Wire::f64};
  const Opened opened = testing::opened(base);
  const Problem* problem = opened->problem.get();
  const std::size_t d = problem->dim();

  Vector x0(d);
  problem->start(x0);
  const Outcome first = train(base, opened);
  Vector mean0(d);
  Vector mean1(d);
  std::vector<Vector> change(n, Vector(d));
  Vector g(d);
  Vector x1(x0);
  for (std::size_t i = 0; i < n; ++i) {
    problem->value_gradient(i, Rows::everything(), x0, g);
    axpy(1.0 / n, g, mean0);
  }
  axpy(-first.step, mean0, x1);
  double spread = 0;
  for (std::size_t i = 0; i < n; ++i) {
    problem->value_gradient(i, Rows::everything(), x1, change[i]);
    axpy(1.0 / n, change[i], mean1);
    problem->value_gradient(i, Rows::everything(), x0, g);
    axpy(-1.0, g, change[i]);
    spread += norm_sq(change[i]) / n;
  }
  const double p = 0.25;
  const double omega = 3;
  const double exact = (1 - p) * omega / n * spread;
  EXPECT_LE(spread, first.constants->L_plus * first.constants->L_plus * distance_sq(x1, x0) * (1 + 1e-12));

  // g^1 follows from x_2 = x_1 - gamma g^1.
  const int draws = 20000;
  double sum = 0;
  double sum_sq = 0;
  for (int seed = 0; seed < draws; ++seed) {
    Job run = base;
    run.seed = static_cast<std::uint64_t>(seed);
    run.solve.eval_every = 0;
    const Outcome outcome = train(run, opened);
    double error = 0;
    for (std::size_t j = 0; j < d; ++j) {
      const double g1 = (x1[j] - outcome.x[j]) / outcome.step;
      error += (g1 - mean1[j]) * (g1 - mean1[j]);
    }
    sum += error;
    sum_sq += error * error;
  }
  const double mean = sum / draws;
  const double deviation = std::sqrt((sum_sq / draws - mean * mean) / draws);
  EXPECT_NEAR(mean, exact, 4.5 * deviation);
}

TEST(Marina, IsLinearUnderPolyakLojasiewicz) {
  // mu = lambda = smallest eigenvalue of the mean Hessian; f* is known exactly.
  const std::size_t rounds = 300;
  double mean_gap = 0;
  const int seeds = 10;
  Outcome outcome;
  for (int seed = 0; seed < seeds; ++seed) {
    outcome = train({.problem = "quadratic(d=30, s=0.5, lambda=0.05)",
                     .method = "marina(rand-k(6))",
                     .clients = 6,
                     .step = "theory-pl",
                     .rounds = rounds,
                     .seed = static_cast<std::uint64_t>(seed),
                     .wire = Wire::f64});
    mean_gap += (outcome.last().f - *outcome.constants->f_lower) / seeds;
  }
  const double gap0 = outcome.rows[0].f - *outcome.constants->f_lower;
  EXPECT_LE(mean_gap, std::pow(1 - outcome.step * 0.05, rounds) * gap0);
  EXPECT_GE(mean_gap, -1e-12);
}

// The values of arXiv 2506.05271 for L = 1, mu = 0.1.
TEST(Theory, TightStepsAreThoseOfTheTable) {
  Constants c;
  c.L_max = 1;
  c.mu_min = 0.1;
  for (const auto& [error, step, rate] :
       {std::tuple{0.25, 0.606061, "0.884808"}, {0.5, 0.311951, "0.939368"}, {0.9, 0.047880, "0.990469"}}) {
    const auto theorem = tight_theorem(c, 1 - error, "it");
    ASSERT_TRUE(theorem);
    EXPECT_NEAR(theorem->step, step, 5e-7);
    EXPECT_EQ(theorem->promise, fmt::format("it contracts by {} in each round", rate));
  }
  c.mu_min.reset();
  EXPECT_FALSE(tight_theorem(c, 0.5, ""));
}

TEST(Theory, TightStepsAreOfStronglyConvexClients) {
  Job job{.problem = "logistic(generated(rows=9, d=12), lambda=0.1)",
          .method = "ef21(top-k(3))",
          .step = "tight",
          .rounds = 400};
  const Outcome ef21 = train(job);
  EXPECT_LT(ef21.last().grad_norm_sq, 1e-10 * ef21.rows[0].grad_norm_sq);
  job.method = "ef(top-k(3))";
  EXPECT_THROW(train(job), InputError);  // of several clients
  job.clients = 1;
  EXPECT_LT(train(job).last().grad_norm_sq, 1e-10 * ef21.rows[0].grad_norm_sq);
  job.method = "ef21(top-k(3))";
  job.problem = "logistic(generated(rows=9, d=12), lambda=0.1, reg=nonconvex)";
  EXPECT_THROW(train(job), InputError);
}

TEST(Theory, StepsAreTheFormulas) {
  // Section 6 of the 3PC spec: RandK with d = 1000, K = 10, n = 100, p = 0.01 has sqrt((1-p) omega / (p n)) =
  // 9.9.
  const Outcome marina = train(
      {.problem = "quadratic(d=1000, s=6.4)", .method = "marina(rand-k(10))", .clients = 100, .rounds = 0});
  const Constants& c = *marina.constants;
  EXPECT_NEAR(1 / marina.step, c.L_minus + c.L_plus * 9.9, 1e-10 * c.L_plus * 9.9);
  const auto step_of = [](const char* method, const char* step) {
    return train({.problem = "quadratic(d=1000, s=6.4)",
                  .method = method,
                  .clients = 100,
                  .step = step,
                  .rounds = 0})
        .step;
  };
  EXPECT_DOUBLE_EQ(step_of("gd", "theory"), 1 / c.L_minus);
  EXPECT_DOUBLE_EQ(step_of("gd", "theory*16"), 16 / c.L_minus);
  EXPECT_DOUBLE_EQ(step_of("gd", "0.25"), 0.25);
  EXPECT_DOUBLE_EQ(step_of("dcgd(rand-k(10))", "theory"), 1 / (c.L_tilde * (1 + 99.0 / 100)));
  EXPECT_DOUBLE_EQ(step_of("diana(rand-k(10))", "theory"), 1 / (10 * c.L_tilde * std::sqrt(1.99) * 101));
  EXPECT_NEAR(1 / step_of("marina(perm-k)", "theory"), c.L_minus + c.L_pm * std::sqrt(99.0), 1e-9);
  EXPECT_NEAR(1 / step_of("marina(perm-k, p=0.5)", "theory"), c.L_minus + c.L_pm, 1e-9);
  EXPECT_NEAR(1 / step_of("marina(perm-k(4), p=0.5)", "theory"),
              c.L_minus + std::sqrt(1.5 * c.L_plus * c.L_plus + c.L_pm * c.L_pm), 1e-9);
  const double natural = 9.0 / 32;  // p: floats of a message / d
  EXPECT_NEAR(1 / step_of("marina(natural)", "theory"),
              c.L_minus + c.L_plus * std::sqrt((1 - natural) * 0.125 / (natural * 100)), 1e-9);
  EXPECT_DOUBLE_EQ(step_of("marina(rand-k(10), p=1)", "theory"), 1 / c.L_minus);
  EXPECT_NEAR(step_of("marina(rand-k(10))", "theory-pl"), 1 / (c.L_minus + c.L_plus * 9.9 * std::sqrt(2.0)),
              1e-12);
}

TEST(Methods, RefuseWhatDoesNotFit) {
  const auto refusal = [](const Job& job) { return error_of([&] { train(job); }); };
  const std::string problem = "quadratic(d=20)";
  const auto key_refusal = [&](const char* outer, const char* downlink, const char* method = "gd") {
    return refusal({.problem = problem, .method = method, .outer = outer, .downlink = downlink});
  };
  EXPECT_EQ(key_refusal("", "top-k(5)"),
            "downlink: column 1: unknown downlink \"top-k\"; known: direction, ef21-p, marina-p, ef21");
  EXPECT_EQ(key_refusal("foo", ""),
            "outer: column 1: unknown outer rule \"foo\"; known: step, heavy-ball, "
            "nesterov, adam, prox-l1");
  EXPECT_EQ(
      key_refusal("", "ef21-p(c-perm-k)"),
      "downlink: column 1: ef21-p(c-perm-k): c-perm-k deals coordinates to clients, and all receive this "
      "message; use top-k(1%)");
  EXPECT_EQ(key_refusal("", "ef21-p(rand-k(3))"),
            "downlink: column 1: ef21-p(rand-k(3)): needs a contractive "
            "compressor, such as top-k(1%) or c-rand-k(1%)");
  EXPECT_EQ(key_refusal("", "marina-p(perm-k)", "vr-diana(rand-k(3), batch=2)"),
            "downlink: an anchor needs one point for all clients: use shared=1, or ef21-p");
  EXPECT_EQ(key_refusal("", "", "ef21-bc(top-k(3))"),
            "method: column 1: ef21-bc(top-k(3)): its downlink compressor is missing, as in "
            "ef21-bc(top-k(10), top-k(10))");
  EXPECT_EQ(
      key_refusal("", "", "ef21-bc(top-k(3), rand-k(3))"),
      "method: column 1: ef21-bc(top-k(3), rand-k(3)): needs contractive compressors, such as top-k(10)");
  EXPECT_EQ(key_refusal("", "", "dasha-pp(rand-k(3), sample=1, a=1)"),
            "method: column 1: dasha-pp(rand-k(3), sample=1, a=1): a = 1; need 0 < a <= 0.2");
  EXPECT_EQ(key_refusal("", "ef21-p(low-rank(1))"),
            "downlink: column 1: ef21-p(low-rank(1)): low-rank(1) keeps a start for the next round, which a "
            "downlink cannot: use warm=0");
  EXPECT_EQ(
      refusal({.problem = problem, .method = "3pc-v2(rand-k(3), low-rank(1))"}),
      "method: column 1: 3pc-v2(rand-k(3), low-rank(1)): low-rank(1) keeps a start for the next round, and "
      "a map of two compressors cannot: use warm=0");
  EXPECT_EQ(
      refusal({.problem = problem, .method = "3pc-v3(ef21(low-rank(1)), top-k(3))"}),
      "method: column 1: 3pc-v3(ef21(low-rank(1)), top-k(3)): ef21(low-rank(1)) keeps a start for the next "
      "round, and a map of two compressors cannot: use warm=0");
  EXPECT_EQ(
      refusal({.problem = problem, .method = "local-sgd(steps=2, compressor=low-rank(1))", .step = "0.1"}),
      "method: column 1: local-sgd(steps=2, compressor=low-rank(1)): low-rank(1) keeps a start for the "
      "next round, which clients of methods with local steps cannot: use warm=0");
  EXPECT_EQ(refusal({.problem = problem, .method = "marin(rand-k(3))"}),
            "method: column 1: unknown method \"marin\" (did you mean \"marina\"?); known: "
            "gd, dcgd, diana, vr-diana, marina, vr-marina, vr-marina-online, pp-marina, ef21, lag, "
            "clag, 3pc-v1, 3pc-v2, 3pc-v3, 3pc-v4, 3pc-v5, ef21-sgdm, ef21-sgd2m, ef21-hb, ef21-pp, ef21-bc, "
            "ef21-prox, ef-bv, dasha, dasha-page, dasha-mvr, dasha-pp, econtrol, ef, m3, d-sgd, choco, gt, "
            "periodical-gt, k-gt, beer, motef, lead, d2, nids, led, scaffold, local-sgd, fedavg, fedadam, "
            "diloco, savic, scaffnew, compressed-scaffnew, locodl, fedprox, fednova, sparseloco, muloco, "
            "streaming-diloco, demo, gc-1bit, sgc, is-sgd, bgc, erasurehead, exact-gc, majority, coco-ef, "
            "gc-diana");
  EXPECT_EQ(refusal({.problem = problem, .method = "marina"}),
            "method: column 1: marina: its compressor is missing, as in marina(rand-k(10))");
  EXPECT_EQ(refusal({.problem = problem, .method = "marina(top-k(3))"}),
            "method: column 1: marina(top-k(3)): marina needs an unbiased compressor: top-k(3) is not; use "
            "rand-k or "
            "natural");
  EXPECT_EQ(
      refusal({.problem = problem, .method = "diana(top-k(3))"}),
      "method: column 1: diana(top-k(3)): diana needs an unbiased compressor: top-k(3) is not; use rand-k or "
      "natural");
  EXPECT_EQ(refusal({.problem = problem, .method = "marina(rand-k(3), p=0)"}),
            "method: column 1: marina(rand-k(3), p=0): p = 0; need 0 < p <= 1");
  EXPECT_EQ(refusal({.problem = problem, .method = "marina(rand-k(3), p=1.5)"}),
            "method: column 1: marina(rand-k(3), p=1.5): p = 1.5; need 0 < p <= 1");
  EXPECT_EQ(refusal({.problem = problem, .method = "diana(rand-k(3), alpha=-1)"}),
            "method: column 1: diana(rand-k(3), alpha=-1): alpha = -1; need 0 < alpha <= 1");
  EXPECT_EQ(refusal({.problem = problem, .method = "marina(rand-k(3))", .batch = 4}),
            "method: column 1: marina(rand-k(3)): batch = 4: marina takes full local gradients; leave batch "
            "out, or use "
            "vr-marina");
  EXPECT_EQ(refusal({.problem = problem, .method = "gd(3)"}),
            "method: column 1: gd(3): takes no argument without a name; found 1 more: 3");
  EXPECT_EQ(
      refusal({.problem = problem, .method = "dcgd(top-k(3))"}),
      "step = theory: no theorem with known constants for this method on this problem; give a number, as in "
      "step=0.1; as a scale, 1/L_minus = 1.011 here");
  for (const char* step : {"0", "-1", "nan", "theory*0", "theory*-2"}) {
    EXPECT_EQ(refusal({.problem = problem, .method = "gd", .step = step}),
              fmt::format("step: step = {}; need step > 0", step));
  }
  EXPECT_EQ(refusal({.problem = problem, .method = "gd", .step = "thoery"}),
            "step: step = thoery; need a number > 0, theory, theory*16, theory-pl or tight");
}

}  // namespace
}  // namespace laconic::testing
