// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/scaled_steps.h"

namespace laconic {

View statistic_of(const ScalingPlan& plan, const Oracle& oracle, Key key, View x, std::size_t before,
                  std::size_t& calls, StatisticScratch& scratch) {
  Vector& statistic = scratch.statistic;
  statistic.assign(x.size(), 0.0);
  if (!plan.scaling.row->curvature) {
    calls += oracle.calls(key);
    oracle.gradient(key, x, statistic);
    if (plan.local || plan.mean_of_squares) {
      for (double& each : statistic) each *= each;
    }
    return statistic;
  }
  const std::size_t probes = before == 0 ? plan.start_probes : 1;
  Vector& probe = scratch.probe;
  Vector& product = scratch.product;
  probe.resize(x.size());
  product.resize(x.size());
  for (std::size_t p = 0; p < probes; ++p, ++key.step) {
    Key address = plan.shared_probes ? key.common() : key;
    address.step = key.step;
    Stream signs = address.stream(Purpose::probe);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < probe.size(); ++j, word >>= 1) {
      if (j % 32 == 0) word = signs.next32();
      probe[j] = (word & 1) != 0 ? 1 : -1;
    }
    oracle.hessian_vector(key, x, probe, product);
    calls += oracle.calls(key);
    for (std::size_t j = 0; j < probe.size(); ++j)
      statistic[j] += probe[j] * product[j] / static_cast<double>(probes);
  }
  return statistic;
}

}  // namespace laconic
