// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/part_of.h"

#include <utility>

#include "laconic/core/error.h"
#include "laconic/problem/like.h"

namespace laconic {
namespace {

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
