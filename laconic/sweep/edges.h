// SPDX-License-Identifier: Apache-2.0
// Whether the best setting lies at the end of an axis of numbers, where a better one may lie beyond.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "laconic/sweep/plan.h"

namespace laconic {

struct Edge {
  std::string axis;
  std::string value;  // of the setting, as written
  bool largest = false;
  std::string beyond = {};  // the next value in this direction
};

/// The axes at an end of which the setting lies, among the settings that differ from it in that axis only.
/// Values must be numbers: "4", "5%", "theory*2". Axes of seeds and of the workload are left out, and so is an end
/// beyond which there is no value > 0, such as the smallest of whole numbers from 1 on.
std::vector<Edge> edges_of(const SweepPlan& plan, std::size_t setting);

/// "largest step, smallest top-k"; "" without edges.
std::string print(const std::vector<Edge>& edges);

/// The plan with the axis widened by the value beyond the edge, in every list that this axis has. InputError if
/// a setting with that value is no description.
SweepPlan widened(const SweepPlan& plan, const Edge& edge);

}  // namespace laconic
