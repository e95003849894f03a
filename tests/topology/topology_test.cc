// SPDX-License-Identifier: Apache-2.0
// Graphs and mixing matrices: properties of all of them, and known spectra.
#include <cmath>
#include <limits>
#include <numbers>
#include <tuple>

#include <Eigen/Dense>
#include <gmock/gmock.h>

#include "laconic/topology/graph.h"
#include "laconic/topology/mixing.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

constexpr double kPi = std::numbers::pi;

struct Net {
  const char* topology;
  std::size_t nodes;
};

std::vector<Graph> graphs_of(const Net& net, std::uint64_t seed = 1) {
  return make_topology(parse(net.topology), {.nodes = net.nodes, .seed = seed});
}

MixingPlan plan_of(const Net& net, const char* mixing = "metropolis") {
  return make_mixing(parse(mixing), graphs_of(net));
}

Eigen::MatrixXd dense(const Mixing& w) {
  const auto n = static_cast<Eigen::Index>(w.nodes());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (const Neighbour& j : w.row(static_cast<std::size_t>(i))) matrix(i, j.node) = j.weight;
  }
  return matrix;
}

/// Of one period, starting with the first round.
Eigen::MatrixXd product_of(const MixingPlan& plan) {
  const auto n = static_cast<Eigen::Index>(plan.nodes());
  Eigen::MatrixXd product = Eigen::MatrixXd::Identity(n, n);
  for (std::size_t t = 1; t <= plan.period(); ++t) product = dense(plan.of_round(t)) * product;
  return product;
}

double dense_rho(const Eigen::MatrixXd& w) {
  const Eigen::MatrixXd rest =
      w - Eigen::MatrixXd::Constant(w.rows(), w.cols(), 1.0 / static_cast<double>(w.rows()));
  return Eigen::JacobiSVD<Eigen::MatrixXd>(rest).singularValues()[0];
}

const Net kNets[] = {{"ring", 1},
                     {"ring", 2},
                     {"ring", 3},
                     {"ring", 4},
                     {"ring", 10},
                     {"ring", 101},
                     {"torus(1,1)", 1},
                     {"torus(2,2)", 4},
                     {"torus(1,7)", 7},
                     {"torus(3,5)", 15},
                     {"torus(4,4)", 16},
                     {"torus(2,9)", 18},
                     {"complete", 1},
                     {"complete", 2},
                     {"complete", 17},
                     {"star", 1},
                     {"star", 2},
                     {"star", 16},
                     {"star", 40},
                     {"hypercube", 1},
                     {"hypercube", 2},
                     {"hypercube", 16},
                     {"hypercube", 64},
                     {"exponential", 1},
                     {"exponential", 2},
                     {"exponential", 3},
                     {"exponential", 16},
                     {"exponential", 21},
                     {"one-peer", 1},
                     {"one-peer", 2},
                     {"one-peer", 16},
                     {"one-peer", 21},
                     {"path", 1},
                     {"path", 2},
                     {"path", 3},
                     {"path", 50},
                     {"erdos-renyi(0.3)", 1},
                     {"erdos-renyi(0.3)", 20},
                     {"erdos-renyi(1)", 9},
                     {"erdos-renyi(0.05)", 100}};
const char* const kWeights[] = {"metropolis", "max-degree", "lazy", "lazy(max-degree)", "lazy(lazy)"};
const char* const kSymmetricWeights[] = {"best-constant", "fdla", "lazy(fdla)"};

TEST(Topologies, AreAllInTheTestsBelow) {
  for (const TopologyRow& row : topologies()) {
    if (row.name == std::string("edges")) continue;
    EXPECT_TRUE(std::any_of(std::begin(kNets), std::end(kNets), [&](const Net& net) {
      return parse(net.topology).name == row.name;
    })) << row.name;
  }
}

