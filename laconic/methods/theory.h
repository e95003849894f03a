// SPDX-License-Identifier: Apache-2.0
// Step sizes that theorems allow, and what they promise in return. L_minus, L_plus, ... are those of
// problem/problem.h; omega, A, B those of compress/compressor.h; n is the number of clients; f_lower <= inf
// f.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "laconic/compress/compressor.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct Theorem {
  std::string name;       // whose, and where to read it
  std::string step_rule;  // the formula behind `step`
  double step = 0;        // the largest gamma allowed
  std::string promise;    // in words and symbols, at any gamma <= step
  // The promise in numbers, with Delta = f(x_0) - f_lower:
  double mean_gradient_factor =
      0;                   // a: (1/K) sum_{k<K} E|grad f(x_k)|^2 <= a Delta / (gamma K); 0: not promised
  double contraction = 0;  // c: E f(x_K) - f* <= (1 - gamma c)^K Delta; 0: not promised
};

/// What the promise comes to after `rounds` K >= 1 rounds with that step, where `gap` >= f(x_0) - f*: a bound on
/// (1/K) sum_{k<K} E|grad f(x_k)|^2, and one on E f(x_K) - f*. Nothing where that is not promised, or the step is
/// longer than the theorem allows.
std::optional<double> bound_on_mean_gradient(const Theorem& theorem, double step, std::size_t rounds,
                                             double gap);
std::optional<double> bound_on_gap(const Theorem& theorem, double step, std::size_t rounds, double gap);

/// Gradient descent: gamma = 1 / L_minus.
Theorem gd_theorem(const Constants& c);

/// What theorems promise of the mean gradient and of a linear rate, in words.
inline constexpr const char* kMeanGradient =
    "(1/K) sum_{k<K} E|grad f(x_k)|^2 <= 2 (f(x_0) - f_lower) / (gamma K)";
inline constexpr const char* kLinear = "E f(x_K) - f* <= (1 - gamma mu)^K (f(x_0) - f*)";

/// Under the Polyak-Lojasiewicz condition: gamma = min{1 / inverse_step, p / (2 mu)}; nothing where mu is unknown.
std::optional<Theorem> under_pl(const Constants& c, const char* name, const char* step_rule,
                                double inverse_step, double p);

}  // namespace laconic
