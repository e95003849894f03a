// SPDX-License-Identifier: Apache-2.0
// A description turned into objects: data read, constants known, method assembled. What can be wrong with a
// description is found here, before round 0 (all but the step: resolve() in rounds/recipes.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/description.h"
#include "laconic/core/parallel.h"
#include "laconic/problem/problem.h"
#include "laconic/rounds/recipes.h"

namespace laconic::cli {

struct Prepared {
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Problem> problem;
  std::optional<Constants> constants;
  Assembly assembly;
};

/// Which rank of how many this is, and how many of them share the processors of its machine.
struct Place {
  std::size_t rank = 0;
  std::size_t ranks = 1;
  std::size_t neighbours = 1;
};

/// Keeps the rows of this rank's clients only, once the constants are known; the constants and the assembly
/// are the same on all ranks.
Prepared prepare(const Description& description, const Place& place = {});

/// Where data sets are looked for: the folders of LACONIC_DATA.
std::vector<std::string> data_folders();

/// The constants by the names of summary.json, those that are known.
std::vector<std::pair<std::string, double>> named_constants(const Constants& constants);

}  // namespace laconic::cli
