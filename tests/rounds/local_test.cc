// SPDX-License-Identifier: Apache-2.0
// Local steps with a server, scaled or not: the relations of "Local Methods with Adaptivity via Scaling"
// (arXiv 2406.00846), comparisons with plain loops, and the costs of messages. For trajectories compared with
// NumPy see tests/reference.
#include <cmath>

#include <gmock/gmock.h>

#include "laconic/local/scaling.h"
#include "laconic/participation/participation.h"
#include "laconic/problem/distributed_ls.h"
#include "laconic/problem/quadratic.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<Problem> unlike_clients() { return make_distributed_ls({.clients = 10, .d = 6, .zeta = 3}); }

Job with(const std::string& method, const std::string& step, std::size_t rounds = 30) {
  return {.method = method, .clients = 10, .step = step, .rounds = rounds, .wire = Wire::f64};
}

/// A method that gives access to its state.
class Looked {
 public:
  Looked(const Problem& problem, const std::string& method, double step)
      : pool_(1),
        fleet_(pool_),
        experiment_(experiment_on(
            problem,
            {.method = method, .step = fmt::format("{}", step), .wire = Wire::f64, .outer_step = {}})),
        method_(experiment_.make_method()) {
    method_->start(fleet_, nullptr);
  }
  void rounds(std::size_t count) {
    for (std::size_t k = 0; k < count; ++k) method_->round(fleet_, ++t_, nullptr);
  }
  [[nodiscard]] View x() const { return method_->point(); }
  View D() { return method_->state(fleet_).shared.at(1); }
  View D(std::size_t client) { return method_->state(fleet_).clients.at(client).at(0); }

 private:
  ThreadPool pool_;
  Fleet fleet_;
  const Experiment experiment_;
  std::unique_ptr<Method> method_;
  std::size_t t_ = 0;
};

TEST(Local, OneStepIsGradientDescent) {
  const Job gd{.problem = "quadratic(d=20, s=0.8)", .method = "gd", .step = "0.2", .wire = Wire::f64};
  Job job = gd;
  for (const char* method : {"local-sgd", "fedavg(steps=1)", "fedavg(steps=1, sample=5)"}) {
    job.method = method;
    expect_close(train(job), train(gd), 1e-12);
  }
}

TEST(Local, EqualScalesOnlyDivideTheStep) {
  const auto problem = unlike_clients();
  const Outcome plain = train(with("local-sgd(steps=5)", "0.01"), opened(*problem));
  // alpha is larger than any |D|, so all scales are alpha.
  for (const char* rule : {"adam", "rmsprop", "adagrad", "oasis"}) {
    for (const char* scaling : {"global", "local"}) {
      const std::string method = fmt::format("savic({}, steps=5, alpha=1e6, scaling={})", rule, scaling);
      expect_close(train(with(method, "1e4"), opened(*problem)), plain, 1e-12);
    }
  }
}

/// f(s^-1/2 y), which starts at y = s^1/2 x_0.
class Stretched final : public Changed {
 public:
  Stretched(const Problem& problem, View scale) : Changed(problem) {
    for (const double s : scale) root_.push_back(std::sqrt(s));
  }
  void start(MutView y) const override {
    problem_.start(y);
    for (std::size_t j = 0; j < y.size(); ++j) y[j] *= root_[j];
  }
  Measured value_gradient(std::size_t i, Rows rows, View y, MutView g) const override {
    Vector x(y.size());
    for (std::size_t j = 0; j < y.size(); ++j) x[j] = y[j] / root_[j];
    const Measured measured = problem_.value_gradient(i, rows, x, g);
    for (std::size_t j = 0; j < y.size(); ++j) g[j] /= root_[j];
    return measured;
  }
  [[nodiscard]] double root(std::size_t j) const { return root_[j]; }

 private:
  Vector root_;
};

