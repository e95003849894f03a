// SPDX-License-Identifier: Apache-2.0
// Bucketing (Karimireddy, He, Jaggi, "Byzantine-robust learning on heterogeneous datasets via bucketing",
// ICLR 2022, arXiv 2006.09365): the rule gets the means of random buckets of S clients. The means are more
// alike than the clients are. Each of f liars can spoil a bucket, so f buckets can lie. Byz-VR-MARINA
// (Gorbunov, Horvath, Richtarik, Gidel, "Variance reduction is an antidote to Byzantines: better rates,
// weaker assumptions and communication compression as a cherry on the top", ICLR 2023, arXiv 2206.00529) uses
// the median, RFA and Krum on buckets.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "laconic/participation/aggregation_rules.h"

namespace laconic {
namespace {

std::size_t buckets_of(std::size_t clients, std::size_t size) { return (clients + size - 1) / size; }

class Bucketing final : public Aggregator {
 public:
  Bucketing(std::size_t clients, std::size_t size, std::unique_ptr<Aggregator> rule)
      : Aggregator(clients), size_(size), rule_(std::move(rule)) {}
  std::size_t memory() const override { return rule_->memory(); }

 private:
  void combine(std::span<const View> vectors, const Key& common, ThreadPool& pool, std::span<Vector> memory,
               MutView out) const override {
    const std::vector<std::uint32_t> order = permutation(common);
    std::vector<Vector> means;
    for (std::size_t first = 0; first < clients(); first += size_) {
      const std::size_t count = std::min(size_, clients() - first);
      Vector weights(clients(), 0.0);
      for (std::size_t k = 0; k < count; ++k) weights[order[first + k]] = 1.0 / static_cast<double>(count);
      means.emplace_back(out.size());
      add_up(vectors, weights, pool, means.back());
    }
    Key inner = common;
    ++inner.step;  // buckets of buckets have a permutation of their own
    rule_->aggregate(std::vector<View>(means.begin(), means.end()), inner, pool, memory, out);
  }

  /// The clients in random order (Fisher-Yates, from the back). PermK uses copies 0 and 1 of the round's
  /// permutation.
  [[nodiscard]] std::vector<std::uint32_t> permutation(Key common) const {
    common.copy = 2;
    Stream stream = common.stream(Purpose::permutation);
    std::vector<std::uint32_t> order(clients());
    std::iota(order.begin(), order.end(), 0U);
    for (std::size_t left = order.size(); left > 1; --left)
      std::swap(order[left - 1], order[stream.below(left)]);
    return order;
  }

  std::size_t size_;
  std::unique_ptr<Aggregator> rule_;
};

}  // namespace

std::unique_ptr<Aggregator> make_bucketing(Arguments& arguments, std::size_t clients) {
  arguments.required("s", 0, "bucketing(2, median)");
  const std::size_t size = arguments.whole("s", 1, 1, 0);
  if (size > clients) arguments.fail(fmt::format("s = {}; need s <= {}, the vectors", size, clients));
  const Spec& rule = arguments.required("rule", 1, "bucketing(2, median)");
  return std::make_unique<Bucketing>(clients, size, make_aggregator(rule, buckets_of(clients, size)));
}

}  // namespace laconic
