// SPDX-License-Identifier: Apache-2.0
// Methods without a server: compared with transcriptions of their papers, and their invariants in every
// round.
#include <cmath>

#include <gmock/gmock.h>

#include "laconic/local/local_steps.h"
#include "laconic/problem/oracle.h"
#include "laconic/problem/quadratic.h"
#include "tests/rounds/gossip_nodes.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

/// f_i(x) + a_i'x, where the a_i, of size 100, sum to 0.
class Shifted final : public Changed {
 public:
  explicit Shifted(const Problem& problem) : Changed(problem), a_(shards(), Vector(dim())) {
    for (std::size_t i = 0; i < shards(); ++i) {
      for (std::size_t j = 0; j < dim(); ++j) {
        const double a = 100 * std::sin(static_cast<double>(1 + i * dim() + j));
        a_[i][j] += a;
        a_[(i + 1) % shards()][j] -= a;
      }
    }
  }
  Measured value_gradient(std::size_t i, Rows rows, View x, MutView g) const override {
    Measured measured = problem_.value_gradient(i, rows, x, g);
    measured.value += dot(a_[i], x);
    axpy(1, a_[i], g);
    return measured;
  }
  [[nodiscard]] View a(std::size_t i) const { return a_[i]; }

 private:
  Vectors a_;
};

/// Client i is client 3i + 4 (mod n) of the other, n not a multiple of 3.
class Relabelled final : public Changed {
 public:
  using Changed::Changed;
  [[nodiscard]] std::size_t old_name(std::size_t i) const { return (3 * i + 4) % shards(); }
  Measured value_gradient(std::size_t i, Rows rows, View x, MutView g) const override {
    return problem_.value_gradient(old_name(i), rows, x, g);
  }
};

// --- the papers, in full gradients and doubles ---------------------------------------------------

/// Z = (X - Y) / (K eta_c);  C <- C - Z + W Z;  X <- W (X - K eta_c eta_s Z).
Vectors k_gt(const Problem& problem, const MixingPlan& plan, std::size_t K, double eta_c, double eta_s,
             bool average, std::size_t rounds) {
  Vectors x = starts_of(problem);
  Vectors c = zeros_like(x);
  if (average) {
    const Vectors g = gradients(problem, x);
    for (Vector& each : c) {
      for (const Vector& g_j : g) axpy(1.0 / static_cast<double>(g.size()), g_j, each);
    }
    add(-1, g, c);
  }
  const double k_eta = static_cast<double>(K) * eta_c;
  for (std::size_t t = 1; t <= rounds; ++t) {
    Vectors y = x;
    for (std::size_t k = 0; k < K; ++k) {
      const Vectors g = gradients(problem, y);
      add(-eta_c, g, y);
      add(-eta_c, c, y);
    }
    Vectors z = zeros_like(x);
    add(1 / k_eta, x, z);
    add(-1 / k_eta, y, z);
    add(-1, z, c);
    add(1, mixed(plan.of_round(t), z), c);
    add(-k_eta * eta_s, z, x);
    x = mixed(plan.of_round(t), x);
  }
  return x;
}

/// X <- W_s (X - eta Y);  Y <- W_s Y + G(X) - G_before, with W_s = I but for every K-th step.
Vectors skipping_gt(const Problem& problem, const MixingPlan& plan, std::size_t K, double eta,
                    std::size_t rounds) {
  Vectors x = starts_of(problem);
  Vectors before = gradients(problem, x);
  Vectors y = before;
  for (std::size_t s = 1; s <= K * rounds; ++s) {
    add(-eta, y, x);
    if (s % K == 0) {
      x = mixed(plan.of_round(s / K), x);
      y = mixed(plan.of_round(s / K), y);
    }
    const Vectors g = gradients(problem, x);
    add(1, g, y);
    add(-1, before, y);
    before = g;
  }
  return x;
}

Vectors d_sgd(const Problem& problem, const MixingPlan& plan, std::size_t K, double eta_c, double eta_s,
              std::size_t rounds) {
  Vectors x = starts_of(problem);
  for (std::size_t t = 1; t <= rounds; ++t) {
    Vectors y = x;
    for (std::size_t k = 0; k < K; ++k) add(-eta_c, gradients(problem, y), y);
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t j = 0; j < y[i].size(); ++j) x[i][j] += eta_s * (y[i][j] - x[i][j]);
    }
    x = mixed(plan.of_round(t), x);
  }
  return x;
}

