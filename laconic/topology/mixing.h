// SPDX-License-Identifier: Apache-2.0
// Mixing matrices W: with which weight a node counts what it hears, x_i <- sum_j w_ij x_j. Doubly stochastic,
// so that mixing leaves the mean of all nodes where it is.
#pragma once

#include <cstddef>
#include <cstdint>
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

/// W of one round. 16 bytes an entry.
class Mixing {
 public:
  /// rows[i]: the weights of node i, its own among them, ascending nodes. Throws InputError unless all are
  /// finite and > 0, each node counts itself, and rows and columns sum to 1 within 1e-12.
  explicit Mixing(const std::vector<std::vector<Neighbour>>& rows);

  [[nodiscard]] std::size_t nodes() const { return begin_.size() - 1; }
  /// Ascending; the node itself is among them.
  [[nodiscard]] std::span<const Neighbour> row(std::size_t node) const {
    return std::span(entries_).subspan(begin_[node], begin_[node + 1] - begin_[node]);
  }
  /// Directed edges, so messages of a round in which everyone says something to all who hear it.
  [[nodiscard]] std::size_t edges() const { return entries_.size() - nodes(); }
  /// w_ij = w_ji, to the last bit.
  [[nodiscard]] bool symmetric() const;

  /// out = W v, and out = W'v: a number of each node. out is not v.
  void apply(View v, MutView out) const;
  void apply_transposed(View v, MutView out) const;

 private:
  std::vector<std::size_t> begin_;  // row i is entries begin_[i] .. begin_[i+1]
  std::vector<Neighbour> entries_;
};

/// W_1, W_2, ...: one for all rounds, or some that take turns.
class MixingPlan {
 public:
  /// Throws InputError unless they are for the same nodes and together connected.
  explicit MixingPlan(std::vector<Mixing> turns);

  [[nodiscard]] std::size_t nodes() const { return turns_.front().nodes(); }
  [[nodiscard]] std::size_t period() const { return turns_.size(); }
  /// Tells plans apart that are unlike in any weight.
  [[nodiscard]] std::uint32_t checksum() const;
  /// Round 1, 2, ...
  [[nodiscard]] const Mixing& of_round(std::size_t t) const { return turns_[(t - 1) % turns_.size()]; }

 private:
  std::vector<Mixing> turns_;
};

/// How fast a period of rounds brings the nodes together, with W the product of its matrices and J = 11'/n:
///   |W X - J X| <= rho |X - J X|,    |W X - J X|^2 <= (1 - p) |X - J X|^2    in the Frobenius norm.
/// Papers state their rates in p or in the spectral gap, which is between p/2 and p.
struct MixingQuality {
  double rho = 0;           // |W - J|, the second largest singular value of W; of a symmetric one
                            // max{|lambda_2|, |lambda_n|}
  double p = 1;             // 1 - rho^2
  double spectral_gap = 1;  // 1 - rho
};

/// By Lanczos iterations: 20 to 60 products with W and W', usually, and O(n) memory. Of a symmetric W with
/// few neighbours a node (rings, paths, tori, trees), whose gap may be as small as 1/n^2, by solving with I -
/// W instead: there the gap is right to 1e-8 of itself, elsewhere rho to 1e-12 unless the spectrum is
/// crowded at the top.
MixingQuality quality(const MixingPlan& plan);

/// The weights that a spec names, for graphs that take turns. Throws InputError.
MixingPlan make_mixing(const Spec& mixing, const std::vector<Graph>& turns);

/// One row of the table of mixings, the default first.
struct MixingRow {
  const char* name;
  const char* usage;    // as the user writes it
  const char* summary;  // one line
  Mixing (*weigh)(Arguments& args, const Graph& graph);
};
std::span<const MixingRow> mixings();

}  // namespace laconic
