// SPDX-License-Identifier: Apache-2.0
// Step sizes that theorems allow, and the rates that they promise. L_minus, L_plus, ... are defined in
// problem/problem.h; omega, A, B in compress/compressor.h. n is the number of clients; f_lower <= inf f.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "laconic/compress/compressor.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct Theorem {
  std::string name;       // the method and its source
  std::string step_rule;  // the formula of `step`
  double step = 0;        // the largest gamma allowed
  std::string promise;    // in words and symbols, for any gamma <= step
  // The promise in numbers, with Delta = f(x_0) - f_lower:
  double mean_gradient_factor =
      0;                   // a: (1/K) sum_{k<K} E|grad f(x_k)|^2 <= a Delta / (gamma K); 0: not promised
  double contraction = 0;  // c: E f(x_K) - f* <= (1 - gamma c)^K Delta; 0: not promised
};

/// The value of the promise after `rounds` K >= 1 rounds with that step, where `gap` >= f(x_0) - f*: a bound
/// on (1/K) sum_{k<K} E|grad f(x_k)|^2, and one on E f(x_K) - f*. Nothing if the theorem does not promise it,
/// or if the step is larger than the theorem allows.
std::optional<double> bound_on_mean_gradient(const Theorem& theorem, double step, std::size_t rounds,
                                             double gap);
std::optional<double> bound_on_gap(const Theorem& theorem, double step, std::size_t rounds, double gap);

/// Gradient descent: gamma = 1 / L_minus.
Theorem gd_theorem(const Constants& c);

/// The promises of theorems on the mean gradient and on a linear rate, in words.
inline constexpr const char* kMeanGradient =
    "(1/K) sum_{k<K} E|grad f(x_k)|^2 <= 2 (f(x_0) - f_lower) / (gamma K)";
inline constexpr const char* kLinear = "E f(x_K) - f* <= (1 - gamma mu)^K (f(x_0) - f*)";

/// Under the Polyak-Lojasiewicz condition: gamma = min{1 / inverse_step, p / (2 mu)}. Nothing if mu is
/// unknown.
std::optional<Theorem> under_pl(const Constants& c, const char* name, const char* step_rule,
                                double inverse_step, double p);

}  // namespace laconic
