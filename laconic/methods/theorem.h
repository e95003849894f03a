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

/// What the steps of composed methods follow from. With norms as root mean squares over clients and draws,
/// the error of an estimate, |g_t - grad f(x_t)|, is at most `error` times the length of the steps of x,
/// summed over any horizon and with no error at the start. Then every gamma <= 1 / (L_minus + error) keeps
/// kMeanGradient.
struct Gain {
  double error = 0;
  // The same for |g_{t+1} - g_t|, where it is known.
  std::optional<double> increments = {};
};

struct Theorem {
  std::string name;       // the method and its source
  std::string step_rule;  // the formula of `step`
  double step = 0;        // the largest gamma allowed
  std::string promise;    // in words and symbols, for any gamma <= step
  // The promise in numbers, with Delta = f(x_0) - f_lower:
  double mean_gradient_factor =
      0;                   // a: (1/K) sum_{k<K} E|grad f(x_k)|^2 <= a Delta / (gamma K); 0: not promised
  double contraction = 0;  // c: E f(x_K) - f* <= (1 - gamma c)^K Delta; 0: not promised
  std::optional<Gain> gain = {};  // if the step follows from it
};

/// sqrt(1 - alpha) / (1 - sqrt(1 - alpha)): the gain of a memory that moves by a contractive compressor from
/// the increments of its input to its error. That of its own increments is 1 + memory_gain(), if the
/// compressor shrinks. 0 for alpha = 1.
double memory_gain(double alpha);

/// The step 1 / (L_minus + gain.error) with the promise kMeanGradient.
Theorem gain_theorem(const Constants& c, const Gain& gain, std::string name, std::string step_rule);

/// The value of the promise after `rounds` K >= 1 rounds with that step, where `gap` >= f(x_0) - f*: a bound
/// on (1/K) sum_{k<K} E|grad f(x_k)|^2, and one on E f(x_K) - f*. Nothing if the theorem does not promise it,
/// or if the step is larger than the theorem allows.
std::optional<double> bound_on_mean_gradient(const Theorem& theorem, double step, std::size_t rounds,
                                             double gap);
std::optional<double> bound_on_gap(const Theorem& theorem, double step, std::size_t rounds, double gap);

/// Gradient descent: gamma = 1 / L_minus.
Theorem gd_theorem(const Constants& c);

/// EF21 with any number of clients, and classic error feedback with one, of functions f_i that are all
/// strongly convex and smooth, with |C(v) - v|^2 <= (1 - alpha) |v|^2. With one client, step and rate are the
/// best possible for this class (arXiv 2506.05271). That the rate holds for more is stated in the abstract of
/// arXiv 2605.31594. Nothing if Constants::mu_min is unknown. `promise` is what contracts.
std::optional<Theorem> tight_theorem(const Constants& c, double alpha, std::string promise);

/// The promises of theorems on the mean gradient and on a linear rate, in words.
inline constexpr const char* kMeanGradient =
    "(1/K) sum_{k<K} E|grad f(x_k)|^2 <= 2 (f(x_0) - f_lower) / (gamma K)";
inline constexpr const char* kLinear = "E f(x_K) - f* <= (1 - gamma mu)^K (f(x_0) - f*)";

/// Under the Polyak-Lojasiewicz condition: gamma = min{1 / inverse_step, p / (2 mu)}. Nothing if mu is
/// unknown.
std::optional<Theorem> under_pl(const Constants& c, const char* name, const char* step_rule,
                                double inverse_step, double p);

}  // namespace laconic
