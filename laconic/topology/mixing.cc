// SPDX-License-Identifier: Apache-2.0
#include "laconic/topology/mixing.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <Eigen/SparseCholesky>
#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/core/spectrum.h"
#include "laconic/topology/fastest.h"

namespace laconic {
namespace {

using Rows = std::vector<std::vector<Neighbour>>;

// --- weights -------------------------------------------------------------------------------------

/// The mixing matrix with weight(i, j) for each j from which node i receives, and own(i) on the diagonal.
template <class Weight, class Own>
Mixing weighed(const Graph& graph, Weight&& weight, Own&& own) {
  Rows rows(graph.nodes());
  for (std::uint32_t i = 0; i < graph.nodes(); ++i) {
    for (const std::uint32_t j : graph.heard_by(i)) rows[i].push_back({j, weight(i, j)});
    const auto after =
        std::find_if(rows[i].begin(), rows[i].end(), [i](const Neighbour& other) { return other.node > i; });
    rows[i].insert(after, {i, own(i)});
  }
  return Mixing(rows);
}

/// w_ij = 1 / (1 + max{deg_i, deg_j}).
Mixing metropolis(Arguments& /*args*/, const Graph& graph) {
  const auto at_most = [&](std::size_t i) { return 1 / (1 + static_cast<double>(graph.degree(i))); };
  const auto weight = [&](std::size_t i, std::size_t j) { return std::min(at_most(i), at_most(j)); };
  // 1 - sum_j w_ij, without cancellation: 1 / (1 + deg_i), plus the reductions of the weights by neighbours
  // of higher degree.
  return weighed(graph, weight, [&](std::size_t i) {
    double own = at_most(i);
    for (const std::uint32_t j : graph.heard_by(i)) own += at_most(i) - weight(i, j);
    return own;
  });
}

/// w_ij = 1 / (1 + max deg).
Mixing max_degree(Arguments& /*args*/, const Graph& graph) {
  std::size_t largest = 0;
  for (std::size_t i = 0; i < graph.nodes(); ++i) largest = std::max(largest, graph.degree(i));
  const double weight = 1 / (1 + static_cast<double>(largest));
  return weighed(
      graph, [&](std::size_t, std::size_t) { return weight; },
      [&](std::size_t i) { return static_cast<double>(1 + largest - graph.degree(i)) * weight; });
}

Mixing weigh(const Spec& mixing, const Graph& graph) {
  Arguments args(mixing);
  Mixing result = row_named(mixing, "mixing", mixings()).weigh(args, graph);
  args.done();
  return result;
}

/// (I + W) / 2.
Mixing half_way(const Mixing& w) {
  Rows rows(w.nodes());
  for (std::size_t i = 0; i < w.nodes(); ++i) {
    for (const Neighbour& j : w.row(i)) rows[i].push_back({j.node, ((j.node == i ? 1 : 0) + j.weight) / 2});
  }
  return Mixing(rows);
}

Mixing lazy_weights(Arguments& args, const Graph& graph) {
  const Spec* inner = args.find("weights", 0);
  return half_way(weigh(inner == nullptr ? Spec("metropolis") : *inner, graph));
}

/// The edges {i, j}, i < j, ascending. SpecError unless all edges go both ways.
std::vector<Edge> edges_both_ways(const Arguments& args, const Graph& graph) {
  if (!graph.symmetric())
    args.fail(
        "needs edges that go both ways, as those of ring, torus, complete, star, hypercube, erdos-renyi, "
        "path "
        "and edges");
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < graph.nodes(); ++i) {
    for (const std::uint32_t j : graph.heard_by(i)) {
      if (i < j) edges.push_back({i, j});
    }
  }
  return edges;
}

/// W with these weights on the edges in both directions.
Mixing of_edges(const Graph& graph, std::span<const Edge> edges, View weights) {
  Rows rows(graph.nodes());
  Vector own(graph.nodes(), 1.0);
  for (std::uint32_t i = 0; i < graph.nodes(); ++i) rows[i].push_back({i, 1});
  for (std::size_t e = 0; e < edges.size(); ++e) {
    const auto [a, b] = edges[e];
    rows[a].push_back({b, weights[e]});
    rows[b].push_back({a, weights[e]});
  }
  for (std::uint32_t i = 0; i < graph.nodes(); ++i) {
    std::sort(rows[i].begin(), rows[i].end(),
              [](const Neighbour& one, const Neighbour& other) { return one.node < other.node; });
    double others = 0;
    for (const Neighbour& j : rows[i]) others += j.node == i ? 0 : j.weight;
    for (Neighbour& j : rows[i]) {
      if (j.node == i) j.weight = 1 - others;
    }
  }
  return Mixing(rows);
}

/// w = 2 / (mu_2 + mu_n) on all edges, mu the eigenvalues of the Laplacian L: the best of equal weights.
Mixing best_constant(Arguments& args, const Graph& graph) {
  const std::vector<Edge> edges = edges_both_ways(args, graph);
  if (edges.empty()) return of_edges(graph, edges, {});
  if (!connected({&graph, 1})) args.fail("needs a graph that is connected in every round");
  const Mixing w = max_degree(args, graph);  // I - L / c
  double c = 1;
  for (std::size_t i = 0; i < graph.nodes(); ++i) c = std::max(c, 1 + static_cast<double>(graph.degree(i)));
  const double mu_2 = c * 2 * quality(MixingPlan({half_way(w)})).spectral_gap;
  const double mu_n = c * (1 - smallest_eigenvalue(w));
  return of_edges(graph, edges, Vector(edges.size(), 2 / (mu_2 + mu_n)));
}

/// The weights of the least rho. Equal weights are as good on graphs where symmetries exchange all edges.
Mixing fdla(Arguments& args, const Graph& graph) {
  constexpr double kNoGain = 1e-8;  // more than the excess of fastest_weights()
  constexpr double kZero = 1e-6;
  Mixing constant = best_constant(args, graph);
  const double rho = quality(MixingPlan({constant})).rho;
  if (graph.nodes() == 1 || rho < kZero) return constant;
  const std::vector<Edge> edges = edges_both_ways(args, graph);
  if (graph.nodes() > kMostFdlaNodes || edges.size() > kMostFdlaEdges) {
    args.fail(fmt::format(
        "finds the weights of at most {} nodes and {} edges, and the graph has {} and {}; best-constant is "
        "the same on ring, path, star, hypercube and torus(a,a)",
        kMostFdlaNodes, kMostFdlaEdges, graph.nodes(), edges.size()));
  }
  const Neighbour first = constant.row(0)[constant.row(0)[0].node == 0 ? 1 : 0];
  Mixing fastest = of_edges(graph, edges, fastest_weights(graph.nodes(), edges, first.weight));
  return quality(MixingPlan({fastest})).rho < rho - kNoGain ? fastest : constant;
}

/// The weights that the edges of the graph have.
Mixing of_graph(const Graph& graph) {
  std::vector<Edge> edges;
  Vector weights;
  for (std::uint32_t i = 0; i < graph.nodes(); ++i) {
    for (std::size_t k = 0; k < graph.degree(i); ++k) {
      if (const std::uint32_t j = graph.heard_by(i)[k]; i < j) {
        edges.push_back({i, j});
        weights.push_back(graph.weights_of(i)[k]);
      }
    }
  }
  return of_edges(graph, edges, weights);
}

const MixingRow kMixings[] = {
    {"metropolis", "metropolis", "w_ij = 1/(1 + max{deg_i, deg_j}) (Metropolis-Hastings)", metropolis},
    {"max-degree", "max-degree", "w_ij = 1/(1 + the largest degree)", max_degree},
    {"lazy", "lazy, lazy(W)", "(I + W)/2, of metropolis unless told: no negative eigenvalues", lazy_weights},
    {"best-constant", "best-constant",
     "the best of equal weights, 2/(mu_2 + mu_n) of the Laplacian's eigenvalues; edges go both ways",
     best_constant},
    {"fdla", "fdla",
     "the weights of the least rho (Xiao, Boyd 2004), some may be negative; edges go both ways, at most 400 "
     "nodes and 1024 edges",
     fdla},
};

// --- quality of the mixing -----------------------------------------------------------------------

void subtract_mean(MutView v) {
  double sum = 0;
  for (const double x : v) sum += x;
  for (double& x : v) x -= sum / static_cast<double>(v.size());
}

/// rho^2 is the largest eigenvalue of (W - J)'(W - J), W the product of the plan's matrices.
double rho_of_products(const MixingPlan& plan) {
  Vector a(plan.nodes());
  Vector b(plan.nodes());
  const double rho_sq = largest_eigenvalue(plan.nodes(), [&](View v, MutView out) {
    copy(v, a);
    subtract_mean(a);
    for (std::size_t t = 1; t <= plan.period(); ++t) {
      plan.of_round(t).apply(a, b);
      a.swap(b);
    }
    for (std::size_t t = plan.period(); t >= 1; --t) {
      plan.of_round(t).apply_transposed(a, b);
      a.swap(b);
    }
    subtract_mean(a);
    copy(a, out);
  });
  return std::sqrt(rho_sq);
}

using Sparse = Eigen::SparseMatrix<double>;
using Factors = Eigen::SimplicialLDLT<Sparse>;

/// The matrix shift I + sign W without the rows and columns of nodes before `first`.
Sparse shifted(const Mixing& w, double shift, double sign, std::size_t first) {
  const auto index = [first](std::size_t i) { return static_cast<int>(i - first); };
  std::vector<Eigen::Triplet<double>> entries;
  for (std::size_t i = first; i < w.nodes(); ++i) {
    for (const Neighbour& j : w.row(i)) {
      if (j.node >= first)
        entries.emplace_back(index(i), index(j.node), (j.node == i ? shift : 0) + sign * j.weight);
    }
  }
  Sparse matrix(index(w.nodes()), index(w.nodes()));
  matrix.setFromTriplets(entries.begin(), entries.end());
  return matrix;
}

bool is_definite(const Factors& factors) {
  return factors.info() == Eigen::Success && factors.vectorD().minCoeff() > 0;
}

/// 1 - lambda_2 of a symmetric W, as 1 / the largest eigenvalue of (I - W)^+, where small gaps become well
/// separated. Empty if lambda_2 >= 1. I - W is the Laplacian of a graph with weights of any sign. With one
/// node fixed at 0 it is positive definite if and only if lambda_2 < 1: (I - W) 1 = 0, so v'(I - W)v does not
/// change when v_0 is added to all entries. For right-hand sides of mean 0 its solution equals the solution
/// of the full system up to the mean.
std::optional<double> gap_below_one(const Mixing& w) {
  const std::size_t n = w.nodes();
  check(n >= 2, "one node has no gap");
  Sparse grounded = shifted(w, 1, -1, 1);
  // 1 - w_ii as the sum of the other weights, without cancellation
  for (std::size_t i = 1; i < n; ++i) {
    double others = 0;
    for (const Neighbour& j : w.row(i)) {
      if (j.node != i) others += j.weight;
    }
    grounded.coeffRef(static_cast<int>(i) - 1, static_cast<int>(i) - 1) = others;
  }
  const Factors solver(grounded);
  if (!is_definite(solver)) return {};
  const auto size = static_cast<Eigen::Index>(n) - 1;
  Vector centred(n);
  return 1 / largest_eigenvalue(n, [&](View v, MutView out) {
           copy(v, centred);
           subtract_mean(centred);
           out[0] = 0;
           Eigen::Map<Eigen::VectorXd>(out.data() + 1, size) =
               solver.solve(Eigen::Map<const Eigen::VectorXd>(centred.data() + 1, size));
           subtract_mean(out);
         });
}

/// min_i (w_ii - sum_{j != i} |w_ij|), below all eigenvalues of a symmetric W (Gershgorin).
double bound_from_below(const Mixing& w) {
  double least = 1;
  for (std::size_t i = 0; i < w.nodes(); ++i) {
    double bound = 0;
    for (const Neighbour& j : w.row(i)) bound += j.node == i ? j.weight : -std::abs(j.weight);
    least = std::min(least, bound);
  }
  return least;
}

/// 1 + lambda_n of a symmetric W, or a lower bound of it that is at least `enough`. Empty if lambda_n <= -1.
std::optional<double> gap_above_minus_one(const Mixing& w, double enough) {
  if (const double bound = 1 + bound_from_below(w); bound >= enough) return bound;
  const Factors solver(shifted(w, 1, 1, 0));
  if (!is_definite(solver)) return {};
  const auto size = static_cast<Eigen::Index>(w.nodes());
  return 1 / largest_eigenvalue(w.nodes(), [&](View v, MutView out) {
           Eigen::Map<Eigen::VectorXd>(out.data(), size) =
               solver.solve(Eigen::Map<const Eigen::VectorXd>(v.data(), size));
         });
}

/// 1 - max{|lambda_2|, |lambda_n|} of a symmetric W. Empty if it is not positive.
std::optional<double> gap_of_symmetric(const Mixing& w) {
  const auto below_one = gap_below_one(w);
  if (!below_one) return {};
  const auto above_minus_one = gap_above_minus_one(w, *below_one);
  if (!above_minus_one) return {};
  return std::min(*below_one, *above_minus_one);
}

}  // namespace

