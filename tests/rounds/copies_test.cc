// SPDX-License-Identifier: Apache-2.0
// Methods without a server after K-GT: exact diffusion, and methods that send compressed differences
// from public copies. Identities between methods, and the invariants of their papers in every round.
#include <cmath>
#include <string>

#include <gmock/gmock.h>

#include "tests/rounds/gossip_nodes.h"
#include "tests/support.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {
namespace {

using Copies = GossipOn;

/// The sum over the nodes of the k-th vector that each keeps, relative to the sum of their norms.
double relative_sum(Nodes& nodes, std::size_t n, std::size_t k) {
  Vector sum(nodes.vector(0, k).size());
  double size = 0;
  for (std::size_t i = 0; i < n; ++i) {
    axpy(1, nodes.vector(i, k), sum);
    size += std::sqrt(norm_sq(nodes.vector(i, k)));
  }
  return std::sqrt(norm_sq(sum)) / (1 + size);
}

TEST_F(Copies, OfIdentityAreTheUncompressedMethod) {
  const auto problem = logistic();
  struct Pair {
    const char* compressed;
    const char* plain;
    const char* mixing_of_plain;
  };
  for (const auto& [compressed, plain, mixing_of_plain] :
       {Pair{"choco(identity, steps=3)", "d-sgd(steps=3)", ""},
        Pair{"d-sgd(steps=3, compressor=identity)", "d-sgd(steps=3)", ""},
        Pair{"gt(compressor=identity)", "gt", ""},
        Pair{"periodical-gt(steps=3, compressor=identity)", "periodical-gt(steps=3)", ""},
        Pair{"k-gt(steps=3, init=avg, compressor=identity)", "k-gt(steps=3, init=avg)", ""},
        Pair{"beer(top-k(4), gamma=0.3)", "motef(top-k(4), gamma=0.3, lambda=1)", ""},
        Pair{"lead(identity)", "led(steps=1)", "lazy"},
        Pair{"lead(identity, alpha=0.4, gamma=1)", "d2", ""},  // without mixing=, d2 is lazy
        Pair{"led(steps=2, compressor=identity)", "led(steps=2)", ""}, Pair{"d2", "led", ""}}) {
    for (const char* topology : {"ring", "torus(3,4)"}) {
      SCOPED_TRACE(fmt::format("{}, {}", compressed, topology));
      Job job{.method = compressed, .step = "0.3", .wire = Wire::f64, .topology = topology};
      Nodes a(*problem, job);
      job.method = plain;
      job.mixing = mixing_of_plain;
      Nodes b(*problem, job);
      a.rounds(30);
      b.rounds(30);
      expect_near(a.all_x(), b.all_x(), 1e-11);
    }
  }
}

TEST_F(Copies, WithNidsALateStartGivesTheIteratesOfAWarmLead) {
  const auto problem = logistic();
  Job job{.method = "nids", .step = "0.3", .wire = Wire::f64, .topology = "ring"};
  Nodes nids(*problem, job);
  job.method = "lead(identity, start=warm)";
  Nodes lead(*problem, job);
  nids.rounds(1);
  EXPECT_EQ(nids.ledger().uplink_bits, 0u);
  EXPECT_EQ(nids.ledger().participants, 0u);
  for (std::size_t t = 1; t <= 20; ++t) {
    expect_near(lead.all_x(), nids.all_x(), 1e-12);
    nids.round();
    lead.round();
  }
}

TEST_F(Copies, KeepTheMeanAndTheSumsWhateverTheCompressor) {
  const auto problem = logistic();
  const std::size_t n = problem->shards();
  for (const char* compressor : {"top-k(2)", "rand-k(2)", "sign", "qsgd(2)", "natural"}) {
    for (const char* method :
         {"choco({}, gamma=0.2)", "k-gt(steps=1, compressor={}, gamma=0.2)", "gt(compressor={}, gamma=0.2)",
          "beer({}, gamma=0.2)", "motef({}, gamma=0.2, lambda=0.4)", "lead({}, gamma=0.05, alpha=0.1)"}) {
      const std::string name = fmt::format(fmt::runtime(method), compressor);
      SCOPED_TRACE(name);
      Nodes nodes(*problem, {.method = name, .step = "0.2", .wire = Wire::f64, .topology = "star"});
      const bool lead = name.starts_with("lead");
      const bool momentum = name.starts_with("motef");
      const bool steps_by_gradients = !momentum && !name.starts_with("beer");
      for (std::size_t t = 1; t <= 20; ++t) {
        Vector expected(problem->dim());
        Vector g(problem->dim());
        for (std::size_t i = 0; i < n; ++i) {
          axpy(1.0 / static_cast<double>(n), nodes.x(i), expected);
          if (steps_by_gradients) {
            problem->value_gradient(i, Rows::everything(), nodes.x(i), g);
            axpy(-0.2 / static_cast<double>(n), g, expected);
          } else {  // the mean of V
            axpy(-0.2 / static_cast<double>(n), nodes.vector(i, 1), expected);
          }
        }
        nodes.round();
        EXPECT_LE(std::sqrt(distance_sq(nodes.mean(), expected)), 1e-13 * (1 + std::sqrt(norm_sq(expected))));
        if (name.find("gt") != std::string::npos || lead) {
          EXPECT_LE(relative_sum(nodes, n, 1), 1e-13);  // of c, or of D
        }
        if (steps_by_gradients) continue;
        Vector apart(problem->dim());  // V - M
        for (std::size_t i = 0; i < n; ++i) {
          axpy(1, nodes.vector(i, 1), apart);
          axpy(-1, nodes.vector(i, 2), apart);
        }
        EXPECT_LE(std::sqrt(norm_sq(apart)), 1e-13);
      }
    }
  }
}

TEST_F(Copies, WithoutStepsReachTheMean) {  // CHOCO-Gossip
  const auto problem = logistic();
  Nodes nodes(*problem,
              {.method = "choco(top-k(2), gamma=0.15)", .step = "1", .topology = "ring", .outer_step = 0});
  Vector mean(problem->dim());
  for (std::size_t i = 0; i < problem->shards(); ++i) {
    for (std::size_t k = 0; k < problem->dim(); ++k) nodes.x(i)[k] = std::sin(static_cast<double>(9 * i + k));
    axpy(1.0 / static_cast<double>(problem->shards()), nodes.x(i), mean);
  }
  nodes.rounds(1);
  const double before = nodes.error(mean);
  nodes.rounds(2000);
  EXPECT_GT(before, 1e-2);
  EXPECT_LE(nodes.error(mean), 1e-20);
}

TEST(CopiesLs, StayAtTheFixedPoint) {
  const auto problem = unlike_clients();
  const Vector x = solution_of(*problem);
  const double eta = 0.01;
  for (const char* method : {"lead(identity)", "led(steps=1)", "led(steps=4)", "d2"}) {
    Nodes nodes(*problem, {.method = method, .step = "0.01", .wire = Wire::f64, .topology = "ring"});
    const double scale_of_D = std::string(method).starts_with("lead") ? -1
                              : std::string(method).ends_with("=4)")  ? -4 * eta
                                                                      : -eta;  // -1, or -eta / beta
    for (std::size_t i = 0; i < 10; ++i) {
      copy(x, nodes.x(i));
      problem->value_gradient(i, Rows::everything(), x, nodes.vector(i, 1));
      scale(scale_of_D, nodes.vector(i, 1));
    }
    if (nodes.vectors() == 4) {  // the public copies of Y = x, and their sums
      for (std::size_t i = 0; i < 10; ++i) {
        copy(x, nodes.vector(i, 2));
        copy(x, nodes.vector(i, 3));
      }
    }
    nodes.rounds(100);
    EXPECT_LE(nodes.error(x), 1e-24 * norm_sq(x)) << method;
  }
}

TEST(CopiesLs, ReachTheSolutionExactly) {
  const auto problem = unlike_clients();
  const Vector x = solution_of(*problem);
  for (const auto& [method, step] : std::vector<std::pair<const char*, const char*>>{
           {"k-gt(steps=5, compressor=top-k(2), gamma=0.3)", "0.002"},
           {"beer(top-k(2), gamma=0.3)", "0.002"},
           {"d2", "0.002"},
           {"nids", "0.002"},
           {"led(steps=5)", "0.002"},
           {"lead(natural)", "0.01"},
           {"gt(compressor=sign, gamma=0.2)", "0.002"}}) {
    Nodes nodes(*problem, {.method = method, .step = step, .wire = Wire::f64, .topology = "ring"});
    nodes.rounds(6000);
    EXPECT_LE(nodes.error(x), 1e-20 * norm_sq(x)) << method;
  }
}

TEST(CopiesLedger, CountsTheDifferencesOnEveryDirectedEdge) {
  for (const auto& [method, values] :
       std::vector<std::pair<std::string, double>>{{"choco(top-k(3), gamma=0.2)", 3},
                                                   {"k-gt(steps=2, compressor=rand-k(4), gamma=0.2)", 8},
                                                   {"beer(top-k(3), gamma=0.2)", 6},
                                                   {"lead(rand-k(5))", 5}}) {
    const Outcome outcome = train({.problem = "quadratic(d=20, s=0.8)",
                                   .method = method,
                                   .clients = 16,
                                   .step = "0.01",
                                   .rounds = 6,
                                   .topology = "star"});
    for (const Row& row : outcome.rows) {
      const double t = static_cast<double>(row.round);
      EXPECT_DOUBLE_EQ(row.uplink_floats, t * values * 30 / 16) << method;
      EXPECT_GE(row.uplink_bits, 32 * row.uplink_floats);
      EXPECT_LE(row.uplink_bits, t * 30 / 16 * (32 * values + 2 * (20 + 5 * 8)));
      EXPECT_EQ(row.downlink_bits, 0);
    }
  }
}

TEST(ExactDiffusion, UsesTheWeightsOfAnEdgeFileAsTheyAre) {
  TemporaryFolder folder;
  const std::string edges = folder.write("ring.txt", "0 1 0.4\n1 2 0.4\n2 3 0.4\n3 0 0.4\n");
  const Job job{.problem = "quadratic(d=20)",
                .method = "d2",
                .clients = 4,
                .step = "0.1",
                .topology = fmt::format("edges(\"{}\")", edges)};
  EXPECT_THAT(error_of([&] { train(job); }), ::testing::HasSubstr("its smallest eigenvalue is -0.6"));
}

TEST(CopiesErrors, AreToldBeforeRound0) {
  const auto refusal = [](const std::string& method, const std::string& topology,
                          const std::string& mixing = "", double outer_step = 1) {
    return error_of([&] {
      train({.problem = "quadratic(d=20)",
             .method = method,
             .clients = 16,
             .step = "0.1",
             .topology = topology,
             .mixing = mixing,
             .outer_step = outer_step});
    });
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(refusal("choco", "ring"),
              HasSubstr("its compressor is missing, as in choco(top-k(10), gamma=0.2)"));
  EXPECT_THAT(refusal("choco(gamma=0.2)", "ring"), HasSubstr("its compressor is missing"));
  EXPECT_THAT(refusal("choco(top-k(3))", "ring"), HasSubstr("\"gamma\" is missing"));
  EXPECT_THAT(refusal("k-gt(gamma=0.2)", "ring"), HasSubstr("gamma: needs compressor="));
  EXPECT_THAT(refusal("beer(top-k(3), gamma=1.5)", "ring"), HasSubstr("gamma = 1.5"));
  EXPECT_THAT(refusal("beer(top-k(3), gamma=0.5)", "one-peer"),
              HasSubstr("the same neighbours in all rounds"));
  EXPECT_THAT(refusal("beer(low-rank(1), gamma=0.5)", "ring"), HasSubstr("use warm=0"));
  EXPECT_THAT(refusal("lead(top-k(3))", "exponential"), HasSubstr("links in both directions"));
  EXPECT_THAT(refusal("d2", "one-peer"), HasSubstr("links in both directions"));
  EXPECT_THAT(refusal("d2", ""), HasSubstr("needs a topology"));
  EXPECT_THAT(refusal("led(steps=2)", "torus(4,4)", "metropolis"),
              HasSubstr("its smallest eigenvalue is -0.6; need >= -1/3, as with mixing=lazy"));
  EXPECT_THAT(refusal("nids", "ring", "", 0.5), HasSubstr("outer-step"));
  EXPECT_EQ(refusal("d2", "ring", "metropolis"), "no error");  // -1/3 exactly
}

}  // namespace
}  // namespace laconic::testing
