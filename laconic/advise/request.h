// SPDX-License-Identifier: Apache-2.0
// The parsed request of `laconic advise`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "laconic/experiment/config.h"

namespace laconic {

struct AdviceRequest {
  std::vector<KeyValue> settings;   // as given, without method and step: what the result says it is about
  Config config;                    // of the settings; of the keys that end a run, only targets
  std::vector<Spec> methods;        // the first is the base of all comparisons
  std::vector<StepRule> steps;      // of each method; empty: a default grid
  std::optional<double> gradients;  // budget of all pilots together; unset: chosen by the problem
  double seconds = 55;              // time limit
  std::string out;                  // a file; empty: none is written
};

/// Throws InputError if words are wrong, no network is given, or the file cannot be written. Keys that end a
/// run (rounds, ...) or say when it is evaluated are errors as words. In a TOML file, which describes runs of
/// its own, they are ignored.
AdviceRequest advice_request_of(const std::vector<std::string>& words);

}  // namespace laconic
