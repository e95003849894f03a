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

Prepared prepare(const Description& description);

/// Where data sets are looked for: the folders of LACONIC_DATA.
std::vector<std::string> data_folders();

/// The constants by the names of summary.json, those that are known.
std::vector<std::pair<std::string, double>> named_constants(const Constants& constants);

}  // namespace laconic::cli