TEST(Mixings, KeepTheMeanAndBringTheNodesTogether) {
  for (const Net& net : kNets) {
    const bool directed = net.nodes > 2 && (net.topology == std::string("exponential") ||
                                            net.topology == std::string("one-peer"));
    const std::vector<Graph> graphs = graphs_of(net);
    EXPECT_TRUE(connected(graphs));
    std::vector<std::string> mixings(std::begin(kWeights), std::end(kWeights));
    if (!directed && net.nodes <= 20)
      mixings.insert(mixings.end(), std::begin(kSymmetricWeights), std::end(kSymmetricWeights));
    for (const std::string& weights : mixings) {
      const bool may_be_negative = weights.find("fdla") != std::string::npos || weights == "best-constant";
      SCOPED_TRACE(fmt::format("{} of {} nodes, {}", net.topology, net.nodes, weights));
      const MixingPlan plan = make_mixing(parse(weights), graphs);
      ASSERT_EQ(plan.nodes(), net.nodes);
      ASSERT_EQ(plan.period(), graphs.size());
      for (std::size_t t = 1; t <= 2 * plan.period(); ++t) {
        const Mixing& w = plan.of_round(t);
        const Graph& graph = graphs[(t - 1) % graphs.size()];
        if (!directed) {
          EXPECT_TRUE(w.symmetric() && graph.symmetric());
        }
        const Eigen::MatrixXd matrix = dense(w);
        if (!may_be_negative) {
          EXPECT_GE(matrix.minCoeff(), 0);
        }
        EXPECT_LE((matrix.rowwise().sum().array() - 1).abs().maxCoeff(), 1e-15 * 8);
        EXPECT_LE((matrix.colwise().sum().array() - 1).abs().maxCoeff(), 1e-15 * 8);
        std::size_t edges = 0;
        for (std::size_t i = 0; i < net.nodes; ++i) {
          edges += graph.degree(i);
          std::vector<std::uint32_t> others;
          for (const Neighbour& j : w.row(i)) {
            if (j.node != i) others.push_back(j.node);
          }
          EXPECT_TRUE(std::ranges::equal(others, graph.heard_by(i)));
        }
        EXPECT_EQ(w.edges(), edges);

        Vector v(net.nodes);
        Stream stream = Key{.seed = 5}.stream(Purpose::start);
        for (double& x : v) x = stream.uniform() - 0.5;
        Vector out(net.nodes);
        Vector back(net.nodes);
        w.apply(v, out);
        w.apply_transposed(v, back);
        const Eigen::Map<const Eigen::VectorXd> x(v.data(), matrix.cols());
        EXPECT_LE((Eigen::Map<Eigen::VectorXd>(out.data(), matrix.cols()) - matrix * x).norm(), 1e-14);
        EXPECT_LE((Eigen::Map<Eigen::VectorXd>(back.data(), matrix.cols()) - matrix.transpose() * x).norm(),
                  1e-14);
      }
      const MixingQuality q = quality(plan);
      EXPECT_NEAR(q.rho, dense_rho(product_of(plan)), 2e-7);  // the root of an eigenvalue near 0
      EXPECT_NEAR(q.rho * q.rho, std::pow(dense_rho(product_of(plan)), 2), 1e-12);
      EXPECT_NEAR(q.p, 1 - q.rho * q.rho, 1e-12);
      EXPECT_NEAR(q.spectral_gap, 1 - q.rho, 1e-15);
      EXPECT_TRUE(q.rho >= 0 && q.rho < 1);
      EXPECT_LE(q.spectral_gap, q.p);
      EXPECT_LE(q.p, 2 * q.spectral_gap);
    }
  }
}