Mixing::Mixing(const std::vector<std::vector<Neighbour>>& rows) : begin_{0} {
  constexpr double kRounding = 1e-12;
  Vector columns(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double sum = 0;
    bool counts_itself = false;
    for (const Neighbour& j : rows[i]) {
      check(j.node < rows.size() && (entries_.size() == begin_[i] || entries_.back().node < j.node),
            "a row of weights is for ascending nodes");
      if (!std::isfinite(j.weight))
        throw InputError(
            fmt::format("weight {} of node {} for node {}; need a finite number", j.weight, i, j.node));
      sum += j.weight;
      columns[j.node] += j.weight;
      counts_itself |= j.node == i;
      if (j.node == i || j.weight != 0) entries_.push_back(j);
    }
    if (!counts_itself) throw InputError(fmt::format("node {} gives itself no weight", i));
    if (!(std::abs(sum - 1) <= kRounding))
      throw InputError(fmt::format("the weights of node {} sum to {}; need 1", i, sum));
    begin_.push_back(entries_.size());
  }
  for (std::size_t j = 0; j < rows.size(); ++j) {
    if (!(std::abs(columns[j] - 1) <= kRounding))
      throw InputError(fmt::format("the weights for node {} sum to {}; need 1", j, columns[j]));
  }
}

