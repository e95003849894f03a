// SPDX-License-Identifier: Apache-2.0
// What is minimised: f(x) = (1/n) sum_{i<n} f_i(x) over x in R^d, where f_i is the mean loss over the rows of
// shard i.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/core/vec.h"
#include "laconic/problem/all_shards.h"

namespace laconic {

/// Which rows of a shard a question is about: all of them, or a list of positions within the shard,
/// repetitions allowed (a minibatch drawn with replacement).
struct Rows {
  bool all = true;
  std::span<const std::uint32_t> list;

  static Rows everything() { return {}; }
  static Rows listed(std::span<const std::uint32_t> positions) { return {false, positions}; }

  /// How many of a shard of so many rows.
  [[nodiscard]] std::size_t count(std::size_t rows_of_shard) const {
    return all ? rows_of_shard : list.size();
  }
  /// The position of the k-th of them.
  std::size_t operator[](std::size_t k) const { return all ? k : list[k]; }
};

/// What one pass over rows says besides the gradient.
struct Measured {
  double value = 0;    // mean loss over the rows, regulariser included
  double correct = 0;  // rows whose label is predicted; 0 where nothing is classified
};

/// Smoothness and convexity, in the symbols of the papers (MARINA section 1, 3PC section 1). Bounds where the
/// exact constant is unknown: never below the truth, except mu, never above it.
struct Constants {
  double L_minus = 0;        // of f
  double L_plus = 0;         // (1/n) sum |grad f_i(x) - grad f_i(y)|^2 <= L_plus^2 |x-y|^2
  double L_pm = 0;           // Hessian variance: the same less |grad f(x) - grad f(y)|^2
  double L_tilde = 0;        // quadratic mean of the L_i
  double L_max = 0;          // largest L_i
  double L_sample = 0;       // of minibatch differences: sqrt( mean over i of mean over rows j of L_ij^2 )
  std::optional<double> mu;  // Polyak-Lojasiewicz: |grad f|^2 >= 2 mu (f - f*)
  std::optional<double> f_lower;  // a lower bound of f
};

/// A process keeps the data of some shards only, those that its own workers look at; only these have
/// gradients there. All else is known of every shard.
class Problem {
 public:
  virtual ~Problem() = default;

  [[nodiscard]] virtual std::size_t dim() const = 0;
  [[nodiscard]] virtual std::size_t shards() const = 0;
  /// Rows (samples) of a shard; the unit of oracle calls. 1 where f_i is not a sum over data.
  [[nodiscard]] virtual std::size_t rows(std::size_t shard) const = 0;

  /// g = gradient at x of the mean loss over the given rows of the shard; returns their value. Overwrites g.
  /// A pure function: the same bits for the same arguments, on any thread; may be called from several at
  /// once.
  virtual Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const = 0;

  /// Whether hessian_vector() is there.
  [[nodiscard]] virtual bool has_curvature() const { return false; }
  /// out = H v, H the Hessian at x of the same mean loss over the given rows: exact, no differences of
  /// gradients. Overwrites out. Pure, as value_gradient() is.
  virtual void hessian_vector(std::size_t /*shard*/, Rows /*rows*/, View /*x*/, View /*v*/,
                              MutView /*out*/) const {
    check(false, "a problem without curvature was asked for it");
  }

  /// Whether f is known to be convex.
  [[nodiscard]] virtual bool is_convex() const { return false; }

  /// sigma, where a method sees gradients through noise: E|noise|^2 = sigma^2 (laconic/problem/oracle.h).
  /// value_gradient() and the trace are without.
  [[nodiscard]] virtual double noise() const { return 0; }

  /// The point from which every run starts: 0 unless the problem says otherwise.
  virtual void start(MutView x) const { fill(x, 0.0); }

  /// Nothing where no constants are known (networks). May cost many passes over the data: ask once. Every
  /// process of a run asks at the same time, and gets the same.
  [[nodiscard]] virtual std::optional<Constants> constants(AllShards& all) const = 0;

  /// Tells data of one name but unlike content apart, test sets included: the same on every process that was
  /// given the same files, whichever rows it keeps. 0 where there are no files.
  [[nodiscard]] virtual std::uint32_t data_checksum() const { return 0; }

  /// Whether Measured::correct means anything.
  [[nodiscard]] virtual bool classifies() const { return false; }
  /// Share of a held-out test set that x labels right; nothing where there is none.
  [[nodiscard]] virtual std::optional<double> test_accuracy(View /*x*/, ThreadPool& /*pool*/) const {
    return {};
  }
};

}  // namespace laconic
