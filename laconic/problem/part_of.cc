// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/part_of.h"

#include <utility>
#include <vector>

#include "laconic/core/error.h"

namespace laconic {
namespace {

/// A problem that is like another one, but for what a class derived from it overrides.
class Like : public Problem {
 public:
  explicit Like(std::shared_ptr<const Problem> problem) : problem_(std::move(problem)) {}

  std::size_t dim() const override { return problem_->dim(); }
  std::size_t shards() const override { return problem_->shards(); }
  std::size_t rows(std::size_t shard) const override { return of(shard).rows(shard); }
  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    return of(shard).value_gradient(shard, rows, x, g);
  }
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

class FirstShards final : public Like {
 public:
  FirstShards(std::shared_ptr<const Problem> problem, std::size_t shards)
      : Like(std::move(problem)), shards_(shards) {
    check(shards >= 1 && shards <= problem_->shards(), "need between one shard and all of the problem");
  }
  std::size_t shards() const override { return shards_; }
  std::optional<Constants> constants(AllShards& all) const override {
    return problem_->constants_of_first(shards_, all);
  }

 private:
  std::size_t shards_;
};

class WithLastShards final : public Like {
 public:
  WithLastShards(std::shared_ptr<const Problem> problem, std::shared_ptr<const Problem> last,
                 std::size_t first)
      : Like(std::move(problem)), last_(std::move(last)), first_(first) {
    check(last_->shards() == shards() && last_->dim() == dim(), "the parts of a problem must be alike");
  }

 private:
  const Problem& of(std::size_t shard) const override { return shard < first_ ? *problem_ : *last_; }

  std::shared_ptr<const Problem> last_;
  std::size_t first_;
};

}  // namespace

std::unique_ptr<Problem> first_shards(std::shared_ptr<const Problem> problem, std::size_t shards) {
  return std::make_unique<FirstShards>(std::move(problem), shards);
}

std::unique_ptr<Problem> with_last_shards(std::shared_ptr<const Problem> problem,
                                          std::shared_ptr<const Problem> last, std::size_t first) {
  return std::make_unique<WithLastShards>(std::move(problem), std::move(last), first);
}

}  // namespace laconic