TEST(Local, FixedScalesAreOtherCoordinates) {
  const auto problem = make_quadratic({.clients = 6, .d = 20, .s = 0.8});
  Looked scaled(*problem, "savic(adam, steps=5, refresh=1000000, alpha=0.05)", 0.1);
  Vector scale;
  for (const double D : scaled.D()) scale.push_back(std::max(0.05, std::abs(D)));
  EXPECT_GT(*std::max_element(scale.begin(), scale.end()), 0.1) << "or there would be nothing to see";
  const Stretched stretched(*problem, scale);
  Looked plain(stretched, "local-sgd(steps=5)", 0.1);
  for (int t = 0; t < 40; ++t) {
    scaled.rounds(1);
    plain.rounds(1);
    for (std::size_t j = 0; j < 20; ++j)
      EXPECT_NEAR(plain.x()[j] / stretched.root(j), scaled.x()[j], 1e-12 * (1 + std::abs(scaled.x()[j])));
  }
}

TEST(Local, ACommonFactorOfScalesAndStepChangesNothing) {
  const auto problem = make_quadratic({.clients = 4, .d = 12, .s = 0.8});
  Looked once(*problem, "savic(adagrad, steps=3, refresh=1000000, alpha=0.1)", 0.1);
  // D is that of gradients at 8 times the scale: f scaled by 8 has 8 times the gradients, so 8 g / (8 s) = g
  // / s.
  class Times8 final : public Changed {
   public:
    using Changed::Changed;
    Measured value_gradient(std::size_t i, Rows rows, View x, MutView g) const override {
      const Measured measured = problem_.value_gradient(i, rows, x, g);
      scale(8, g);
      return measured;
    }
  };
  const Times8 times8(*problem);
  Looked again(times8, "savic(adagrad, steps=3, refresh=1000000, alpha=0.8)", 0.1);
  once.rounds(20);
  again.rounds(20);
  for (std::size_t j = 0; j < 12; ++j) EXPECT_EQ(again.x()[j], once.x()[j]);  // powers of two: same rounding
}

/// Hessians a_m I: local OASIS takes steps by g_m / a_m. Their mean is not 0 where the mean gradient is 0.
TEST(Local, LocalScalesMoveTheLimitAndGlobalOnesDoNot) {
  const auto problem = unlike_clients();
  ThreadPool pool(1);
  Fleet fleet(pool);
  const auto norm_at_the_end = [&](const char* scaling, const char* step) {
    return train(with(fmt::format("savic(oasis, scaling={}, alpha=1e-3)", scaling), step, 4000),
                 opened(*problem))
        .last()
        .grad_norm_sq;
  };
  EXPECT_LE(norm_at_the_end("global", "0.1"), 1e-24);
  const double biased = norm_at_the_end("local", "0.1");
  EXPECT_GE(biased, 1e-3);
  EXPECT_NEAR(norm_at_the_end("local", "0.01"), biased, 1e-9 * biased) << "shorter steps do not help";
  Looked local(*problem, "savic(oasis, scaling=local, alpha=1e-3)", 0.1);
  local.rounds(2000);
  Vector sum(6), g(6);
  for (std::size_t m = 0; m < 10; ++m) {
    problem->value_gradient(m, Rows::everything(), local.x(), g);
    for (std::size_t j = 0; j < 6; ++j) sum[j] += g[j] / local.D(m)[j];
  }
  EXPECT_LE(norm_sq(sum), 1e-20);
}

TEST(Local, CurvatureOfADiagonalHessianIsExact) {
  const auto problem = unlike_clients();
  ThreadPool pool(1);
  Fleet fleet(pool);
  const double mean = problem->constants(fleet).value().L_minus;
  for (const char* probes : {"own", "shared"}) {
    Looked global(*problem, fmt::format("savic(oasis, probes={})", probes), 0.1);
    for (const double D : global.D()) EXPECT_NEAR(D, mean, 1e-12 * mean);
  }
}

