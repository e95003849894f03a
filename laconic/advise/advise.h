// SPDX-License-Identifier: Apache-2.0
// Compares methods on a link: measures the cost of a round and runs short pilots (pilot.h).
#pragma once

#include <string>
#include <vector>

#include "laconic/advise/request.h"
#include "laconic/core/observer.h"

namespace laconic {

struct AdviceResult {
  std::string head;                    // the question and the measurements
  std::string table;                   // a line for each method
  std::vector<std::string> sentences;  // the advice
  std::string json;                    // all results
  std::string failure;                 // why there is no recommendation; else empty
};

/// The same request gives the same pilots on every machine, unless request.seconds end them; then a sentence
/// says so. They end little later than request.seconds after the data are read. Throws InputError for errors in the request, and
/// Interrupted if the observer asks for the end.
AdviceResult advise(const AdviceRequest& request, Observer& observer);

}  // namespace laconic
