// SPDX-License-Identifier: Apache-2.0
// What is known of a run before it begins: the constants of its problem, the theorems of its method, and what
// they promise. The result of `laconic theory`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "laconic/experiment/experiment.h"
#include "laconic/methods/theorem.h"
#include "laconic/problem/minimum.h"
#include "laconic/transport/fleet.h"

namespace laconic {

/// The step of a run, and what its theorem promises after the rounds of the run.
struct Promise {
  std::string step_rule;  // as in the config: theory*2
  double step = 0;
  std::size_t rounds = 0;
  bool is_too_long = false;  // the step is longer than the theorem allows; then nothing is promised
  // Set if the step is that of a theorem and f_lower is known. With an outer rule that adds a term to f, f_start
  // contains it.
  std::optional<double> f_start = {};
  std::optional<double> f_lower = {};
  std::optional<double> mean_gradient = {};  // bound_on_mean_gradient()
  std::optional<double> gap = {};            // bound_on_gap()
};

struct Theory {
  std::string problem;  // as in the config
  std::size_t dim = 0;
  std::size_t clients = 0;
  std::size_t rows = 0;                                   // of all clients
  std::vector<std::pair<std::string, double>> constants;  // named_constants(); empty if none are known
  std::optional<Minimum> minimum;                         // set if the config asks for target-gap
  std::string method;                                     // as in the config
  std::vector<std::pair<std::string, double>> facts;      // Assembly::facts: omega, p, ...
  std::vector<std::string> warnings;                      // Assembly::warnings
  // By the value of the key `step` that uses the theorem: theory, theory-pl, tight.
  std::vector<std::pair<std::string, Theorem>> theorems;
  std::optional<Promise> promise;  // unset if the run needs a number as its step
};

/// Costs at most one pass over the data, at the starting point. Throws what Experiment::step() throws.
/// Collective.
Theory theory_of(const Experiment& experiment, Fleet& fleet);

/// The output of `laconic theory --json`: one document, with a newline at its end.
std::string theory_json(const Theory& theory);

}  // namespace laconic