TEST(Scaling, FollowsItsRule) {
  Vector D = {0, 0};
  const auto scaling = [](const char* name, double beta) {
    for (const ScalingRow& row : scalings()) {
      if (row.name == std::string_view(name)) return Scaling{.row = &row, .beta = beta, .alpha = 0.5};
    }
    throw std::logic_error("no such scaling");
  };
  // Adam's second moment with its bias correction: v_t / (1 - beta^t), v_t = beta v + (1 - beta) g^2.
  double v = 0;
  for (int t = 0; t < 5; ++t) {
    const double g = 1 + t;
    v = 0.9 * v + 0.1 * g * g;
    scaling("adam", 0.9).update(static_cast<std::size_t>(t), Vector{g * g, 0}, D);
    EXPECT_NEAR(D[0], std::sqrt(v / (1 - std::pow(0.9, t + 1))), 1e-14);
  }
  D = {2, 3};
  scaling("rmsprop", 0.75).update(7, Vector{1, -1e-9}, D);
  EXPECT_NEAR(D[0], std::sqrt(0.75 * 4 + 0.25), 1e-15);
  EXPECT_NEAR(D[1], std::sqrt(0.75 * 9), 1e-15);
  D = {2, 3};
  scaling("adagrad", 0).update(7, Vector{5, 0}, D);
  EXPECT_EQ(D, (Vector{3, 3}));
  scaling("oasis", 0.75).update(1, Vector{-5, 1}, D);
  EXPECT_EQ(D, (Vector{1, 2.5}));
  scaling("oasis", 0.75).update(0, Vector{-5, 0.25}, D);
  EXPECT_EQ(D, (Vector{-5, 0.25}));
  Vector s(2);
  scaling("oasis", 0.75).clip(D, s);
  EXPECT_EQ(s, (Vector{5, 0.5}));
}

TEST(Local, AServerThatHardlyScalesIsFedAvg) {
  const auto problem = unlike_clients();
  // tau dominates v: x += 1e9 moved / (|moved| + 1e9).
  Job scaled = with("fedadam(steps=3, beta1=0, beta2=0, tau=1e9)", "0.01");
  scaled.outer_step = 1e9;
  expect_close(train(scaled, opened(*problem)), train(with("fedavg(steps=3)", "0.01"), opened(*problem)),
               1e-7);
}

/// The first step of AdamW is gamma sign(g), up to epsilon, and the first step of Nesterov is eta_s (1 + mu)
/// times the mean movement.
TEST(Local, DiLoCoBeginsWithTheSigns) {
  const auto problem = unlike_clients();
  Looked method(*problem, "diloco(steps=1, weight-decay=0)", 0.01);
  method.rounds(1);
  Vector start(6), expected(6), g(6);
  problem->start(start);
  copy(start, expected);
  for (std::size_t m = 0; m < 10; ++m) {
    problem->value_gradient(m, Rows::everything(), start, g);
    for (std::size_t j = 0; j < 6; ++j) expected[j] -= 0.7 * 1.9 * 0.01 * (g[j] > 0 ? 1 : -1) / 10;
  }
  for (std::size_t j = 0; j < 6; ++j) EXPECT_NEAR(method.x()[j], expected[j], 1e-8);
}

