// SPDX-License-Identifier: Apache-2.0
// The objective: f(x) = (1/n) sum_{i<n} f_i(x) over x in R^d, where f_i is the mean loss over the rows of
// shard i.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/core/matrix_block.h"
#include "laconic/core/parallel.h"
#include "laconic/core/vec.h"
#include "laconic/problem/all_shards.h"

namespace laconic {

/// The rows of a shard that a call uses: all of them, or a list of positions within the shard, with
/// repetitions allowed (a minibatch drawn with replacement).
struct Rows {
  bool all = true;
  std::span<const std::uint32_t> list;

  static Rows everything() { return {}; }
  static Rows listed(std::span<const std::uint32_t> positions) { return {false, positions}; }

  /// The number of selected rows, in a shard of rows_of_shard rows.
  [[nodiscard]] std::size_t count(std::size_t rows_of_shard) const {
    return all ? rows_of_shard : list.size();
  }
  /// The position in the shard of the k-th selected row.
  std::size_t operator[](std::size_t k) const { return all ? k : list[k]; }
};

/// What a pass over rows returns besides the gradient.
struct Measured {
  double value = 0;    // mean loss over the rows, regulariser included
  double correct = 0;  // number of correctly classified rows; 0 where the problem does not classify
};

/// A point at which a gradient is asked for, and the answer.
struct GradientAt {
  View x;
  MutView g;
  Measured measured = {};
};

/// Smoothness and convexity constants, in the symbols of the papers (MARINA section 1, 3PC section 1). Where
/// the exact constant is unknown, an upper bound of it; for mu, a lower bound.
struct Constants {
  double L_minus = 0;        // of f
  double L_plus = 0;         // (1/n) sum |grad f_i(x) - grad f_i(y)|^2 <= L_plus^2 |x-y|^2
  double L_pm = 0;           // Hessian variance: the same left side minus |grad f(x) - grad f(y)|^2
  double L_tilde = 0;        // quadratic mean of the L_i
  double L_max = 0;          // largest L_i
  double L_sample = 0;       // of minibatch differences: sqrt( mean over i of mean over rows j of L_ij^2 )
  std::optional<double> mu;  // Polyak-Lojasiewicz: |grad f|^2 >= 2 mu (f - f*)
  std::optional<double> f_lower;      // a lower bound of f
  std::optional<double> mu_min = {};  // every f_i is strongly convex with this constant
};

/// A process may keep the data of some shards only, those that its own clients use. Gradients are available
/// for these shards only. Everything else is known for every shard.
class Problem {
 public:
  virtual ~Problem() = default;

  [[nodiscard]] virtual std::size_t dim() const = 0;
  [[nodiscard]] virtual std::size_t shards() const = 0;
  /// Rows (samples) of a shard; the unit of oracle calls. 1 where f_i is not a sum over data.
  [[nodiscard]] virtual std::size_t rows(std::size_t shard) const = 0;

  /// g = gradient at x of the mean loss over the given rows of the shard; returns the value and the correct
  /// rows. Overwrites g. A pure function: the same bits for the same arguments, on any thread. May be called
  /// from several threads at once.
  virtual Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const = 0;

  /// Whether this run can compute gradients here: false at the server of a run across sites, which has no
  /// data.
  [[nodiscard]] virtual bool is_here() const { return true; }

  /// value_gradient() over all rows of the shard at each of the points. The same bits.
  virtual void value_gradients(std::size_t shard, std::span<GradientAt> points) const {
    for (GradientAt& each : points) each.measured = value_gradient(shard, Rows::everything(), each.x, each.g);
  }
  /// Whether value_gradients() takes less time than value_gradient() at each of the points.
  [[nodiscard]] virtual bool shares_passes() const { return false; }

  /// Whether hessian_vector() is implemented.
  [[nodiscard]] virtual bool has_curvature() const { return false; }
  /// out = H v, where H is the Hessian at x of the same mean loss over the given rows. Exact, not a
  /// difference of gradients. Overwrites out. Pure, as value_gradient() is.
  virtual void hessian_vector(std::size_t /*shard*/, Rows /*rows*/, View /*x*/, View /*v*/,
                              MutView /*out*/) const {
    check(false, "a problem without curvature was asked for it");
  }

  /// The stretches of x that are matrices, ascending and disjoint. Compressors of matrices use them. If the
  /// list is empty, such a compressor treats x as one matrix.
  [[nodiscard]] virtual std::vector<MatrixBlock> blocks() const { return {}; }

  /// lambda, where every f_i includes the ridge (lambda/2) |x|^2.
  [[nodiscard]] virtual double ridge() const { return 0; }

  /// Whether f is known to be convex.
  [[nodiscard]] virtual bool is_convex() const { return false; }

  /// sigma, the noise that oracles add to gradients: E|noise|^2 = sigma^2 (laconic/problem/oracle.h).
  /// value_gradient() and the trace have no noise.
  [[nodiscard]] virtual double noise() const { return 0; }

  /// Writes the starting point of every run: 0 unless the problem overrides it.
  virtual void start(MutView x) const { fill(x, 0.0); }

  /// Unset where no constants are known (networks). May cost many passes over the data: call it once.
  /// Collective: every process of a run calls it at the same time and gets the same result.
  [[nodiscard]] virtual std::optional<Constants> constants(AllShards& all) const = 0;
  /// The constants of the mean over the first `shards` shards, for runs in which the other clients lie. A
  /// process calls it with the data of the shards that it owns of these. Unset where they are unknown.
  [[nodiscard]] virtual std::optional<Constants> constants_of_first(std::size_t /*shards*/,
                                                                    AllShards& /*all*/) const {
    return {};
  }

  /// Distinguishes data sets of one name with different content; covers test sets too. The same on every
  /// process that has the same files, whichever rows it keeps. 0 where there are no files.
  [[nodiscard]] virtual std::uint32_t data_checksum() const { return 0; }

  /// Whether the problem classifies, so that Measured::correct is meaningful.
  [[nodiscard]] virtual bool classifies() const { return false; }
  /// Whether rows have accuracies: of the training data if classifies(), of a test set if there is one.
  [[nodiscard]] virtual bool has_accuracy() const { return classifies(); }
  /// The fraction of a held-out test set that x classifies correctly; unset where there is no test set.
  [[nodiscard]] virtual std::optional<double> test_accuracy(View /*x*/, ThreadPool& /*pool*/) const {
    return {};
  }
};

}  // namespace laconic
