// SPDX-License-Identifier: Apache-2.0
// The target of the pilots of `laconic advise`, and the distance of a run from it.
#pragma once

#include <string>

#include "laconic/core/parallel.h"
#include "laconic/experiment/experiment.h"
#include "laconic/report/trace.h"
#include "laconic/transport/fleet.h"

namespace laconic {

struct Target {
  const char* key = "";  // of a config: target, target-gap or target-accuracy
  double value = 0;
  std::string words;                             // "|grad f|^2 <= 0.1"
  const char* quantity = "";                     // what it bounds: "|grad f|^2"
  double (*distance)(const Row& row) = nullptr;  // smaller is nearer

  [[nodiscard]] double value_of(const Row& row) const;
  /// The quantity of a row with its name: "|grad f|^2 = 0.123".
  [[nodiscard]] std::string reached(const Row& row) const;
};

/// The target of the config. Without one: this share of the squared gradient norm at the start. InputError if
/// the start already meets the target.
Target target_of(const Config& config, double share, const OpenedProblem& opened, Fleet& fleet,
                 ThreadPool& pool);

}  // namespace laconic