/// SCAFFOLD (arXiv 1910.06378), full participation, control variate option II.
Vector scaffold(const Problem& problem, std::size_t K, double eta_l, double eta_g, std::size_t rounds) {
  const std::size_t n = problem.shards();
  const double share = 1.0 / static_cast<double>(n);
  Vector x = starts_of(problem)[0];
  Vector c(x.size());
  Vectors c_i(n, c);
  for (std::size_t t = 0; t < rounds; ++t) {
    Vector dx(x.size());
    Vector dc(x.size());
    for (std::size_t i = 0; i < n; ++i) {
      Vector y = x;
      Vector g(x.size());
      for (std::size_t k = 0; k < K; ++k) {
        problem.value_gradient(i, Rows::everything(), y, g);
        axpy(-eta_l, g, y);
        axpy(eta_l, c_i[i], y);
        axpy(-eta_l, c, y);
      }
      Vector fresh = c_i[i];
      axpy(-1, c, fresh);
      axpy(1 / (static_cast<double>(K) * eta_l), x, fresh);
      axpy(-1 / (static_cast<double>(K) * eta_l), y, fresh);
      axpy(share, y, dx);
      axpy(-share, x, dx);
      axpy(share, fresh, dc);
      axpy(-share, c_i[i], dc);
      c_i[i] = fresh;
    }
    axpy(eta_g, dx, x);
    axpy(1, dc, c);
  }
  return x;
}

using Gossip = GossipOn;

TEST_F(Gossip, StopsAtTheConsensus) {
  const auto problem = logistic();
  Job job = {
      .method = "gt", .clients = 12, .step = "0.3", .rounds = 1500, .wire = Wire::f64, .topology = "ring"};
  const auto ended = [&](std::optional<double> target, std::optional<double> consensus) {
    job.solve.target = target;
    job.solve.target_consensus = consensus;
    return train(job, opened(*problem));
  };
  const std::vector<Row> rows = ended({}, {}).rows;
  const auto first = [&](auto&& holds) {
    const auto found = std::find_if(rows.begin(), rows.end(), holds);
    EXPECT_TRUE(found != rows.end());
    return found->round;
  };
  // Alone it does not hold at the start, where all nodes have one point.
  const auto alone = ended({}, 1e-6);
  EXPECT_EQ(alone.summary.reason, "target reached: consensus <= 1e-06");
  EXPECT_EQ(alone.last().round, first([](const Row& row) { return row.round > 0 && row.consensus <= 1e-6; }));
  for (const auto& [target, consensus] : {std::pair{1e-3, 1e-9}, {1e-9, 1e-3}, {1e-6, 1e-6}}) {
    const auto both = ended(target, consensus);
    EXPECT_EQ(both.summary.why, Summary::Why::target);
    EXPECT_EQ(both.summary.reason,
              fmt::format("target reached: |grad f|^2 <= {}, consensus <= {}", target, consensus));
    EXPECT_EQ(both.last().round, first([&, t = target, c = consensus](const Row& row) {
                return row.grad_norm_sq <= t && row.consensus <= c;
              }));
  }
  EXPECT_EQ(ended(1e-3, 1e-300).summary.why, Summary::Why::rounds);
  EXPECT_EQ(ended(1e-300, 1e-3).summary.why, Summary::Why::rounds);
}

