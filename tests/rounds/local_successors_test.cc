// SPDX-License-Identifier: Apache-2.0
// Successors of local SGD around a server: what they have in common with other methods, what they keep
// invariant, and plain loops. For trajectories compared with NumPy see tests/reference.
#include <cmath>

#include <gmock/gmock.h>

#include "laconic/compress/dct.h"
#include "laconic/problem/distributed_ls.h"
#include "tests/rounds/method_runs.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kRidge = "logistic(generated(rows=9, d=12, shift=0.5), lambda=0.1)";

Job job_of(const std::string& method, const std::string& step = "0.3", std::size_t rounds = 12) {
  return {.problem = kRidge, .method = method, .step = step, .rounds = rounds, .wire = Wire::f64};
}

double largest_distance(const Vector& a, const Vector& b) {
  double largest = 0;
  for (std::size_t j = 0; j < a.size(); ++j) largest = std::max(largest, std::abs(a[j] - b[j]));
  return largest;
}

/// A method that gives access to its state.
class Looked {
 public:
  explicit Looked(const Job& job)
      : pool_(1),
        fleet_(pool_),
        experiment_(config_of(job), opened(job)),
        method_(experiment_.make_method()) {
    method_->start(fleet_, nullptr);
  }
  State after(std::size_t rounds) {
    while (t_ < rounds) method_->round(fleet_, ++t_, nullptr);
    return method_->state(fleet_);
  }
  /// Continues from a state after these rounds.
  void restore(const State& state, std::size_t rounds) {
    const State own = method_->state(fleet_);
    *own.ledger = *state.ledger;
    ASSERT_EQ(own.shared.size(), state.shared.size());
    for (std::size_t k = 0; k < own.shared.size(); ++k) copy(state.shared[k], own.shared[k]);
    for (std::size_t i = 0; i < own.clients.size(); ++i) {
      ASSERT_EQ(own.clients[i].size(), state.clients[i].size());
      for (std::size_t k = 0; k < own.clients[i].size(); ++k) copy(state.clients[i][k], own.clients[i][k]);
    }
    t_ = rounds;
  }
  [[nodiscard]] View x() const { return method_->point(); }

 private:
  ThreadPool pool_;
  Fleet fleet_;
  const Experiment experiment_;
  std::unique_ptr<Method> method_;
  std::size_t t_ = 0;
};

TEST(LocalIdentities, ScaffnewIsScaffoldAndKGt) {
  for (const double outer : {1.0, 0.7}) {
    Job job = job_of("scaffold(steps=4)");
    job.outer_step = outer;
    const Vector scaffold = train(job).x;
    for (const char* method :
         {"scaffold(steps=4, vectors=1)", "scaffnew(steps=4)", "compressed-scaffnew(steps=4, owners=5)"}) {
      job.method = method;
      const Outcome outcome = train(job);
      EXPECT_LE(largest_distance(outcome.x, scaffold), 1e-13) << method;
      EXPECT_EQ(outcome.last().uplink_floats, 12 * 12) << "one vector a round";
    }
    job.method = "k-gt(steps=4)";
    job.topology = "complete";
    EXPECT_LE(largest_distance(train(job).x, scaffold), 1e-13);
  }
  EXPECT_EQ(train(job_of("compressed-scaffnew(p=0.3, owners=5)")).x, train(job_of("scaffnew(p=0.3)")).x);
}

TEST(LocalIdentities, WithoutTheirPartTheyAreLocalSgd) {
  const Vector plain = train(job_of("local-sgd(steps=3)")).x;
  for (const char* method :
       {"fedprox(steps=3, mu=0)", "fednova(steps=3)", "fednova(steps=3..3)",
        "local-sgd(steps=3, compressor=ef21(identity))",
        "local-sgd(steps=3, compressor=ef(identity, decay=0.5))",
        "sparseloco(steps=3, keep=12, decay=1, bits=32, inner=sgd)",
        "sparseloco(steps=3, keep=12, chunk=5, decay=0.3, bits=32, inner=sgd, average=senders)"}) {
    EXPECT_LE(largest_distance(train(job_of(method)).x, plain), 1e-14) << method;
  }
}