TEST(Topologies, AreTheGraphsOfTheirNames) {
  using ::testing::ElementsAre;
  const auto heard = [](const Net& net, std::size_t node, std::size_t turn = 0) {
    const std::vector<Graph> graphs = graphs_of(net);
    const auto others = graphs.at(turn).heard_by(node);
    return std::vector<std::uint32_t>(others.begin(), others.end());
  };
  EXPECT_THAT(heard({"ring", 10}, 0), ElementsAre(1, 9));
  EXPECT_THAT(heard({"ring", 2}, 0), ElementsAre(1));
  EXPECT_THAT(heard({"path", 10}, 0), ElementsAre(1));
  EXPECT_THAT(heard({"path", 10}, 9), ElementsAre(8));
  // Node (1, 2) of 3 rows and 5 columns is number 7. It receives from (0, 2), (1, 1), (1, 3) and (2, 2).
  EXPECT_THAT(heard({"torus(3,5)", 15}, 7), ElementsAre(2, 6, 8, 12));
  EXPECT_THAT(heard({"torus(3,5)", 15}, 14), ElementsAre(4, 9, 10, 13));
  EXPECT_THAT(heard({"star", 5}, 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(heard({"star", 5}, 3), ElementsAre(0));
  EXPECT_THAT(heard({"complete", 4}, 2), ElementsAre(0, 1, 3));
  EXPECT_THAT(heard({"hypercube", 8}, 5), ElementsAre(1, 4, 7));
  EXPECT_THAT(heard({"exponential", 10}, 7), ElementsAre(1, 5, 8, 9));
  EXPECT_EQ(graphs_of({"one-peer", 10}).size(), 4U);
  EXPECT_THAT(heard({"one-peer", 10}, 7, 0), ElementsAre(8));
  EXPECT_THAT(heard({"one-peer", 10}, 7, 2), ElementsAre(1));
  EXPECT_THAT(heard({"one-peer", 10}, 7, 3), ElementsAre(5));
}

TEST(Mixings, HaveTheWeightsOfTheirNames) {
  // A path 0 - 1 - 2 has degrees 1, 2, 1.
  const Eigen::MatrixXd mh = dense(plan_of({"path", 3}).of_round(1));
  const Eigen::MatrixXd expected{{2 / 3.0, 1 / 3.0, 0}, {1 / 3.0, 1 / 3.0, 1 / 3.0}, {0, 1 / 3.0, 2 / 3.0}};
  EXPECT_LE((mh - expected).norm(), 1e-15);
  EXPECT_LE(
      (dense(plan_of({"path", 3}, "lazy").of_round(1)) - (Eigen::MatrixXd::Identity(3, 3) + expected) / 2)
          .norm(),
      1e-15);
  const Eigen::MatrixXd star = dense(plan_of({"star", 5}).of_round(1));
  const Eigen::MatrixXd by_largest = dense(plan_of({"star", 5}, "max-degree").of_round(1));
  EXPECT_DOUBLE_EQ(star(0, 0), 0.2);
  EXPECT_DOUBLE_EQ(star(3, 3), 0.8);
  EXPECT_LE((star - by_largest).norm(), 1e-15);
  // 0 - 1 - 2 - 3 and 1 - 3: degrees 1, 3, 2, 2.
  const TemporaryFolder folder;
  const std::string spec = fmt::format("edges(\"{}\")", folder.write("graph",
                                                                     "\xef\xbb\xbf"
                                                                     "0 1 # tail\n1 2\n\n2 3\n3,1\n1 0\n"));
  const Eigen::MatrixXd own = dense(plan_of({spec.c_str(), 4}).of_round(1));
  EXPECT_DOUBLE_EQ(own(0, 1), 0.25);
  EXPECT_DOUBLE_EQ(own(2, 3), 1 / 3.0);
  EXPECT_DOUBLE_EQ(own(0, 0), 0.75);
  EXPECT_NEAR(own(2, 2), 1 - 0.25 - 1 / 3.0, 1e-16);
  EXPECT_DOUBLE_EQ(dense(plan_of({spec.c_str(), 4}, "max-degree").of_round(1))(2, 2), 0.5);
}

TEST(Quality, IsThatOfKnownSpectra) {
  const auto p_of = [](const Net& net) { return quality(plan_of(net)).p; };
  EXPECT_NEAR(p_of({"complete", 12}), 1, 1e-12);
  EXPECT_NEAR(p_of({"ring", 10}), 0.238433, 5e-7);
  EXPECT_NEAR(p_of({"torus(4,4)", 16}), 0.64, 1e-12);
  EXPECT_NEAR(p_of({"star", 16}), 0.12109, 5e-6);
  EXPECT_NEAR(p_of({"hypercube", 16}), 0.64, 1e-12);
  EXPECT_NEAR(p_of({"exponential", 16}), 0.64, 1e-12);
  EXPECT_NEAR(p_of({"one-peer", 16}), 1, 1e-12);
  EXPECT_LT(p_of({"one-peer", 12}), 0.9999);

  const auto rho_of = [](const Net& net) { return quality(plan_of(net)).rho; };
  for (const std::size_t n : {3, 4, 5, 9, 64, 1000}) {
    double ring = 0;
    for (std::size_t k = 1; k < n; ++k) {
      ring = std::max(
          ring, std::abs(1 + 2 * std::cos(2 * kPi * static_cast<double>(k) / static_cast<double>(n))) / 3);
    }
    EXPECT_NEAR(rho_of({"ring", n}), ring, 1e-7 * (1 - ring)) << n;
    EXPECT_NEAR(rho_of({"star", n}), 1 - 1 / static_cast<double>(n), 1e-12);
  }
  for (const auto& [a, b] : {std::pair{3, 3}, {3, 8}, {20, 50}}) {
    double torus = 0;
    for (int k = 0; k < a; ++k) {
      for (int l = 0; l < b; ++l) {
        if (k == 0 && l == 0) continue;
        torus =
            std::max(torus, std::abs(1 + 2 * std::cos(2 * kPi * k / a) + 2 * std::cos(2 * kPi * l / b)) / 5);
      }
    }
    EXPECT_NEAR(rho_of({fmt::format("torus({},{})", a, b).c_str(), static_cast<std::size_t>(a * b)}), torus,
                1e-10);
  }
  for (const std::size_t m : {1, 2, 3, 7, 11}) {
    const std::size_t n = std::size_t{1} << m;
    const double rho = 1 - 2 / (static_cast<double>(m) + 1);
    EXPECT_NEAR(rho_of({"hypercube", n}), rho, m == 1 ? 2e-7 : 1e-10) << m;
    EXPECT_NEAR(rho_of({"exponential", n}), rho, m == 1 ? 2e-7 : 1e-10) << m;
    if (m < 11) {
      EXPECT_NEAR(rho_of({"one-peer", n}), 0, 2e-7);
    }
  }
  EXPECT_LE(rho_of({"exponential", 21}), 1 - 2 / 6.0);  // an upper bound if n is odd
  // Exactly J after m rounds, from any start of the period.
  const MixingPlan peers = plan_of({"one-peer", 8});
  for (std::size_t first = 1; first <= 3; ++first) {
    const Eigen::MatrixXd product =
        dense(peers.of_round(first + 2)) * dense(peers.of_round(first + 1)) * dense(peers.of_round(first));
    EXPECT_EQ(product, Eigen::MatrixXd::Constant(8, 8, 0.125));
  }
}

TEST(Quality, OfLargeRingsIsRightToTheGap) {
  const std::size_t n = 30000;
  const double gap =
      4 * std::pow(std::sin(kPi / static_cast<double>(n)), 2) / 3;  // 1 - (1 + 2 cos(2 pi / n))/3
  EXPECT_NEAR(quality(plan_of({"ring", n})).spectral_gap, gap, 1e-6 * gap);
}

/// The symmetric W with these weights of edges; the own weights make the rows sum to 1.
Mixing of_edges(std::size_t nodes, const std::vector<std::tuple<std::size_t, std::size_t, double>>& edges) {
  const auto n = static_cast<Eigen::Index>(nodes);
  Eigen::MatrixXd w = Eigen::MatrixXd::Identity(n, n);
  for (const auto& [a, b, weight] : edges) {
    const auto i = static_cast<Eigen::Index>(a);
    const auto j = static_cast<Eigen::Index>(b);
    w(i, j) += weight;
    w(j, i) += weight;
    w(i, i) -= weight;
    w(j, j) -= weight;
  }
  std::vector<std::vector<Neighbour>> rows(nodes);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < n; ++j) {
      if (j == i || w(i, j) != 0)
        rows[static_cast<std::size_t>(i)].push_back({static_cast<std::uint32_t>(j), w(i, j)});
    }
  }
  return Mixing(rows);
}