TEST_F(Gossip, FollowsThePapers) {
  const auto problem = logistic();
  const std::size_t rounds = 25;
  for (const char* topology :
       {"ring", "torus(3,4)", "complete", "exponential", "one-peer", "erdos-renyi(0.3)"}) {
    for (const double eta_s : {1.0, 0.8}) {
      SCOPED_TRACE(fmt::format("{}, eta_s = {}", topology, eta_s));
      const auto nodes_of = [&](const char* method) {
        auto nodes = std::make_unique<Nodes>(*problem, Job{.method = method,
                                                           .step = "0.3",
                                                           .wire = Wire::f64,
                                                           .topology = topology,
                                                           .outer_step = eta_s});
        nodes->rounds(rounds);
        return nodes;
      };
      const auto k5 = nodes_of("k-gt(steps=5)");
      expect_near(k5->all_x(), k_gt(*problem, k5->plan(), 5, 0.3, eta_s, false, rounds), 1e-12);
      expect_near(nodes_of("k-gt(steps=3, init=avg)")->all_x(),
                  k_gt(*problem, k5->plan(), 3, 0.3, eta_s, true, rounds), 1e-12);
      expect_near(nodes_of("d-sgd(steps=5)")->all_x(), d_sgd(*problem, k5->plan(), 5, 0.3, eta_s, rounds),
                  1e-12);
      const Vectors gt = skipping_gt(*problem, k5->plan(), 1, 0.3 * eta_s, rounds);
      expect_near(nodes_of("gt")->all_x(), gt, 1e-12);
      EXPECT_EQ(nodes_of("gt")->all_x(), nodes_of("k-gt")->all_x());
      EXPECT_EQ(nodes_of("gt")->all_x(), nodes_of("periodical-gt(steps=1)")->all_x());
      EXPECT_EQ(nodes_of("gt")->all_x(), nodes_of("periodical-gt(1, sample=first)")->all_x());
      if (eta_s == 1) {
        expect_near(nodes_of("periodical-gt(steps=4)")->all_x(),
                    skipping_gt(*problem, k5->plan(), 4, 0.3, rounds), 1e-12);
        EXPECT_NE(nodes_of("periodical-gt(steps=4)")->all_x(),
                  nodes_of("periodical-gt(steps=4, sample=first)")->all_x());
      }
      if (topology == std::string("complete")) {
        const Vector x = scaffold(*problem, 5, 0.3, eta_s, rounds);
        expect_near(k5->all_x(), Vectors(12, x), 1e-12);
      }
    }
  }
}

TEST_F(Gossip, WithEveryoneANeighbourIsGradientDescent) {
  const Job gd{.problem = "quadratic(d=20, s=0.8)", .method = "gd", .step = "0.2", .wire = Wire::f64};
  Job job = gd;
  job.method = "d-sgd(steps=1)";
  job.topology = "complete";
  const Outcome outcome = train(job);
  expect_close(outcome, train(gd), 1e-12);
  for (const Row& row : outcome.rows) EXPECT_LE(row.consensus, 1e-28);
}

TEST_F(Gossip, KeepsTheSumOfCorrectionsAndMovesTheMeanByTheGradients) {
  const auto problem = logistic();
  const std::size_t n = problem->shards();
  const auto oracle = minibatches(*problem, 3);
  for (const char* method :
       {"k-gt(steps=4)", "k-gt(steps=4, init=avg)", "periodical-gt(steps=4)", "gt", "d-sgd(steps=4)"}) {
    for (const char* topology : {"path", "star", "exponential", "one-peer"}) {
      for (const Wire wire : {Wire::f32, Wire::f64}) {
        SCOPED_TRACE(fmt::format("{} on {}", method, topology));
        const bool tracks = method[0] != 'd';
        const std::size_t steps = method == std::string("gt") ? 1 : 4;
        Nodes nodes(*problem, {.method = method,
                               .step = "0.2",
                               .seed = 3,
                               .wire = wire,
                               .batch = 3,
                               .topology = topology,
                               .mixing = "max-degree",
                               .outer_step = 0.9});
        for (std::uint32_t t = 1; t <= 30; ++t) {
          Vector expected(problem->dim());  // mean - eta_s eta_c (1/n) sum of all gradients
          for (std::uint32_t i = 0; i < n; ++i) {
            Vector y(nodes.x(i).begin(), nodes.x(i).end());
            axpy(1.0 / static_cast<double>(n), y, expected);
            const Vector none;
            LocalScratch scratch;
            local_steps(*oracle, {.seed = 3, .round = t, .client = i}, {steps, 0.2},
                        tracks ? View(nodes.c(i)) : none, nodes.x(i), y, Sample::mean, scratch);
            axpy(-0.9 * 0.2 * static_cast<double>(steps) / static_cast<double>(n), scratch.sample, expected);
          }
          nodes.round();
          const double rounding = wire == Wire::f64 ? 1e-13 : 1e-6;
          EXPECT_LE(std::sqrt(distance_sq(nodes.mean(), expected)),
                    rounding * (1 + std::sqrt(norm_sq(expected))));
          double consensus = 0;
          Vector sum(problem->dim());
          double size = 1;
          for (std::size_t i = 0; i < n; ++i) {
            consensus += distance_sq(nodes.x(i), nodes.mean()) / static_cast<double>(n);
            if (!tracks) continue;
            axpy(1, nodes.c(i), sum);
            size += std::sqrt(norm_sq(nodes.c(i)));
          }
          EXPECT_EQ(nodes.evaluation().consensus, consensus);
          EXPECT_LE(std::sqrt(norm_sq(sum)), 1e-12 * size);  // independent of rounding to the wire format
        }
      }
    }
  }
}