TEST(LocalIdentities, OneFragmentWithoutDelayIsDiloco) {
  for (const char* outer : {"0.7", "1"}) {
    Job job = job_of("diloco(steps=5)", "0.01");
    job.outer_step = std::stod(outer);
    const std::string diloco = text_of(train(job));
    job.method = "streaming-diloco(steps=5, fragments=1, delay=0, mix=0)";
    EXPECT_EQ(text_of(train(job)), diloco);
  }
}

TEST(LocalIdentities, MuLoCoWithoutMatricesIsDiloco) {
  const Vector diloco = train(job_of("diloco(steps=5, beta2=0.95, weight-decay=0)", "0.01")).x;
  EXPECT_LE(largest_distance(train(job_of("muloco(steps=5, adamw-step=0.01)", "1")).x, diloco), 1e-13);
}

// y_i = x; L steps along g_i - h_i; db = (1/(2n)) sum (y_i - x), ...: locodl(identity) by a plain loop.
TEST(LocalIdentities, LoCoDLIsItsLoop) {
  const Job job = job_of("locodl(identity, steps=3)", "0.4", 10);
  const auto problem = problem_of(job);
  const std::size_t n = 5, d = problem->dim();
  const double gamma = 0.4, half = 0.05, c = 1.0 / 3 / gamma;
  Vector y(d), v(d), g(d);
  std::vector<Vector> x(n, Vector(d)), u(n, Vector(d)), said(n, Vector(d));
  for (int t = 0; t < 10; ++t) {
    for (std::size_t i = 0; i < n; ++i) {
      for (int k = 0; k < 3; ++k) {
        problem->value_gradient(i, Rows::everything(), x[i], g);
        for (std::size_t j = 0; j < d; ++j) x[i][j] -= gamma * (g[j] - half * x[i][j] - u[i][j]);
      }
    }
    for (int k = 0; k < 3; ++k) {
      for (std::size_t j = 0; j < d; ++j) y[j] -= gamma * (half * y[j] - v[j]);
    }
    Vector db(d);
    for (std::size_t i = 0; i < n; ++i) {
      subtract(x[i], y, said[i]);
      axpy(1.0 / (2 * n), said[i], db);
    }
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t i = 0; i < n; ++i) {
        x[i][j] = y[j] + db[j];
        u[i][j] += c * (db[j] - said[i][j]);
      }
      v[j] += c * db[j];
      y[j] += db[j];
    }
  }
  EXPECT_LE(largest_distance(train(job).x, y), 1e-13);
}

/// shared: {x, D, m, v, ..}; of each client: {D, h_i, y_i, ..}.
TEST(LocalInvariants, VariatesSumToZero) {
  for (const char* method : {"scaffnew(p=0.3)", "compressed-scaffnew(p=0.3, owners=3)",
                             "compressed-scaffnew(steps=2, owners=2)", "scaffold(steps=3, vectors=1)"}) {
    Job job = job_of(method);
    job.outer = "nesterov(0.5)";
    job.wire = Wire::f32;
    Looked looked(job);
    const State state = looked.after(12);
    Vector sum(12);
    double size = 0;
    for (const auto& client : state.clients) {
      axpy(1, client[1], sum);
      size = std::max(size, std::sqrt(norm_sq(client[1])));
    }
    EXPECT_GT(size, 1e-3) << method;
    EXPECT_LE(std::sqrt(norm_sq(sum)), 1e-14 * (1 + size)) << method;
  }
  for (const char* method : {"locodl(rand-k(3), p=0.3)", "locodl(natural, steps=2)"}) {
    Looked looked(job_of(method));
    const State state = looked.after(12);
    Vector sum(state.shared[3].begin(), state.shared[3].end());
    EXPECT_GT(norm_sq(sum), 1e-8);
    for (const auto& client : state.clients) axpy(0.2, client[1], sum);
    EXPECT_LE(std::sqrt(norm_sq(sum)), 1e-14) << method;
  }
}