double dense_least(const Mixing& w) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(dense(w)).eigenvalues()[0];
}

TEST(Mixings, MayHaveNegativeWeights) {
  struct Row {
    const char* what;
    Mixing w;
  };
  std::vector<Row> rows = {
      {"n = 2, rho = 2", of_edges(2, {{0, 1, -0.5}})},
      {"own weight 0", of_edges(2, {{0, 1, 1}})},
      {"own weight below 0", of_edges(3, {{0, 1, 2 / 3.0}, {0, 2, 2 / 3.0}})},
      {"a chord below 0", of_edges(4, {{0, 1, 0.5}, {1, 2, 0.5}, {2, 3, 0.5}, {0, 3, 0.4}, {0, 2, -0.1}})},
      {"lambda_2 > 1", of_edges(4, {{0, 1, 0.5}, {1, 2, -0.1}, {2, 3, 0.5}})},
      {"lambda_n < -1", of_edges(4, {{0, 1, 0.5}, {1, 2, 1.2}, {2, 3, 0.5}})}};
  for (const double weight : {0.5, 0.4951}) {  // a path of 60 nodes: crowded at both ends
    std::vector<std::tuple<std::size_t, std::size_t, double>> path;
    for (std::size_t i = 0; i < 59; ++i) path.emplace_back(i, i + 1, weight);
    path.emplace_back(10, 12, -0.01);
    rows.push_back({"path", of_edges(60, path)});
  }
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const double rho = dense_rho(dense(row.w));
    const MixingQuality q = quality(MixingPlan({row.w}));
    EXPECT_NEAR(q.rho, rho, 1e-9);
    EXPECT_NEAR(q.spectral_gap, 1 - rho, 1e-9);
    EXPECT_NEAR(q.p, 1 - rho * rho, 1e-9);
    EXPECT_NEAR(smallest_eigenvalue(row.w), dense_least(row.w), 1e-11);
    const MixingPlan half = lazy(MixingPlan({row.w}));
    const Eigen::MatrixXd expected =
        (Eigen::MatrixXd::Identity(dense(row.w).rows(), dense(row.w).rows()) + dense(row.w)) / 2;
    EXPECT_EQ(dense(half.of_round(1)), expected);
    EXPECT_NEAR(quality(half).rho, dense_rho(expected), 1e-9);
  }
  EXPECT_NEAR(quality(MixingPlan({rows[0].w})).rho, 2, 1e-12);
}

