// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/costs.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <vector>

#include "laconic/core/error.h"

namespace laconic {

namespace {

/// Of the calling thread, since some fixed time.
double processor_seconds() {
  timespec now{};
  check(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0, "the clock of a thread does not answer");
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

double to_one_two_five(double seconds) {
  if (seconds <= 0) return 0;
  const double power = std::pow(10, std::floor(std::log10(seconds)));
  double nearest = power;
  for (const double each : {2 * power, 5 * power, 10 * power}) {
    if (seconds * seconds > nearest * each) nearest = each;
  }
  return nearest;
}

double least_seconds(double within, const std::function<void()>& work) {
  using Time = std::chrono::steady_clock;
  constexpr std::size_t kLeast = 3;
  constexpr std::size_t kMost = 101;
  constexpr double kShortest = 1e-4;  // far above the resolution of the clock
  const auto end = Time::now() + std::chrono::duration<double>(within);
  work();
  double least = std::numeric_limits<double>::infinity();
  std::size_t repeats = 1;
  for (std::size_t timings = 0; timings < kLeast || (timings < kMost && Time::now() < end);) {
    const double begin = processor_seconds();
    for (std::size_t k = 0; k < repeats; ++k) work();
    const double seconds = processor_seconds() - begin;
    if (seconds < kShortest) {
      repeats *= 2;
    } else {
      least = std::min(least, seconds / static_cast<double>(repeats));
      ++timings;
    }
  }
  return least;
}

double seconds_a_gradient(const Problem& problem, std::optional<std::size_t> batch, double within) {
  Vector x(problem.dim());
  Vector g(problem.dim());
  problem.start(x);
  std::vector<std::uint32_t> positions(batch.value_or(0));
  // Row numbers over the whole shard, as in a minibatch.
  for (std::size_t k = 0; k < positions.size(); ++k)
    positions[k] = static_cast<std::uint32_t>((k * 7919) % problem.rows(0));
  const double seconds = least_seconds(
      within, [&] { problem.value_gradient(0, batch ? Rows::listed(positions) : Rows::everything(), x, g); });
  return to_one_two_five(seconds / static_cast<double>(batch.value_or(problem.rows(0))));
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
  const auto seconds_of = [&](const std::function<void()>& work) {
    return to_one_two_five(least_seconds(within / 2, work));
  };
  cost.encode = seconds_of([&] { mechanism.encode(key, {h, y, e, numbers}, gradient, message); });
  cost.decode = seconds_of([&] { decode_add(key, message, 0.5, sum); });
  cost.bits = static_cast<double>(message.bits());
  return cost;
}

}  // namespace laconic