bool Mixing::symmetric() const {
  for (std::size_t i = 0; i < nodes(); ++i) {
    for (const Neighbour& j : row(i)) {
      const auto back = row(j.node);
      const auto found = std::lower_bound(back.begin(), back.end(), i,
                                          [](const Neighbour& a, std::size_t b) { return a.node < b; });
      if (found == back.end() || found->node != i || found->weight != j.weight) return false;
    }
  }
  return true;
}

void Mixing::apply(View v, MutView out) const {
  for (std::size_t i = 0; i < nodes(); ++i) {
    double sum = 0;
    for (const Neighbour& j : row(i)) sum += j.weight * v[j.node];
    out[i] = sum;
  }
}

void Mixing::apply_transposed(View v, MutView out) const {
  fill(out, 0.0);
  for (std::size_t i = 0; i < nodes(); ++i) {
    for (const Neighbour& j : row(i)) out[j.node] += j.weight * v[i];
  }
}

MixingPlan::MixingPlan(std::vector<Mixing> turns) : turns_(std::move(turns)) {
  check(!turns_.empty() && nodes() >= 1, "a plan needs a matrix");
  std::vector<Graph> graphs;
  for (const Mixing& w : turns_) {
    if (w.nodes() != nodes())
      throw InputError(fmt::format("weights for {} nodes, then for {}", nodes(), w.nodes()));
    std::vector<std::vector<std::uint32_t>> heard(nodes());
    for (std::size_t i = 0; i < nodes(); ++i) {
      for (const Neighbour& j : w.row(i)) heard[i].push_back(j.node);
    }
    graphs.emplace_back(std::move(heard));
  }
  if (!connected(graphs))
    throw InputError("the weights connect only some of the nodes; an edge of weight 0 does not count");
}