TEST(LocalState, IsAllThatAMethodKeeps) {
  for (const char* method :
       {"scaffnew(p=0.3)", "compressed-scaffnew(p=0.4, owners=2)", "locodl(rand-k(3), p=0.4)",
        "fedprox(steps=2, sample=2)", "fednova(steps=1..3, momentum=0.5)", "scaffold(steps=3, vectors=1)",
        "local-sgd(steps=2, momentum=0.5, compressor=ef(top-k(3), decay=0.9))",
        "fedavg(steps=2, sample=2, compressor=ef21(top-k(3)))", "sparseloco(steps=2, keep=2, chunk=5)",
        "sparseloco(steps=2, keep=2, chunk=5, average=senders)", "muloco(steps=2)",
        "streaming-diloco(steps=5, fragments=3, delay=2, mix=0.3)",
        "streaming-diloco(steps=5, fragments=1, delay=4)", "demo(keep=2, chunk=5)"}) {
    const Job job = job_of(method, "0.02");
    Looked whole(job), first(job), second(job);
    const State state = first.after(5);
    second.restore(state, 5);
    whole.after(11);
    second.after(11);
    const Vector expected(whole.x().begin(), whole.x().end());
    EXPECT_EQ(Vector(second.x().begin(), second.x().end()), expected) << method;
    EXPECT_NE(Vector(first.x().begin(), first.x().end()), expected) << method;
  }
}

TEST(LocalInvariants, TheServersDirectionIsTheMeanOfTheMemories) {
  Job job = job_of("fedavg(steps=2, sample=2, compressor=ef21(top-k(3)))");
  Looked looked(job);
  const State state = looked.after(12);
  Vector mean(12);
  for (const auto& client : state.clients) axpy(0.2, client[3], mean);
  EXPECT_GT(norm_sq(mean), 1e-8);
  EXPECT_LE(std::sqrt(distance_sq(mean, state.shared[4])), 1e-14);
}

TEST(LocalLimits, VariatesRemoveTheDrift) {
  const auto norm = [](const std::string& method, std::size_t rounds = 600) {
    return train(job_of(method, "0.5", rounds)).last().grad_norm_sq;
  };
  EXPECT_GE(norm("local-sgd(steps=5)"), 1e-9);
  EXPECT_GE(norm("fedprox(steps=5, mu=0.1)"), 1e-9);
  for (const char* method : {"scaffnew(p=0.3)", "scaffnew(steps=5)", "compressed-scaffnew(p=0.5, owners=2)"})
    EXPECT_LE(norm(method), 1e-20) << method;
  EXPECT_LE(norm("locodl(rand-k(6), p=0.5)", 2500), 1e-20);
}

TEST(LocalLimits, FedNovaRemovesTheBiasOfTheWeights) {
  // In FedAvg a client with more steps would weigh more.
  const double fednova = train(job_of("fednova(steps=1..5)", "0.02", 3000)).last().grad_norm_sq;
  EXPECT_LE(fednova, 1e-5);
  EXPECT_LE(train(job_of("fednova(steps=1..5)", "0.002", 30000)).last().grad_norm_sq, 0.05 * fednova);
}

TEST(LocalTheory, DefaultsAreThoseOfThePapers) {
  Job job = job_of("scaffnew", "theory", 3);
  const auto fact = [](const Outcome& outcome, const std::string& name) {
    for (const auto& [key, value] : outcome.assembly.facts) {
      if (key == name) return value;
    }
    return -1.0;
  };
  const Outcome scaffnew = train(job);
  const Constants& c = *scaffnew.constants;
  const double kappa = c.L_max / *c.mu;
  EXPECT_DOUBLE_EQ(scaffnew.step, 1 / c.L_max);
  EXPECT_DOUBLE_EQ(fact(scaffnew, "p"), 1 / std::sqrt(kappa));
  EXPECT_THAT(scaffnew.assembly.theorem->promise, HasSubstr("in each local step"));
  job.method = "compressed-scaffnew(owners=2)";
  EXPECT_DOUBLE_EQ(fact(train(job), "p"), std::min(1.0, std::sqrt(5 / (2 * kappa))));
  job.method = "locodl(rand-k(6))";
  const Outcome locodl = train(job);
  EXPECT_DOUBLE_EQ(locodl.step, 1 / (c.L_max - 0.05));
  EXPECT_DOUBLE_EQ(fact(locodl, "rho"), 1 / 1.2);
  EXPECT_DOUBLE_EQ(fact(locodl, "p"), std::min(1.0, std::sqrt(1.2 * 3 * 0.05 / (c.L_max - 0.05))));
  EXPECT_FALSE(train(job_of("scaffnew(p=0.5)")).assembly.theorem == std::nullopt);
}