TEST(Mixings, HaveNoMessageOnEdgesOfWeightZero) {
  const Mixing w({{{0, 0}, {1, 1}, {2, 0}}, {{0, 1}, {1, -0.5}, {2, 0.5}}, {{0, 0}, {1, 0.5}, {2, 0.5}}});
  EXPECT_EQ(w.edges(), 4U);
  EXPECT_EQ(w.row(0).size(), 2U);
  EXPECT_EQ(w.row(0)[0].node, 0U);  // its own weight stays, also if it is 0
  EXPECT_EQ(w.row(2).size(), 2U);
}

TEST(Mixings, HaveTheLeastEigenvalueOfKnownSpectra) {
  const auto least = [](const Net& net, const char* mixing = "metropolis") {
    return smallest_eigenvalue(plan_of(net, mixing).of_round(1));
  };
  for (const std::size_t n : {10, 100, 3000}) EXPECT_NEAR(least({"ring", n}), -1 / 3.0, 1e-14) << n;
  EXPECT_NEAR(least({"torus(4,4)", 16}), -0.6, 1e-12);
  EXPECT_NEAR(least({"complete", 30}), 0, 1e-12);
  EXPECT_NEAR(least({"torus(4,4)", 16}, "lazy"), 0.2, 1e-12);
  EXPECT_EQ(least({"ring", 1}), 1);
  EXPECT_EQ(lazy(plan_of({"one-peer", 12})).checksum(), plan_of({"one-peer", 12}, "lazy").checksum());
}

/// A file of the edges of a grid, which is no torus.
std::string grid(const TemporaryFolder& folder, std::size_t rows, std::size_t columns) {
  std::string text;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    if (i % columns + 1 < columns) text += fmt::format("{} {}\n", i, i + 1);
    if (i + columns < rows * columns) text += fmt::format("{} {}\n", i, i + columns);
  }
  return fmt::format("edges(\"{}\")", folder.write("grid", text));
}

