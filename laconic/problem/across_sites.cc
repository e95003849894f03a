// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/across_sites.h"

#include <optional>
#include <span>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/problem/like.h"

namespace laconic {
namespace {

class AcrossSites final : public Like {
 public:
  AcrossSites(std::shared_ptr<const Problem> problem, std::vector<std::uint32_t> rows,
              std::optional<std::size_t> own)
      : Like(std::move(problem)), rows_(std::move(rows)), own_(own) {
    check(!rows_.empty() && own_.value_or(0) < rows_.size(), "a problem across sites needs their rows");
  }

  std::size_t shards() const override { return rows_.size(); }
  std::size_t rows(std::size_t shard) const override { return rows_.at(shard); }
  bool is_here() const override { return own_.has_value(); }
  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    return problem_->value_gradient(require_own(shard), rows, x, g);
  }
  void value_gradients(std::size_t shard, std::span<GradientAt> points) const override {
    problem_->value_gradients(require_own(shard), points);
  }
  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    problem_->hessian_vector(require_own(shard), rows, x, v, out);
  }
  std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }
  std::optional<Constants> constants_of_first(std::size_t /*shards*/, AllShards& /*all*/) const override {
    return {};
  }
  std::uint32_t data_checksum() const override { return 0; }  // no two sites have the same file

 private:
  /// The shard of problem_.
  [[nodiscard]] std::size_t require_own(std::size_t shard) const {
    check(own_ == shard, "the rows of this shard are at another site");
    return 0;
  }

  std::vector<std::uint32_t> rows_;
  std::optional<std::size_t> own_;  // unset at the server
};

}  // namespace

std::unique_ptr<Problem> at_site(std::shared_ptr<const Problem> problem, std::vector<std::uint32_t> rows,
                                 std::size_t own) {
  return std::make_unique<AcrossSites>(std::move(problem), std::move(rows), own);
}

std::unique_ptr<Problem> at_server(std::shared_ptr<const Problem> problem, std::vector<std::uint32_t> rows) {
  return std::make_unique<AcrossSites>(std::move(problem), std::move(rows), std::nullopt);
}

}  // namespace laconic