TEST_F(Gossip, OfEveryoneWithEveryoneIsScaffold) {
  const auto problem = logistic();
  for (const double eta_g : {1.0, 0.8}) {
    Job job{.method = "scaffold(steps=7)",
            .clients = 12,
            .step = "0.3",
            .rounds = 50,
            .wire = Wire::f64,
            .outer_step = eta_g};
    const Outcome server = train(job, opened(*problem));
    expect_near({server.x}, {scaffold(*problem, 7, 0.3, eta_g, 50)}, 1e-12);
    job.method = "k-gt(steps=7)";
    job.topology = "complete";
    expect_close(train(job, opened(*problem)), server, 1e-11);
    const double d = static_cast<double>(problem->dim());
    for (const Row& row : server.rows) {
      const double t = static_cast<double>(row.round);
      EXPECT_EQ(row.uplink_floats, 2 * d * t);
      EXPECT_EQ(row.uplink_bits, 2 * (64 * d + 8) * t);
      EXPECT_EQ(row.downlink_bits, 2 * 64 * d * t);
      EXPECT_EQ(row.oracle_calls, static_cast<double>(7 * problem->rows(0)) * t);
      EXPECT_EQ(row.participants, t > 0 ? 12 : 0);
      EXPECT_EQ(row.consensus, 0);
    }
  }
}

TEST(GossipLs, StaysAtItsFixedPoint) {
  const auto problem = unlike_clients();
  const Vector x = solution_of(*problem);
  for (const char* method : {"k-gt(steps=7)", "periodical-gt(steps=7)", "gt"}) {
    Nodes nodes(*problem, {.method = method, .step = "0.01", .wire = Wire::f64, .topology = "ring"});
    for (std::size_t i = 0; i < 10; ++i) {
      copy(x, nodes.x(i));
      problem->value_gradient(i, Rows::everything(), x, nodes.c(i));
      scale(-1, nodes.c(i));
    }
    nodes.rounds(100);
    EXPECT_LE(nodes.error(x), 1e-26 * norm_sq(x)) << method;
  }
}

TEST(GossipLs, TrackingReachesTheSolutionWhereDSgdStallsByZetaSquared) {
  Vector stalls;
  for (const double zeta : {1.0, 10.0, 100.0}) {
    const auto problem = unlike_clients(zeta);
    const auto error_of_method = [&](const char* method, std::size_t rounds) {
      Nodes nodes(*problem, {.method = method, .step = "0.002", .wire = Wire::f64, .topology = "ring"});
      nodes.rounds(rounds);
      return nodes.error(solution_of(*problem));
    };
    EXPECT_LE(error_of_method("k-gt(steps=10)", 4000), 1e-26 * zeta * zeta);
    EXPECT_LE(error_of_method("periodical-gt(steps=10)", 4000), 1e-26 * zeta * zeta);
    stalls.push_back(error_of_method("d-sgd(steps=10)", 4000));
  }
  EXPECT_GE(stalls[0], 1e-5);
  EXPECT_NEAR(stalls[1] / stalls[0], 100, 1e-6);
  EXPECT_NEAR(stalls[2] / stalls[0], 10000, 1e-4);
}

TEST(GossipLs, RoundsFallWithTheLocalSteps) {
  const auto problem = unlike_clients();
  const Vector x = solution_of(*problem);
  const auto rounds_of = [&](std::size_t K) {
    Nodes nodes(
        *problem,
        {.method = fmt::format("k-gt(steps={})", K), .step = "2e-4", .wire = Wire::f64, .topology = "ring"});
    std::size_t t = 0;
    for (; nodes.error(x) > 1e-6; ++t) nodes.round();
    return static_cast<double>(t);
  };
  const double one = rounds_of(1);
  for (const std::size_t K : {2, 5, 10, 20})
    EXPECT_NEAR(static_cast<double>(K) * rounds_of(K) / one, 1, 0.1) << K;
}