TEST(FastestAveraging, HasTheKnownRho) {
  const TemporaryFolder folder;
  struct Row {
    Net net;
    double metropolis, constant, fastest;
  };
  const std::string grid_8x5 = grid(folder, 8, 5);
  for (const auto& [net, metropolis, constant, fastest] :
       {Row{{"ring", 10}, .872678, .8256645, .8256645}, Row{{"ring", 16}, .949253, .9266705, .9266705},
        Row{{"ring", 40}, .991792, .9877637, .9877637}, Row{{"star", 40}, .975, .9512195, .9512195},
        Row{{"torus(4,4)", 16}, .6, .6, .6}, Row{{"path", 10}, .967371, .9510565, .9510565},
        Row{{grid_8x5.c_str(), 40}, .966548, .960031, .937382}}) {
    SCOPED_TRACE(fmt::format("{} of {} nodes", net.topology, net.nodes));
    const auto rho = [&of = net](const char* mixing) { return quality(plan_of(of, mixing)).rho; };
    EXPECT_NEAR(rho("metropolis"), metropolis, 6e-7);
    EXPECT_NEAR(rho("best-constant"), constant, 6e-7);
    EXPECT_NEAR(rho("fdla"), fastest, 6e-7);
    EXPECT_LE(rho("fdla"), rho("best-constant"));
    const Mixing w = plan_of(net, "fdla").of_round(1);
    EXPECT_NEAR(smallest_eigenvalue(w), -rho("fdla"), 1e-8);
    EXPECT_NEAR(rho("lazy(fdla)"), (1 + rho("fdla")) / 2, 1e-8);
    EXPECT_TRUE(w.symmetric());
  }
  const std::string grid_3x3 = grid(folder, 3, 3);
  const Net net{grid_3x3.c_str(), 9};
  EXPECT_NEAR(quality(plan_of(net)).rho, .767423, 6e-7);
  EXPECT_NEAR(quality(plan_of(net, "best-constant")).rho, .714286, 6e-7);
  EXPECT_NEAR(quality(plan_of(net, "fdla")).rho, .692551, 6e-7);
  // Symmetries of the grid exchange its corners, and so the edges at them.
  const Eigen::MatrixXd w = dense(plan_of(net, "fdla").of_round(1));
  EXPECT_NEAR(w(0, 1), w(8, 5), 1e-9);
  EXPECT_NEAR(w(0, 1), w(0, 3), 1e-9);
  EXPECT_EQ(plan_of(net, "fdla").checksum(), plan_of(net, "fdla").checksum());
}

TEST(FastestAveraging, IsAFormulaOnGraphsWhoseEdgesAreAllAlike) {
  const Eigen::MatrixXd star = dense(plan_of({"star", 40}, "fdla").of_round(1));
  EXPECT_NEAR(star(0, 1), 2 / 41.0, 1e-9);
  EXPECT_NEAR(star(0, 0), 1 - 78 / 41.0, 1e-7);
  EXPECT_NEAR(dense(plan_of({"path", 10}, "fdla").of_round(1))(4, 5), 0.5, 1e-7);
  EXPECT_NEAR(dense(plan_of({"hypercube", 16}, "fdla").of_round(1))(0, 1), 0.2, 1e-9);
  EXPECT_LE(quality(plan_of({"complete", 200}, "fdla")).rho, 1e-6);  // 19900 edges, and nothing to find
  const std::size_t n = 3000;
  const double rho = std::cos(kPi / static_cast<double>(n));
  EXPECT_NEAR(quality(plan_of({"path", n}, "best-constant")).spectral_gap, 1 - rho, 1e-3 * (1 - rho));
}

TEST(FastestAveraging, RefusesGraphsThatDoNotFit) {
  for (const char* mixing : {"fdla", "best-constant"}) {
    for (const char* topology : {"exponential", "one-peer"}) {
      EXPECT_EQ(
          error_of([&] {
            plan_of({topology, 16}, mixing);
          }),
          fmt::format("column 1: {}: needs edges that go both ways, as those of ring, torus, complete, star, "
                      "hypercube, erdos-renyi, path and edges",
                      mixing));
    }
  }
  EXPECT_EQ(
      error_of([] {
        plan_of({"ring", 600}, "fdla");
      }),
      "column 1: fdla: finds the weights of at most 400 nodes and 1024 edges, and the graph has 600 and 600; "
      "best-constant is the same on ring, path, star, hypercube and torus(a,a)");
}