std::uint32_t MixingPlan::checksum() const {
  std::uint32_t sum = 0;
  for (const Mixing& w : turns_) {
    for (std::size_t i = 0; i < nodes(); ++i) {
      for (const Neighbour& j : w.row(i))
        sum = checksum_of(fmt::format("{} {} {:a}\n", i, j.node, j.weight), sum);
    }
  }
  return sum;
}

MixingPlan lazy(const MixingPlan& plan) {
  std::vector<Mixing> turns;
  for (std::size_t t = 1; t <= plan.period(); ++t) turns.push_back(half_way(plan.of_round(t)));
  return MixingPlan(std::move(turns));
}

double smallest_eigenvalue(const Mixing& w) {
  check(w.symmetric(), "the least eigenvalue of a matrix that is not symmetric was asked for");
  double above = 0;  // all eigenvalues: the largest sum of absolute values in a row
  for (std::size_t i = 0; i < w.nodes(); ++i) {
    double sum = 0;
    for (const Neighbour& j : w.row(i)) sum += std::abs(j.weight);
    above = std::max(above, sum);
  }
  const double largest = largest_eigenvalue(w.nodes(), [&](View v, MutView out) {
    w.apply(v, out);
    for (std::size_t i = 0; i < v.size(); ++i) out[i] = above * v[i] - out[i];
  });
  return std::max(above - largest, bound_from_below(w));
}

