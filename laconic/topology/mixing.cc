// SPDX-License-Identifier: Apache-2.0
#include "laconic/topology/mixing.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <Eigen/SparseCholesky>
#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/core/spectrum.h"

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

/// (I + W) / 2: no eigenvalue below 0.
Mixing lazy(Arguments& args, const Graph& graph) {
  const Spec* inner = args.find("weights", 0);
  const Mixing w = weigh(inner == nullptr ? Spec("metropolis") : *inner, graph);
  Rows rows(w.nodes());
  for (std::size_t i = 0; i < w.nodes(); ++i) {
    for (const Neighbour& j : w.row(i)) rows[i].push_back({j.node, ((j.node == i ? 1 : 0) + j.weight) / 2});
  }
  return Mixing(rows);
}

const MixingRow kMixings[] = {
    {"metropolis", "metropolis", "w_ij = 1/(1 + max{deg_i, deg_j}) (Metropolis-Hastings)", metropolis},
    {"max-degree", "max-degree", "w_ij = 1/(1 + the largest degree)", max_degree},
    {"lazy", "lazy, lazy(W)", "(I + W)/2, of metropolis unless told: no negative eigenvalues", lazy},
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

/// 1 - lambda_2 of a symmetric W, as 1 / the largest eigenvalue of (I - W)^+, where small gaps become well
/// separated. I - W is the Laplacian of a weighted graph. With one node fixed at 0 it is positive definite,
/// and for right-hand sides of mean 0 its solution equals the solution of the full system up to the mean.
double gap_below_one(const Mixing& w) {
  const std::size_t n = w.nodes();
  check(n >= 2, "one node has no gap");
  std::vector<Eigen::Triplet<double>> entries;
  for (std::size_t i = 1; i < n; ++i) {
    double others = 0;
    for (const Neighbour& j : w.row(i)) {
      if (j.node == i) continue;
      others += j.weight;  // 1 - w_ii
      if (j.node > 0) entries.emplace_back(static_cast<int>(i) - 1, static_cast<int>(j.node) - 1, -j.weight);
    }
    entries.emplace_back(static_cast<int>(i) - 1, static_cast<int>(i) - 1, others);
  }
  const auto size = static_cast<Eigen::Index>(n) - 1;
  Eigen::SparseMatrix<double> grounded(size, size);
  grounded.setFromTriplets(entries.begin(), entries.end());
  const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> solver(grounded);
  check(solver.info() == Eigen::Success, "a connected graph has a definite grounded Laplacian");
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

/// 1 + lambda_n of a symmetric W, or a lower bound of it that is at least `enough`: lambda_n >= -1 + 2 min
/// w_ii.
double gap_above_minus_one(const Mixing& w, double enough) {
  double least = 1;
  for (std::size_t i = 0; i < w.nodes(); ++i) {
    for (const Neighbour& j : w.row(i)) {
      if (j.node == i) least = std::min(least, j.weight);
    }
  }
  if (2 * least >= enough) return 2 * least;
  return 2 - largest_eigenvalue(w.nodes(), [&](View v, MutView out) {
           w.apply(v, out);
           for (std::size_t i = 0; i < v.size(); ++i) out[i] = v[i] - out[i];
         });
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
      if (!(j.weight > 0 && std::isfinite(j.weight)))
        throw InputError(fmt::format("weight {} of node {} for node {}; need > 0", j.weight, i, j.node));
      sum += j.weight;
      columns[j.node] += j.weight;
      counts_itself |= j.node == i;
      entries_.push_back(j);
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
  if (!connected(graphs)) throw InputError("the weights connect only some of the nodes");
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

MixingQuality quality(const MixingPlan& plan) {
  if (plan.nodes() == 1) return {};
  // neighbours per node: sparse factors of such a matrix usually have little fill-in
  constexpr std::size_t kFew = 4;
  const Mixing& w = plan.of_round(1);
  double gap = 0;
  if (plan.period() == 1 && w.edges() <= kFew * w.nodes() && w.symmetric()) {
    gap = gap_below_one(w);
    gap = std::min(gap, gap_above_minus_one(w, gap));
  } else {
    gap = 1 - rho_of_products(plan);
  }
  gap = std::clamp(gap, 0.0, 1.0);
  return {.rho = 1 - gap, .p = gap * (2 - gap), .spectral_gap = gap};
}

MixingPlan make_mixing(const Spec& mixing, const std::vector<Graph>& turns) {
  std::vector<Mixing> weights;
  for (const Graph& graph : turns) weights.push_back(weigh(mixing, graph));
  return MixingPlan(std::move(weights));
}

std::span<const MixingRow> mixings() { return kMixings; }

}  // namespace laconic