/// One round of SparseLoCo in two bits, by hand: a step of plain SGD of one client.
TEST(SparseLoCo, SendsClustersAndKeepsTheRest) {
  Job job = job_of("sparseloco(steps=1, keep=12, chunk=12, inner=sgd)", "1", 1);
  job.clients = 1;
  const auto problem = problem_of(job);
  Vector g(12);
  problem->value_gradient(0, Rows::everything(), Vector(12), g);  // D = g, from x = 0
  double mean = 0, squares = 0;
  for (const double v : g) mean += v / 12;
  for (const double v : g) squares += (v - mean) * (v - mean);
  const double width = 1.5 * std::sqrt(squares / 11);
  double sum[4] = {}, count[4] = {};
  const auto code = [&](double v) {
    return static_cast<std::size_t>(std::clamp(std::nearbyint((v - mean) / width + 2), 0.0, 3.0));
  };
  for (const double v : g) {
    sum[code(v)] += v - mean;
    ++count[code(v)];
  }
  Looked looked(job);
  const State state = looked.after(1);
  for (std::size_t j = 0; j < 12; ++j) {
    const double said = mean + sum[code(g[j])] / count[code(g[j])];
    EXPECT_NEAR(looked.x()[j], -said, 1e-14);
    EXPECT_NEAR(state.clients[0][3][j], -(g[j] - said), 1e-14);
  }
  EXPECT_DOUBLE_EQ(train(job).last().uplink_floats, 5 + 12 * 2 / 64.0);
}

/// Against the paper's lines, with the transform as a sum of cosines.
TEST(Demo, IsItsLoop) {
  Job job = job_of("demo(keep=2, chunk=5, decay=0.9, weight-decay=0.1)", "0.01", 8);
  const auto problem = problem_of(job);
  const std::size_t n = 5, d = 12, N = 4;  // the largest divisor of 12 up to 5
  const auto basis = [&](std::size_t k, std::size_t j) {
    return std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(N)) *
           std::cos(M_PI * static_cast<double>((2 * j + 1) * k) / static_cast<double>(2 * N));
  };
  Vector x(d), g(d);
  std::vector<Vector> delta(n, Vector(d));
  for (int t = 0; t < 8; ++t) {
    Vector sum(d), count(d);
    for (std::size_t i = 0; i < n; ++i) {
      problem->value_gradient(i, Rows::everything(), x, g);
      for (std::size_t j = 0; j < d; ++j) delta[i][j] = 0.9 * delta[i][j] + 0.01 * g[j];
      for (std::size_t begin = 0; begin < d; begin += N) {
        Vector s(N);
        for (std::size_t k = 0; k < N; ++k) {
          for (std::size_t j = 0; j < N; ++j) s[k] += basis(k, j) * delta[i][begin + j];
        }
        std::vector<std::size_t> order = {0, 1, 2, 3};
        std::ranges::stable_sort(order, [&](auto a, auto b) { return std::abs(s[a]) > std::abs(s[b]); });
        for (const std::size_t k : {order[0], order[1]}) {
          sum[begin + k] += s[k];
          ++count[begin + k];
          for (std::size_t j = 0; j < N; ++j) delta[i][begin + j] -= basis(k, j) * s[k];
        }
      }
    }
    for (std::size_t begin = 0; begin < d; begin += N) {
      for (std::size_t j = 0; j < N; ++j) {
        double direction = 0;
        for (std::size_t k = 0; k < N; ++k) {
          if (count[begin + k] > 0) direction += basis(k, j) * sum[begin + k] / count[begin + k];
        }
        x[begin + j] = x[begin + j] * (1 - 0.001) - 0.01 * (direction > 0 ? 1 : direction < 0 ? -1 : 0);
      }
    }
  }
  const Outcome outcome = train(job);
  EXPECT_LE(largest_distance(outcome.x, x), 1e-12);
  EXPECT_DOUBLE_EQ(outcome.last().uplink_floats, 9 * 6);  // 2 of each of 3 tiles
}

