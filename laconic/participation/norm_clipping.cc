// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/norm_clipping.h"

#include <cmath>
#include <utility>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/participation/aggregation_rules.h"

namespace laconic {
namespace {

class NormClipping final : public Aggregator {
 public:
  NormClipping(std::unique_ptr<Aggregator> rule, double bound)
      : Aggregator(rule->clients()), rule_(std::move(rule)), bound_(bound) {}
  std::size_t memory() const override { return rule_->memory(); }

 private:
  void combine(std::span<const View> vectors, const Key& common, ThreadPool& pool, std::span<Vector> memory,
               MutView out) const override {
    const Vector norms_sq = sums_of_blocks(out.size(), vectors.size(), pool, [&](Range range, MutView terms) {
      for (std::size_t i = 0; i < vectors.size(); ++i) terms[i] = norm_sq(part(vectors[i], range));
    });
    std::vector<View> views(vectors.begin(), vectors.end());
    std::vector<Vector> shortened(vectors.size());
    for (std::size_t i = 0; i < vectors.size(); ++i) {
      const double norm = std::sqrt(norms_sq[i]);
      if (norm <= bound_ && is_usable(norms_sq[i])) continue;
      shortened[i].assign(out.size(), 0.0);
      views[i] = shortened[i];
      if (!is_usable(norms_sq[i])) continue;
      for_each_block(out.size(), pool, [&](std::size_t /*b*/, Range range) {
        axpy(bound_ / norm, part(vectors[i], range), part(MutView(shortened[i]), range));
      });
    }
    rule_->aggregate(views, common, pool, memory, out);
  }

  std::unique_ptr<Aggregator> rule_;
  double bound_;
};

}  // namespace

std::unique_ptr<Aggregator> clipped(std::unique_ptr<Aggregator> rule, double bound) {
  check(bound > 0, "norm clipping needs a bound > 0");
  return std::make_unique<NormClipping>(std::move(rule), bound);
}

}  // namespace laconic
