// SPDX-License-Identifier: Apache-2.0
// What a run of a sweep has to solve. Runs are compared only within one workload.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/spec.h"
#include "laconic/experiment/config.h"
#include "laconic/sweep/grid.h"

namespace laconic {

struct Workload {
  Spec problem;
  std::size_t clients = 0;
  Spec split;
  // Each of these is set only if it is an axis of the sweep.
  std::optional<Spec> byzantine = {};
  std::optional<Spec> stragglers = {};
  std::optional<Spec> network = {};
  std::vector<double> compute = {};
  std::optional<double> target = {};
  std::optional<double> target_gap = {};
  std::optional<double> target_accuracy = {};
  std::optional<double> target_consensus = {};

  friend bool operator==(const Workload& a, const Workload& b) = default;
};

/// The workload of a run of this grid.
Workload workload_of(const Config& config, const Grid& grid);

/// Whether runs that differ in this axis have different workloads.
bool is_of_workload(const Axis& axis);

/// In the files of a sweep a workload is called a scene: "problem=quadratic(d=20) clients=20
/// split=contiguous target=0.1", in the order of the keys of a config.
std::string print(const Workload& workload);

}  // namespace laconic
