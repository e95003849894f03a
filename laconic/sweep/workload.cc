// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/workload.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

namespace laconic {
namespace {

/// The keys of a config that are fields of a workload.
constexpr std::string_view kWorkloadKeys[] = {
    "problem", "clients", "split",  "rest",       "byzantine",       "stragglers",
    "network", "compute", "target", "target-gap", "target-accuracy", "target-consensus"};

bool is_key_of_workload(std::string_view key) {
  return std::find(std::begin(kWorkloadKeys), std::end(kWorkloadKeys), key) != std::end(kWorkloadKeys);
}

}  // namespace

Workload workload_of(const Config& config, const Grid& grid) {
  const auto varies = [&](std::string_view key) {
    return std::any_of(grid.axes.begin(), grid.axes.end(), [&](const Axis& axis) { return axis.key == key; });
  };
  Workload workload{.problem = config.problem, .clients = config.clients, .split = config.split};
  if (varies("byzantine")) workload.byzantine = config.byzantine;
  if (varies("stragglers")) workload.stragglers = config.stragglers;
  if (varies("network")) workload.network = config.network;
  if (varies("compute")) workload.compute = config.compute;
  if (varies("target")) workload.target = config.solve.target;
  if (varies("target-gap")) workload.target_gap = config.target_gap;
  if (varies("target-accuracy")) workload.target_accuracy = config.solve.target_accuracy;
  if (varies("target-consensus")) workload.target_consensus = config.solve.target_consensus;
  return workload;
}

bool is_of_workload(const Axis& axis) { return is_key_of_workload(axis.key); }

std::string print(const Workload& workload) {
  Config config;
  config.problem = workload.problem;
  config.clients = workload.clients;
  config.split = workload.split;
  config.byzantine = workload.byzantine;
  config.stragglers = workload.stragglers;
  config.network = workload.network;
  config.compute = workload.compute;
  config.solve.target = workload.target;
  config.target_gap = workload.target_gap;
  config.solve.target_accuracy = workload.target_accuracy;
  config.solve.target_consensus = workload.target_consensus;
  std::string text;
  for (const auto& [key, value] : resolved(config)) {
    if (is_key_of_workload(key)) text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
  }
  return text;
}

}  // namespace laconic
