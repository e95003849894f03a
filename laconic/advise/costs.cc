// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/costs.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

namespace laconic {

double median_seconds(double within, const std::function<void()>& work) {
  using Time = std::chrono::steady_clock;
  constexpr std::size_t kLeast = 3;
  constexpr std::size_t kMost = 101;
  const auto seconds_since = [](Time::time_point begin) {
    return std::chrono::duration<double>(Time::now() - begin).count();
  };
  work();
  std::vector<double> times;
  const auto first = Time::now();
  while (times.size() < kLeast || (times.size() < kMost && seconds_since(first) < within)) {
    const auto begin = Time::now();
    work();
    times.push_back(seconds_since(begin));
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

double seconds_a_gradient(const Problem& problem, std::optional<std::size_t> batch, double within) {
  Vector x(problem.dim());
  Vector g(problem.dim());
  problem.start(x);
  double rows = 0;
  for (std::size_t i = 0; i < problem.shards(); ++i) rows += static_cast<double>(problem.rows(i));
  std::vector<std::uint32_t> positions(batch.value_or(0));
  std::size_t shard = 0;
  const double seconds = median_seconds(within, [&] {
    // Row numbers over the whole shard, as in a minibatch.
    for (std::size_t k = 0; k < positions.size(); ++k)
      positions[k] = static_cast<std::uint32_t>((k * 7919) % problem.rows(shard));
    problem.value_gradient(shard, batch ? Rows::listed(positions) : Rows::everything(), x, g);
    shard = (shard + 1) % problem.shards();
  });
  return seconds / (batch ? static_cast<double>(*batch) : rows / static_cast<double>(problem.shards()));
}

MessageCost cost_of_message(const Mechanism& mechanism, const Problem& problem, std::uint64_t seed,
                            double within) {
  constexpr std::uint32_t kPatience = 1000;  // rounds; some methods restart in every round
  Key key{.seed = seed, .round = 1};
  while (mechanism.restarts(key) && key.round < kPatience) ++key.round;

  Vector x(problem.dim());
  Vector gradient(problem.dim());
  problem.start(x);
  problem.value_gradient(0, Rows::everything(), x, gradient);
  Vector h;
  Vector y;
  Vector e;
  const Vector numbers(mechanism.keeps(), 0.0);
  if (mechanism.rates().client != 0) h.assign(problem.dim(), 0.0);
  if (mechanism.accumulates_error()) e.assign(problem.dim(), 0.0);
  if (mechanism.uses_previous() && !mechanism.restarts(key)) {
    y = gradient;
    scale(0.999, y);
  }
  Message message;
  Vector sum(problem.dim(), 0.0);
  MessageCost cost;
  cost.encode = median_seconds(within / 2, [&] {
    mechanism.encode(key, {h, y, e, numbers}, gradient, message);
  });
  cost.decode = median_seconds(within / 2, [&] { decode_add(key, message, 0.5, sum); });
  cost.bits = static_cast<double>(message.bits());
  return cost;
}

}  // namespace laconic