TEST(LocalLedger, CountsModelsStatisticsAndMomenta) {
  struct Case {
    const char* method;
    double at_start, a_round;         // vectors sent by a client
    double down_first, down_a_round;  // vectors sent by the server in round 1 and in the others
    double calls_at_start, calls_a_round;
  };
  for (const Case& c : {Case{"local-sgd(steps=3)", 0, 1, 1, 1, 0, 3},
                        {"local-sgd(steps=3, momentum=0.9)", 0, 2, 2, 2, 0, 3},
                        {"local-sgd(steps=3, momentum=0.9, momentum-at-sync=reset)", 0, 1, 1, 1, 0, 3},
                        {"fedadam(steps=3)", 0, 1, 1, 1, 0, 3},
                        {"diloco(steps=3)", 0, 1, 1, 1, 0, 3},
                        {"savic(adam, steps=3)", 1, 2, 2, 2, 1, 4},
                        {"savic(adam, steps=3, refresh-at-start=0)", 0, 2, 1, 2, 0, 4},
                        {"savic(adam, steps=3, scaling=local)", 0, 1, 1, 1, 1, 4},
                        {"savic(oasis, steps=3, start-probes=7)", 1, 2, 2, 2, 7, 4},
                        {"savic(rmsprop, steps=3, momentum=0.9)", 1, 3, 3, 3, 1, 4}}) {
    SCOPED_TRACE(c.method);
    const Outcome outcome = train({.problem = "quadratic(d=20, s=0.3)", .method = c.method, .step = "0.01"});
    for (const Row& row : outcome.rows) {
      const double t = static_cast<double>(row.round);
      EXPECT_DOUBLE_EQ(row.uplink_floats, 20 * (c.at_start + t * c.a_round));
      EXPECT_DOUBLE_EQ(row.uplink_bits, (20 * 32 + 8) * (c.at_start + t * c.a_round));
      EXPECT_DOUBLE_EQ(row.downlink_bits, t == 0 ? 0 : 20 * 32 * (c.down_first + (t - 1) * c.down_a_round));
      EXPECT_DOUBLE_EQ(row.oracle_calls, c.calls_at_start + t * c.calls_a_round);
      EXPECT_EQ(row.participants, t > 0 || c.at_start > 0 ? 5U : 0U);
      EXPECT_EQ(row.consensus, 0);
    }
  }
  const Outcome rare =
      train({.problem = "quadratic(d=20)", .method = "savic(adam, refresh=4)", .step = "0.01"});
  for (const Row& row : rare.rows)
    EXPECT_DOUBLE_EQ(row.uplink_floats, 20.0 * static_cast<double>(1 + row.round + row.round / 4));
  const Outcome few =
      train({.problem = "quadratic(d=20)", .method = "fedavg(steps=2, sample=2)", .step = "0.01"});
  for (const Row& row : few.rows) {
    EXPECT_DOUBLE_EQ(row.uplink_floats, 20 * 0.4 * static_cast<double>(row.round));
    EXPECT_EQ(row.participants, row.round > 0 ? 2U : 0U);
  }
  const Outcome compressed =
      train({.problem = "quadratic(d=20)", .method = "savic(adam, compressor=rand-k(5))", .step = "0.01"});
  EXPECT_DOUBLE_EQ(compressed.last().uplink_floats, 5 * (1 + 2 * 20));
}

TEST(Participation, SamplesWithoutReplacementAndEvenly) {
  const std::size_t n = 7;
  for (const std::size_t sample : {std::size_t{1}, std::size_t{3}, std::size_t{7}}) {
    const auto participation = sampled(n, sample);
    std::vector<double> drawn(n), after_first(n);
    for (std::uint32_t t = 0; t < 7000; ++t) {
      const std::vector<Share>& shares = participation->draw(Key{.seed = 4, .round = t}.common());
      ASSERT_EQ(shares.size(), sample);
      for (std::size_t s = 0; s < sample; ++s) {
        ASSERT_LT(shares[s].client, n);
        if (s > 0) {
          ASSERT_LT(shares[s - 1].client, shares[s].client);
        }
        EXPECT_DOUBLE_EQ(shares[s].weight, 1.0 / static_cast<double>(sample));
        ++drawn[shares[s].client];
      }
    }
    // A count is binomial: its standard deviation is below 42.
    for (const double count : drawn) EXPECT_NEAR(count, 1000.0 * static_cast<double>(sample), 170);
  }
}

