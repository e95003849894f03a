// SPDX-License-Identifier: Apache-2.0
// The modelled clock against measurements of others: the share of the time that DiLoCo computes on four workers
// around a ring (github.com/Adnan082/diloco-measured, Apache-2.0). docs/cost_model.md has the table.
#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "laconic/cost/clock.h"

namespace laconic::testing {
namespace {

constexpr std::size_t kWorkers = 4;
constexpr double kBits = 32 * 30'846'720.0;  // of the model
constexpr std::array<double, 4> kBandwidths = {50e6, 200e6, 1e9, 5e9};

struct Measurement {
  std::size_t local_steps;
  std::array<double, 4> percent;  // of the time, at each bandwidth
};
constexpr std::array<Measurement, 4> kMeasured = {{{1, {0.07, 0.32, 1.74, 7.76}},
                                                   {8, {0.55, 2.48, 12.35, 40.24}},
                                                   {32, {2.41, 10.01, 36.01, 68.10}},
                                                   {128, {11.55, 36.09, 71.52, 87.00}}}};

/// The turns of a round: local steps, then an all-reduce around the ring. In each of its 2 (n - 1) turns each
/// worker sends 1/n of the vector to the next, and receives as much meanwhile.
std::vector<Turn> turns_of(std::size_t local_steps) {
  std::vector<Turn> turns(2 * (kWorkers - 1));
  for (Turn& turn : turns) {
    turn.among_clients = true;
    for (std::uint32_t i = 0; i < kWorkers; ++i)
      turn.clients.push_back({.number = i, .bits_out = kBits / kWorkers, .bits_in = kBits / kWorkers});
  }
  for (Turn::Client& client : turns.front().clients) client.calls = local_steps;
  return turns;
}

/// The modelled seconds of a round. Receiving takes no time of its own: the links send and receive at once.
double seconds_of(std::size_t local_steps, double bandwidth, double seconds_a_step) {
  return Clock(kWorkers, {{.up = bandwidth}}, {seconds_a_step}, nullptr, 1).seconds(1, turns_of(local_steps));
}

TEST(Utilization, OfDiLoCoIsNearMeasurementsOfOthers) {
  // The time of a step follows from one cell: 32 local steps at 1 Gbit/s.
  constexpr std::size_t kLocalSteps = 32;
  constexpr double kShare = 0.3601;
  constexpr double kBandwidth = 1e9;
  const double seconds_a_step = kShare / (1 - kShare) * seconds_of(kLocalSteps, kBandwidth, 0) / kLocalSteps;
  EXPECT_NEAR(seconds_a_step, 0.0260, 5e-5);  // their log of steps has 26 to 27 ms

  std::vector<double> factors;  // between predicted and measured shares, in the other fifteen cells
  for (const Measurement& row : kMeasured) {
    for (std::size_t j = 0; j < kBandwidths.size(); ++j) {
      if (row.local_steps == kLocalSteps && kBandwidths[j] == kBandwidth) continue;
      const double computing = static_cast<double>(row.local_steps) * seconds_a_step;
      const double predicted = 100 * computing / seconds_of(row.local_steps, kBandwidths[j], seconds_a_step);
      factors.push_back(std::max(predicted / row.percent[j], row.percent[j] / predicted));
    }
  }
  ASSERT_EQ(factors.size(), 15U);
  std::sort(factors.begin(), factors.end());
  EXPECT_LE(factors.back(), 1.28);
  EXPECT_LE(factors[7], 1.09);
}

}  // namespace
}  // namespace laconic::testing