TEST(Topologies, OfAFileMayHaveWeights) {
  const TemporaryFolder folder;
  const std::string spec =
      fmt::format("edges(\"{}\")",
                  folder.write("graph", "0 1 0.5\n1 2 0.5 # tail\r\n2 3,0.5\n3 1 -1e-1\n1 0 0.5\n0 2 0\n"));
  const std::vector<Graph> graphs = graphs_of({spec.c_str(), 4});
  EXPECT_TRUE(graphs[0].has_weights() && graphs[0].symmetric());
  const MixingPlan plan = make_mixing({}, graphs);
  const Eigen::MatrixXd expected{
      {0.5, 0.5, 0, 0}, {0.5, 0.1, 0.5, -0.1}, {0, 0.5, 0, 0.5}, {0, -0.1, 0.5, 0.6}};
  EXPECT_LE((dense(plan.of_round(1)) - expected).norm(), 1e-15);
  EXPECT_EQ(plan.of_round(1).edges(), 8U);  // none of weight 0
  EXPECT_NEAR(quality(plan).rho, dense_rho(expected), 1e-9);
  EXPECT_EQ(
      error_of([&] { make_mixing(parse("lazy(fdla)"), graphs); }),
      "mixing: lazy(fdla) would replace the weights that the edges of the topology have; leave one of them "
      "out");
  const auto refusal = [&](const char* text, std::size_t nodes) {
    const std::string file = fmt::format("edges(\"{}\")", folder.write("bad", text));
    return error_of([&] { make_mixing({}, graphs_of({file.c_str(), nodes})); });
  };
  EXPECT_EQ(refusal("0 1 1", 2),
            "topology: the weights of the edges have rho = 1; need rho < 1, so that mixing brings the nodes "
            "together");
  EXPECT_EQ(refusal("0 1 -0.5", 2),
            "topology: the weights of the edges have rho = 2; need rho < 1, so that mixing brings the nodes "
            "together");
  EXPECT_EQ(refusal("0 1 0", 2),
            "the weights connect only some of the nodes; an edge of weight 0 does not count");
  EXPECT_EQ(make_mixing({}, graphs_of({"ring", 5})).checksum(), plan_of({"ring", 5}).checksum());
}

TEST(Topologies, AreDrawnByTheirSeed) {
  const auto degrees = [](std::uint64_t seed) {
    std::vector<std::vector<std::uint32_t>> heard;
    const std::vector<Graph> drawn = graphs_of({"erdos-renyi(0.2)", 40}, seed);
    for (std::size_t i = 0; i < 40; ++i)
      heard.emplace_back(drawn[0].heard_by(i).begin(), drawn[0].heard_by(i).end());
    return heard;
  };
  EXPECT_EQ(degrees(3), degrees(3));
  EXPECT_NE(degrees(3), degrees(4));
  double edges = 0;
  const std::size_t n = 300;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    edges += static_cast<double>(plan_of({"erdos-renyi(0.1)", n}).of_round(1).edges()) / 2;
  }
  const double pairs = 10 * n * (n - 1) / 2.0;
  EXPECT_NEAR(edges, 0.1 * pairs, 4.5 * std::sqrt(10 * 0.09 * pairs));
  // With few nodes and a low p most draws are disconnected and are drawn again.
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    EXPECT_TRUE(connected(graphs_of({"erdos-renyi(0.3)", 6}, seed)));
}

