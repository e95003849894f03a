// SPDX-License-Identifier: Apache-2.0
#include "laconic/participation/aggregator.h"

#include <algorithm>

#include "laconic/core/error.h"
#include "laconic/participation/aggregation_rules.h"

namespace laconic {
namespace {

constexpr AggregatorRow kRules[] = {
    {"mean", "mean", "the mean of all vectors; one liar can move it anywhere", make_mean},
    {"median", "median", "the median of each coordinate", make_median},
    {"trimmed-mean", "trimmed-mean(B)",
     "of each coordinate the mean without the B largest and the B smallest entries", make_trimmed_mean},
    {"krum", "krum(F)", "the vector with the least sum of the n - F - 2 smallest squared distances to others",
     make_krum},
    {"multi-krum", "multi-krum(F, M)", "the mean of the M best vectors by that sum", make_multi_krum},
    {"rfa", "rfa(steps=8, nu=1e-6)",
     "the geometric median, by so many steps from the mean; vectors closer than nu count as at distance nu",
     make_rfa},
    {"clip", "clip(TAU, steps=3)",
     "the last result, moved so many times by the mean of the differences to it, each clipped to length TAU",
     make_clip},
    {"bucketing", "bucketing(S, RULE)",
     "RULE on the means of random buckets of S clients each; its F or B counts buckets", make_bucketing},
};

}  // namespace

void Aggregator::aggregate(std::span<const View> vectors, const Key& common, ThreadPool& pool,
                           std::span<Vector> remembered, MutView out) const {
  const auto fits = [&](const auto& v) { return v.size() == out.size(); };
  check(vectors.size() == clients_ && std::all_of(vectors.begin(), vectors.end(), fits),
        "an aggregation rule needs one vector of each client, all as long as the result");
  check(remembered.size() == memory() && std::all_of(remembered.begin(), remembered.end(), fits),
        "an aggregation rule needs the vectors of its memory, all as long as the result");
  combine(vectors, common, pool, remembered, out);
}

std::span<const AggregatorRow> aggregators() { return kRules; }

std::unique_ptr<Aggregator> make_aggregator(const Spec& spec, std::size_t clients) {
  check(clients >= 1, "an aggregation rule needs clients >= 1");
  const AggregatorRow& row = row_named(spec, "aggregation rule", aggregators());
  Arguments arguments(spec);
  auto rule = row.make(arguments, clients);
  arguments.done();
  return rule;
}

}  // namespace laconic
