// SPDX-License-Identifier: Apache-2.0
// Mixing matrices W: the weights of a node for the received vectors, x_i <- sum_j w_ij x_j. Rows and columns
// sum to 1, so that mixing preserves the mean over all nodes. Weights may be negative: the fastest averaging
// needs negative ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/spec.h"
#include "laconic/core/vec.h"
#include "laconic/topology/graph.h"

namespace laconic {

struct Neighbour {
  std::uint32_t node = 0;
  double weight = 0;
};

/// W of one round. Memory: 16 bytes per entry.
class Mixing {
 public:
  /// rows[i]: the weights of node i, including its own, by ascending node. Drops weights of 0 for other
  /// nodes: such an edge carries no message. Throws InputError unless all weights are finite, each row
  /// includes the node itself, and rows and columns sum to 1 within 1e-12.
  explicit Mixing(const std::vector<std::vector<Neighbour>>& rows);

  [[nodiscard]] std::size_t nodes() const { return begin_.size() - 1; }
  /// By ascending node, including the node itself. Its own weight may be 0; the others are not 0.
  [[nodiscard]] std::span<const Neighbour> row(std::size_t node) const {
    return std::span(entries_).subspan(begin_[node], begin_[node + 1] - begin_[node]);
  }
  /// The number of directed edges: the messages of a round in which every node sends to all its receivers.
  [[nodiscard]] std::size_t edges() const { return entries_.size() - nodes(); }
  /// Whether w_ij = w_ji, bit for bit.
  [[nodiscard]] bool symmetric() const;

  /// out = W v, and out = W'v, for one number per node. out must not be v.
  void apply(View v, MutView out) const;
  void apply_transposed(View v, MutView out) const;

 private:
  std::vector<std::size_t> begin_;  // row i is entries begin_[i] .. begin_[i+1]
  std::vector<Neighbour> entries_;
};

/// W_1, W_2, ...: one matrix for all rounds, or several that are used in turn.
class MixingPlan {
 public:
  /// Throws InputError unless the matrices have the same nodes and their union is connected.
  explicit MixingPlan(std::vector<Mixing> turns);

  [[nodiscard]] std::size_t nodes() const { return turns_.front().nodes(); }
  [[nodiscard]] std::size_t period() const { return turns_.size(); }
  /// Distinguishes plans that differ in any weight.
  [[nodiscard]] std::uint32_t checksum() const;
  /// The matrix of round t = 1, 2, ...
  [[nodiscard]] const Mixing& of_round(std::size_t t) const { return turns_[(t - 1) % turns_.size()]; }

 private:
  std::vector<Mixing> turns_;
};

/// (I + W) / 2 in every turn: no symmetric W with eigenvalues >= -1 then has a negative one.
MixingPlan lazy(const MixingPlan& plan);

/// lambda_min of a symmetric W. The result is a lower bound, up to rounding; the error is 1e-12, unless the
/// spectrum is crowded at the bottom and there are more than 1500 nodes. Usually 20 to 60 products with W.
double smallest_eigenvalue(const Mixing& w);

/// How fast one period of rounds reduces the differences between nodes, where W is the product of its
/// matrices and J = 11'/n:
///   |W X - J X| <= rho |X - J X|,    |W X - J X|^2 <= (1 - p) |X - J X|^2    in the Frobenius norm.
/// Papers state their rates in p or in the spectral gap, which is between p/2 and p.
struct MixingQuality {
  double rho = 0;           // |W - J|, the second largest singular value of W; for a symmetric W
                            // max{|lambda_2|, |lambda_n|}
  double p = 1;             // 1 - rho^2
  double spectral_gap = 1;  // 1 - rho; p and the gap are <= 0 if W does not reduce every difference
};

/// Uses Lanczos iterations: usually 20 to 60 products with W and W', and O(n) memory; the error of rho is
/// 1e-12, unless the spectrum is crowded at the top. For a symmetric W with few neighbours per node (rings,
/// paths, tori, trees), where the gap may be as small as 1/n^2, it solves systems with I - W and I + W
/// instead; the relative error of the gap is then 1e-8.
MixingQuality quality(const MixingPlan& plan);

/// The weights that the spec names, for graphs that are used in turn. Without a spec, the weights that the
/// graphs have, or metropolis. Throws InputError, also if both the spec and the graphs give weights, or if
/// the weights of the graphs have rho >= 1.
MixingPlan make_mixing(const std::optional<Spec>& mixing, const std::vector<Graph>& turns);

/// The largest graphs that fdla takes, unless best-constant has rho = 0. The weights then take some seconds
/// (on one core 10 ms for a grid of 40 nodes, 0.3 s for one of 200).
constexpr std::size_t kMostFdlaNodes = 400;
constexpr std::size_t kMostFdlaEdges = 1024;  // undirected

/// One row of the table of mixings, which has the default first.
struct MixingRow {
  const char* name;
  const char* usage;    // as the user writes it
  const char* summary;  // one line
  Mixing (*weigh)(Arguments& args, const Graph& graph);
};
std::span<const MixingRow> mixings();

}  // namespace laconic
