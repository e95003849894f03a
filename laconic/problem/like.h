// SPDX-License-Identifier: Apache-2.0
// A problem that passes all questions on to another one, as a base class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "laconic/problem/problem.h"

namespace laconic {

/// A problem that is like another one, but for what a class derived from it overrides. If its gradients are
/// others, it must override value_gradients() too.
class Like : public Problem {
 public:
  explicit Like(std::shared_ptr<const Problem> problem) : problem_(std::move(problem)) {}

  std::size_t dim() const override { return problem_->dim(); }
  std::size_t shards() const override { return problem_->shards(); }
  std::size_t rows(std::size_t shard) const override { return of(shard).rows(shard); }
  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    return of(shard).value_gradient(shard, rows, x, g);
  }
  void value_gradients(std::size_t shard, std::span<GradientAt> points) const override {
    of(shard).value_gradients(shard, points);
  }
  bool shares_passes() const override { return problem_->shares_passes(); }
  bool has_curvature() const override { return problem_->has_curvature(); }
  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    of(shard).hessian_vector(shard, rows, x, v, out);
  }
  bool is_convex() const override { return problem_->is_convex(); }
  std::vector<MatrixBlock> blocks() const override { return problem_->blocks(); }
  double ridge() const override { return problem_->ridge(); }
  double noise() const override { return problem_->noise(); }
  void start(MutView x) const override { problem_->start(x); }
  std::optional<Constants> constants(AllShards& all) const override { return problem_->constants(all); }
  std::optional<Constants> constants_of_first(std::size_t shards, AllShards& all) const override {
    return problem_->constants_of_first(shards, all);
  }
  std::uint32_t data_checksum() const override { return problem_->data_checksum(); }
  bool classifies() const override { return problem_->classifies(); }
  bool has_accuracy() const override { return problem_->has_accuracy(); }
  std::optional<double> test_accuracy(View x, ThreadPool& pool) const override {
    return problem_->test_accuracy(x, pool);
  }

 protected:
  /// The problem that has this shard.
  [[nodiscard]] virtual const Problem& of(std::size_t /*shard*/) const { return *problem_; }

  std::shared_ptr<const Problem> problem_;
};

}  // namespace laconic