TEST(StreamingDiloco, AppliesAFragmentSomeStepsLater) {
  // With delay, the fragment that is sent last in round 1 is applied in round 2.
  Job job = job_of("streaming-diloco(steps=4, fragments=2, delay=1, mix=0)", "0.01", 1);
  Looked looked(job);
  looked.after(1);
  for (std::size_t j = 0; j < 6; ++j) EXPECT_NE(looked.x()[j], 0);
  for (std::size_t j = 6; j < 12; ++j) EXPECT_EQ(looked.x()[j], 0);
  looked.after(2);
  for (std::size_t j = 6; j < 12; ++j) EXPECT_NE(looked.x()[j], 0);
  const Outcome outcome = train(job_of("streaming-diloco(steps=4, fragments=3, delay=2)", "0.01", 7));
  EXPECT_EQ(outcome.last().uplink_floats, 7 * 12);
  EXPECT_EQ(outcome.last().oracle_calls, 7 * 4 * 9);
  EXPECT_EQ(outcome.last().participants, 5U);
}

TEST(LocalSuccessorErrors, SayWhatIsNeeded) {
  const auto refusal = [](const std::string& method, const std::string& downlink = "",
                          const std::string& outer = "", const std::string& problem = kRidge) {
    Job job = job_of(method);
    job.problem = problem;
    job.downlink = downlink;
    job.outer = outer;
    return error_of([&] { train(job); });
  };
  EXPECT_THAT(refusal("scaffnew(p=0.5, steps=2)"), HasSubstr("takes p or steps, not both"));
  EXPECT_THAT(refusal("scaffnew(p=1e-9)"),
              HasSubstr("p = 1e-09; need p >= 1e-06: a round has 1/p local steps"));
  EXPECT_THAT(refusal("scaffnew", "", "", "logistic(generated(rows=9, d=12), lambda=0.1, reg=nonconvex)"),
              HasSubstr("its default p needs the constants mu and L_max"));
  EXPECT_THAT(refusal("scaffnew(p=0.5)", "ef21-p(top-k(3))"), HasSubstr("leave downlink out"));
  EXPECT_THAT(refusal("compressed-scaffnew(owners=1)"), HasSubstr("owners = 1; need 2 <= owners <= 5"));
  EXPECT_THAT(refusal("locodl(rand-k(3))", "", "", "logistic(generated(rows=9, d=12))"),
              HasSubstr("needs a problem with a ridge"));
  EXPECT_THAT(refusal("locodl(top-k(3))"), HasSubstr("needs an unbiased compressor"));
  EXPECT_THAT(refusal("locodl(rand-k(3))", "", "heavy-ball(0.9)"), HasSubstr("an outer rule of its own"));
  EXPECT_THAT(refusal("fednova(steps=3..2)"), HasSubstr("need a number, or two as in 1..5"));
  EXPECT_THAT(refusal("local-sgd(compressor=ef(rand-k(3)))"), HasSubstr("needs a contractive compressor"));
  EXPECT_THAT(refusal("streaming-diloco(steps=3)"), HasSubstr("fragments = 4; need fragments <= 3"));
  EXPECT_THAT(refusal("streaming-diloco(delay=50)"), HasSubstr("delay = 50; need delay < 50"));
  EXPECT_THAT(refusal("demo", "", "heavy-ball(0.9)"), HasSubstr("an outer rule of its own"));
}

}  // namespace
}  // namespace laconic::testing
