// SPDX-License-Identifier: Apache-2.0
// Which method pays on a link: times what a round costs, and runs short pilots (pilot.h).
#pragma once

#include <string>
#include <vector>

#include "laconic/advise/request.h"
#include "laconic/core/observer.h"

namespace laconic {

struct AdviceResult {
  std::string head;                    // what was asked and measured
  std::string table;                   // a line a method
  std::vector<std::string> sentences;  // the advice
  std::string json;                    // all of it
  std::string failure;                 // why there is no recommendation: no method came to the target
};

/// Takes about request.seconds after the data is read. InputError for what is wrong with the request; Interrupted
/// where the observer asks for the end.
AdviceResult advise(const AdviceRequest& request, Observer& observer);

}  // namespace laconic