TEST(Topologies, RefuseWhatDoesNotFit) {
  const auto refusal = [](const std::string& topology, std::size_t nodes) {
    return error_of([&] { graphs_of({topology.c_str(), nodes}); });
  };
  EXPECT_EQ(
      refusal("rign", 4),
      "column 1: unknown topology \"rign\" (did you mean \"ring\"?); known: ring, torus, complete, star, "
      "hypercube, exponential, one-peer, erdos-renyi, path, edges");
  EXPECT_EQ(refusal("torus", 16), "column 1: torus: needs its rows and columns, as in torus(4,4)");
  EXPECT_EQ(refusal("torus(4,4)", 20), "column 1: torus(4, 4): has 4 x 4 nodes; need 20, the clients");
  EXPECT_EQ(
      refusal("torus(4294967296,4294967296)", 16),
      "column 1: torus(4294967296, 4294967296): has 4294967296 x 4294967296 nodes; need 16, the clients");
  EXPECT_EQ(refusal("hypercube", 20), "column 1: hypercube: has 1, 2, 4, 8, ... nodes; need 20, the clients");
  EXPECT_EQ(refusal("erdos-renyi", 20),
            "column 1: erdos-renyi: its probability is missing, as in erdos-renyi(0.3)");
  EXPECT_EQ(
      refusal("erdos-renyi(0.0001)", 50),
      "column 1: erdos-renyi(0.0001): none of 1000 draws with 50 nodes is connected; need a larger p, as "
      "2 ln n / n");
  EXPECT_EQ(refusal("ring(3)", 20), "column 1: ring(3): takes no argument without a name; found 1 more: 3");
  const TemporaryFolder folder;
  const auto of_file = [&](const char* text, std::size_t nodes) {
    const std::string path = folder.write("graph", text);
    std::string error = refusal(fmt::format("edges(\"{}\")", path), nodes);
    for (std::size_t at; (at = error.find(path)) != std::string::npos;)
      error.replace(at, path.size(), "FILE");
    return error;
  };
  EXPECT_EQ(of_file("0 1\n2 3\n", 4),
            "column 1: edges(\"FILE\"): is not connected: some nodes never receive anything of each other");
  EXPECT_EQ(of_file("0 1\n1 2 3\n", 4),
            "column 1: edges(\"FILE\"): FILE:2: the edge has a weight, and that of line 1 has none; need "
            "weights in "
            "all lines or in none");
  EXPECT_EQ(of_file("0 1 0.5\n# 1 2\n1 2\n", 4),
            "column 1: edges(\"FILE\"): FILE:3: the edge has no weight, and that of line 1 has one; need "
            "weights in "
            "all lines or in none");
  for (const char* line : {"0 one", "0", "0 1 half", "0 1 0.5 2", "0 1.5", "0 1 1e999"}) {
    EXPECT_EQ(of_file(line, 4),
              fmt::format("column 1: edges(\"FILE\"): FILE:1: \"{}\"; need two nodes, as in 0 1, "
                          "or two nodes and a weight, as in 0 1 0.5",
                          line));
  }
  for (const char* weight : {"nan", "inf", "-inf", "1.01", "-2"}) {
    EXPECT_EQ(
        of_file(fmt::format("0 1 {}", weight).c_str(), 4),
        fmt::format("column 1: edges(\"FILE\"): FILE:1: weight {}; need a number from -1 to 1", weight));
  }
  EXPECT_EQ(of_file("0 1 0.5\n1 2 0.5\n1 0 0.25\n", 4),
            "column 1: edges(\"FILE\"): FILE:3: weight 0.25 of edge 1 0, which line 1 gives 0.5; need one "
            "weight for "
            "both directions");
  EXPECT_EQ(of_file("0 4\n", 4),
            "column 1: edges(\"FILE\"): FILE:1: edge 0 4; need two different nodes of 0 to 3");
  EXPECT_EQ(of_file("1 1\n", 4),
            "column 1: edges(\"FILE\"): FILE:1: edge 1 1; need two different nodes of 0 to 3");
  EXPECT_EQ(of_file("", 4), "column 1: edges(\"FILE\"): FILE: is empty");
  EXPECT_EQ(refusal("edges(\"/nowhere\")", 4), "/nowhere: cannot read: No such file or directory");
  EXPECT_EQ(error_of([] {
              plan_of({"ring", 4}, "metropolitan");
            }),
            "column 1: unknown mixing \"metropolitan\" (did you mean \"metropolis\"?); known: metropolis, "
            "max-degree, lazy, best-constant, fdla");
  EXPECT_EQ(error_of([] {
              plan_of({"ring", 4}, "lazy(max)");
            }),
            "column 6: unknown mixing \"max\"; known: metropolis, max-degree, lazy, best-constant, fdla");
}

TEST(Mixings, RefuseOtherMatrices) {
  using Rows = std::vector<std::vector<Neighbour>>;
  const auto refusal = [](const Rows& rows) { return error_of([&] { MixingPlan({Mixing(rows)}); }); };
  EXPECT_EQ(refusal({{{0, 0.5}, {1, 0.5}}, {{0, 0.5}, {1, 0.4}}}),
            "the weights of node 1 sum to 0.9; need 1");
  // 1/(deg + 1) on a path: rows sum to 1, columns do not.
  EXPECT_EQ(refusal({{{0, 0.5}, {1, 0.5}}, {{0, 0.25}, {1, 0.5}, {2, 0.25}}, {{1, 0.5}, {2, 0.5}}}),
            "the weights for node 0 sum to 0.75; need 1");
  for (const double weight : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(refusal({{{0, 1}, {1, weight}}, {{0, weight}, {1, 1}}}),
              fmt::format("weight {} of node 0 for node 1; need a finite number", weight));
  }
  EXPECT_EQ(refusal({{{1, 1}}, {{0, 1}}}), "node 0 gives itself no weight");
  EXPECT_EQ(refusal({{{0, 1}}, {{1, 1}}}),
            "the weights connect only some of the nodes; an edge of weight 0 does not count");
  EXPECT_EQ(refusal({{{0, 1}, {1, 0}}, {{0, 0}, {1, 1}}}),
            "the weights connect only some of the nodes; an edge of weight 0 does not count");
}

}  // namespace
}  // namespace laconic::testing