TEST(GossipLs, HeterogeneityShiftsTheCorrectionsAlone) {
  const auto plain = unlike_clients();
  const Shifted shifted(*plain);
  const Job job{.method = "k-gt(steps=5, init=avg)", .step = "0.005", .wire = Wire::f64, .topology = "ring"};
  Nodes a(*plain, job);
  Nodes b(shifted, job);
  Job zero = job;
  zero.method = "k-gt(steps=5)";
  Nodes c(*plain, zero);
  Nodes d(shifted, zero);
  for (Nodes* nodes : {&a, &b, &c, &d}) nodes->rounds(60);
  double apart = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_LE(distance_sq(a.x(i), b.x(i)), 1e-24);
    apart += distance_sq(c.x(i), d.x(i));
    Vector expected(a.c(i).begin(), a.c(i).end());
    axpy(-1, shifted.a(i), expected);
    EXPECT_LE(distance_sq(b.c(i), expected), 1e-20);
  }
  EXPECT_GE(apart, 1e-4);
}

TEST(GossipLs, OfClientsAlikeIsGradientDescent) {
  const auto problem = make_quadratic({.clients = 7, .d = 20, .s = 0, .lambda = 0.1});
  Nodes nodes(*problem, {.method = "k-gt(steps=6)", .step = "0.3", .wire = Wire::f64, .topology = "path"});
  Vector x(problem->dim());
  Vector g(problem->dim());
  problem->start(x);
  for (std::size_t t = 1; t <= 20; ++t) {
    nodes.round();
    for (std::size_t k = 0; k < 6; ++k) {
      problem->value_gradient(0, Rows::everything(), x, g);
      axpy(-0.3, g, x);
    }
    expect_near(nodes.all_x(), Vectors(7, x), 1e-12);
    for (std::size_t i = 0; i < 7; ++i) EXPECT_LE(norm_sq(nodes.c(i)), 1e-26);
  }
}

TEST(GossipLs, NamesOfNodesDoNotMatter) {
  const auto problem = unlike_clients();
  const Relabelled relabelled(*problem);
  for (const char* method :
       {"k-gt(steps=5)", "k-gt(steps=5, init=avg)", "periodical-gt(steps=5)", "d-sgd(steps=5)"}) {
    const Job job{.method = method, .step = "0.005", .wire = Wire::f64, .topology = "star"};
    Nodes nodes(*problem, job);
    std::vector<std::vector<Neighbour>> rows(10);  // w_ij of the new names equals w of the old ones
    for (std::uint32_t i = 0; i < 10; ++i) {
      for (std::uint32_t j = 0; j < 10; ++j) {
        for (const Neighbour& old : nodes.plan().of_round(1).row(relabelled.old_name(i))) {
          if (old.node == relabelled.old_name(j)) rows[i].push_back({j, old.weight});
        }
      }
    }
    const auto plan = std::make_shared<const MixingPlan>(std::vector{Mixing(rows)});
    Nodes other(relabelled,
                assemble(parse(method), {.problem = relabelled, .wire = Wire::f64, .mixing = plan}), 0.005);
    nodes.rounds(50);
    other.rounds(50);
    for (std::size_t i = 0; i < 10; ++i) {
      const View x = nodes.x(relabelled.old_name(i));
      EXPECT_LE(distance_sq(other.x(i), x), 1e-24 * norm_sq(x)) << method;
    }
    EXPECT_GE(distance_sq(other.x(0), nodes.x(0)), 1e-6) << method;  // otherwise the test would show nothing
  }
}

/// With sigma = 5. Errors twenty rounds apart are nearly independent, so the mean of 250 samples of 6 numbers
/// is accurate to 4 %.
TEST(GossipLs, NoiseFloorsFallWithTheLocalStepsWhereTheMeanGradientIsTracked) {
  const auto problem = make_distributed_ls({.clients = 10, .d = 6, .zeta = 10, .sigma = 5});
  const Vector x = solution_of(*problem);
  const auto floor_of = [&](const std::string& method, std::size_t K) {
    Nodes nodes(*problem, {.method = fmt::format("{}(steps={})", method, K),
                           .step = fmt::format("{}", 0.02 / static_cast<double>(K)),
                           .wire = Wire::f64,
                           .topology = "ring"});
    nodes.rounds(300);
    double sum = 0;
    for (int look = 0; look < 250; ++look) {
      nodes.rounds(20);
      sum += nodes.error(x) / 250;
    }
    return sum;
  };
  const double one = floor_of("k-gt", 1);
  EXPECT_NEAR(one, 1.2e-2, 2e-3);
  EXPECT_NEAR(5 * floor_of("k-gt", 5) / one, 1, 0.2);
  EXPECT_NEAR(20 * floor_of("k-gt", 20) / one, 1, 0.2);
  EXPECT_NEAR(floor_of("periodical-gt", 5), 5.6e-3, 1e-3);
  EXPECT_NEAR(floor_of("periodical-gt", 20), 4.4e-3, 1e-3);
}