TEST(LocalErrors, SayWhatIsNeeded) {
  const auto refusal = [](const std::string& method, const std::string& problem = "quadratic(d=20)") {
    return error_of([&] { train({.problem = problem, .method = method, .step = "0.1"}); });
  };
  EXPECT_THAT(refusal("savic"), HasSubstr("as in savic(adam, steps=10)"));
  EXPECT_THAT(refusal("savic(adm)"), HasSubstr("unknown scaling \"adm\" (did you mean \"adam\"?)"));
  EXPECT_THAT(refusal("savic(adam, beta=1)"), HasSubstr("beta = 1; need 0 <= beta < 1"));
  EXPECT_THAT(refusal("savic(adam, alpha=0)"), HasSubstr("alpha = 0; need alpha > 0"));
  EXPECT_THAT(refusal("local-sgd(momentum=1)"), HasSubstr("momentum = 1; need 0 <= momentum < 1"));
  EXPECT_THAT(refusal("fedavg(sample=6)"), HasSubstr("sample = 6; need 1 <= sample <= 5, the clients"));
  EXPECT_THAT(refusal("fedadam(tau=0)"), HasSubstr("tau = 0; need tau > 0"));
  EXPECT_THAT(refusal("fedadam(beta2=1)"), HasSubstr("beta2 = 1; need 0 <= beta2 < 1"));
  EXPECT_THAT(refusal("diloco(weight-decay=-1)"), HasSubstr("weight-decay = -1; need weight-decay >= 0"));
  EXPECT_THAT(refusal("savic(oasis)", "autoencoder(generated(d=5), 2)"),
              HasSubstr("oasis needs Hessian-vector products, which this problem does not have"));
  EXPECT_THAT(error_of([&] { train({.problem = "quadratic(d=20)", .method = "local-sgd"}); }),
              HasSubstr("give a number"));
}

// Compressed by the identity, a downlink changes what the messages are called, but no point.
TEST(Local, DownlinksThatLoseNothingChangeNothing) {
  for (const char* method :
       {"local-sgd(steps=3)", "fedavg(steps=2, sample=2)", "savic(adam, steps=2, momentum=0.5)"}) {
    Job job{.problem = "logistic(generated(rows=9, d=12, shift=0.5), lambda=0.1)",
            .method = method,
            .step = "0.1",
            .rounds = 30,
            .wire = Wire::f64};
    const Outcome plain = train(job);
    for (const char* downlink : {"ef21-p(identity)", "ef21(identity)", "marina-p(identity, p=0.5)",
                                 "marina-p(rand-k(12), shared=1)"}) {
      job.downlink = downlink;
      expect_close(train(job), plain, 1e-11);
    }
  }
}

// EF21-P sends K values of each point, the direction of EF21 K after the first round.
TEST(Local, CompressedDownlinksSendFewerValuesAndArrive) {
  Job job{.problem = "logistic(generated(rows=9, d=12, shift=0.5), lambda=0.1)",
          .method = "local-sgd(steps=2)",
          .step = "0.2",
          .rounds = 400};
  const Outcome plain = train(job);
  for (const auto& [downlink, values] : {std::pair{"ef21-p(top-k(3))", 400.0 * 3},
                                         {"ef21(top-k(3))", 12 + 399.0 * 3},
                                         {"marina-p(rand-k(3), shared=1, p=1)", 400.0 * 12}}) {
    job.downlink = downlink;
    const Outcome outcome = train(job);
    EXPECT_EQ(outcome.last().downlink_floats, values) << downlink;
    EXPECT_NEAR(outcome.last().f, plain.last().f, 1e-6) << downlink;
  }
}

TEST(Local, TakesTheServersRuleUnlessItHasItsOwn) {
  Job job{.problem = "quadratic(d=20)", .method = "local-sgd(steps=2)", .step = "0.1", .rounds = 3};
  const Outcome plain = train(job);
  job.outer = "heavy-ball(0)";
  EXPECT_EQ(train(job).x, plain.x);
  job.outer = "heavy-ball(0.9)";
  EXPECT_NE(train(job).x, plain.x);
  for (const char* method : {"fedadam(steps=2)", "diloco(steps=2)", "scaffold(steps=2)"}) {
    job.method = method;
    EXPECT_THROW(train(job), InputError) << method;
  }
  job.method = "local-sgd(steps=2)";
  job.outer = "prox-l1(0.1)";
  EXPECT_THROW(train(job), InputError);
}

}  // namespace
}  // namespace laconic::testing
