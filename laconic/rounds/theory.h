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
std::optional<Theorem> gd_theorem_pl(const Constants& c);

/// Compressed gradients without memory: gamma = 1 / (L_tilde (1 + omega / n)); nothing is promised but a
/// floor.
Theorem dcgd_theorem(const Constants& c, double omega, std::size_t workers);

/// DIANA (M = 1) and VR-DIANA (M = rows of a client / batch) on nonconvex functions (arXiv 1904.05115,
/// Theorem 4): gamma = 1 / (10 L_tilde sqrt(1 + omega/n) (M^(2/3) + omega + 1)), for alpha <= 1/(1 + omega).
/// Promises something where alpha is equal to that and the clients draw independently of each other.
Theorem diana_theorem(const Constants& c, const Bound& q, std::size_t workers, double M, double alpha);

/// MARINA (arXiv 2102.07845, Theorem 2.1; for correlated compressors arXiv 2110.03300), 0 < p <= 1:
/// gamma = 1 / (L_minus + sqrt((1-p)/p ((A-B) L_plus^2 + B L_pm^2))).
Theorem marina_theorem(const Constants& c, const Bound& q, double p);
/// The same under the Polyak-Lojasiewicz condition (Theorem 2.2); nothing where mu is unknown.
std::optional<Theorem> marina_theorem_pl(const Constants& c, const Bound& q, double p);

/// Three-point compressors (arXiv 2202.00998) with the constants A and B of their inequality:
/// gamma = 1 / (L_minus + L_plus sqrt(B/A)). The promise is in numbers where the memories begin as the
/// gradients at x_0 (exact).
Theorem three_point_theorem(const Constants& c, double A, double B, bool exact);
/// The same under the Polyak-Lojasiewicz condition: gamma = min{1 / (L_minus + L_plus
/// sqrt(2B/A)), A / (2 mu)}.
std::optional<Theorem> three_point_theorem_pl(const Constants& c, double A, double B, bool exact);

/// VR-MARINA (arXiv 2102.07845, Theorems 3.1 and 3.2) with minibatches of b rows:
/// gamma = 1 / (L_tilde + sqrt((1-p)/(p n) (omega L_tilde^2 + (1 + omega) L_sample^2 / b))).
Theorem vr_marina_theorem(const Constants& c, double omega, std::size_t workers, double batch, double p);
std::optional<Theorem> vr_marina_theorem_pl(const Constants& c, double omega, std::size_t workers,
                                            double batch, double p);

/// VR-MARINA (online): the same step; the promise then has a floor that falls with the large batch.
Theorem vr_marina_online_theorem(const Constants& c, double omega, std::size_t workers, double batch,
                                 double p);

/// PP-MARINA (arXiv 2102.07845, Theorems 4.1 and 4.2) with r sampled clients:
/// gamma = 1 / (L_tilde (1 + sqrt((1-p) (1 + omega) / (p r)))).
Theorem pp_marina_theorem(const Constants& c, double omega, double sample, double p);
std::optional<Theorem> pp_marina_theorem_pl(const Constants& c, double omega, double sample, double p);

}  // namespace laconic