TEST(GossipLs, WithoutOuterStepsOnlyMixes) {
  const auto problem = unlike_clients();
  Nodes nodes(
      *problem,
      {.method = "k-gt(steps=3)", .step = "0.01", .wire = Wire::f64, .topology = "path", .outer_step = 0});
  Vectors expected;
  for (std::size_t i = 0; i < 10; ++i) {
    for (std::size_t j = 0; j < 6; ++j) nodes.x(i)[j] = std::sin(static_cast<double>(7 * i + j));
    expected.emplace_back(nodes.x(i).begin(), nodes.x(i).end());
  }
  for (std::size_t t = 1; t <= 5; ++t) {
    nodes.round();
    expected = mixed(nodes.plan().of_round(t), expected);
    EXPECT_EQ(nodes.all_x(), expected);
  }
}

TEST(GossipLedger, CountsEveryDirectedEdge) {
  const std::size_t n = 16;
  const double d = 20;
  struct Case {
    const char* topology;
    double edges;
  };
  for (const Case& c : {Case{"ring", 32},
                        {"torus(4,4)", 64},
                        {"complete", 240},
                        {"star", 30},
                        {"path", 30},
                        {"hypercube", 64},
                        {"exponential", 64},
                        {"one-peer", 16}}) {
    for (const std::string method : {"d-sgd(steps=3)", "gt", "k-gt(steps=3)", "k-gt(steps=3, init=avg)"}) {
      for (const Wire wire : {Wire::f32, Wire::f64}) {
        const Outcome outcome = train({.problem = "quadratic(d=20, s=0.8)",
                                       .method = method,
                                       .clients = n,
                                       .step = "0.01",
                                       .rounds = 6,
                                       .wire = wire,
                                       .topology = c.topology});
        const double vectors = method[0] == 'd' ? 1 : 2;
        const double steps = method == "gt" ? 1 : 3;
        const double before = method.ends_with("avg)") ? 1 : 0;
        const double width = static_cast<double>(8 * bytes_of(wire));
        for (const Row& row : outcome.rows) {
          const double t = static_cast<double>(row.round);
          const double said = before + t * vectors * c.edges / n;  // messages a node
          EXPECT_DOUBLE_EQ(row.uplink_floats, said * d) << c.topology << ", " << method;
          EXPECT_DOUBLE_EQ(row.uplink_bits, said * (d * width + 8));
          EXPECT_EQ(row.downlink_bits, 0);
          EXPECT_DOUBLE_EQ(row.oracle_calls, before + t * steps);
          EXPECT_EQ(row.participants, row.round > 0 || before > 0 ? n : 0);
        }
      }
    }
  }
}

TEST(GossipErrors, NeedATopologyAndAStep) {
  const Job job{.problem = "quadratic(d=20)", .method = "k-gt(steps=3)", .step = "0.1"};
  EXPECT_EQ(error_of([&] { train(job); }),
            "method: column 1: k-gt(steps=3): has no server and needs a topology, as in topology=ring");
  Job stepless = job;
  stepless.topology = "ring";
  stepless.step = "theory";
  EXPECT_EQ(
      error_of([&] { train(stepless); }),
      "step = theory: no theorem with known constants for this method on this problem; give a number, as in "
      "step=0.1; as a scale, 1/L_minus = 1.011 here");
  Job wrong = stepless;
  wrong.method = "k-gt(steps=0)";
  EXPECT_EQ(error_of([&] { train(wrong); }),
            "method: column 1: k-gt(steps=0): steps = 0; need a whole number >= 1");
}

}  // namespace
}  // namespace laconic::testing