MixingQuality quality(const MixingPlan& plan) {
  if (plan.nodes() == 1) return {};
  // neighbours per node: sparse factors of such a matrix usually have little fill-in
  constexpr std::size_t kFew = 4;
  const Mixing& w = plan.of_round(1);
  std::optional<double> gap;
  if (plan.period() == 1 && w.edges() <= kFew * w.nodes() && w.symmetric()) gap = gap_of_symmetric(w);
  if (!gap) gap = 1 - rho_of_products(plan);
  constexpr double kRounding = 1e-10;
  *gap = *gap < -kRounding ? *gap : std::clamp(*gap, 0.0, 1.0);
  return {.rho = 1 - *gap, .p = *gap * (2 - *gap), .spectral_gap = *gap};
}

MixingPlan make_mixing(const std::optional<Spec>& mixing, const std::vector<Graph>& turns) {
  const bool has_weights =
      std::any_of(turns.begin(), turns.end(), [](const Graph& graph) { return graph.has_weights(); });
  if (has_weights && mixing) {
    throw InputError(fmt::format(
        "mixing: {} would replace the weights that the edges of the topology have; leave one of them out",
        print(*mixing)));
  }
  std::vector<Mixing> weights;
  for (const Graph& graph : turns) {
    weights.push_back(graph.has_weights() ? of_graph(graph)
                                          : weigh(mixing.value_or(Spec("metropolis")), graph));
  }
  MixingPlan plan(std::move(weights));
  if (!has_weights) return plan;
  constexpr double kRounding = 1e-12;
  if (const MixingQuality mixes = quality(plan); !(mixes.spectral_gap > kRounding)) {
    throw InputError(fmt::format(
        "topology: the weights of the edges have rho = {:.6g}; need rho < 1, so that mixing brings the nodes "
        "together",
        mixes.rho));
  }
  return plan;
}

std::span<const MixingRow> mixings() { return kMixings; }

}  // namespace laconic
