// SPDX-License-Identifier: Apache-2.0
// What `laconic advise` is asked, in words.
#pragma once

#include <string>
#include <vector>

#include "laconic/experiment/config.h"

namespace laconic {

struct AdviceRequest {
  std::vector<KeyValue> settings;    // of the runs: no method, no step, nothing of how they end but targets
  std::vector<std::string> methods;  // the first is what the others are compared with
  std::string step;                  // with braces, perhaps; empty: a grid of ours
  Config config;                     // of the settings
  double seconds = 30;               // that may be spent
  std::string out;                   // a file; empty: nothing is written
};

/// Throws InputError where words are wrong, no network is given, or the file cannot be written. Keys of how
/// a run ends (rounds, ..) and when it is evaluated are wrong as words; in a TOML file, which describes runs
/// of its own, they do not count.
AdviceRequest advice_request_of(const std::vector<std::string>& words);

}  // namespace laconic
