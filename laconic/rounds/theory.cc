// SPDX-License-Identifier: Apache-2.0
#include "laconic/rounds/theory.h"

#include <algorithm>
#include <cmath>

namespace laconic {
namespace {

constexpr const char* kMeanGradient = "(1/K) sum_{k<K} E|grad f(x_k)|^2 <= 2 (f(x_0) - f_lower) / (gamma K)";
constexpr const char* kLinear = "E f(x_K) - f* <= (1 - gamma mu)^K (f(x_0) - f*)";

/// How far one step may carry MARINA's estimate from the gradient, per squared length of the step and before
/// the factor (1-p)/p: (A-B) L_plus^2 + B L_pm^2.
double drift(const Constants& c, const Bound& q) {
  return std::max(0.0, (q.A - q.B) * c.L_plus * c.L_plus + q.B * c.L_pm * c.L_pm);
}

/// The PL step of every member of the family: the square root's argument doubled, and never above p / (2 mu).
std::optional<Theorem> under_pl(const Constants& c, const char* name, const char* step_rule,
                                double inverse_step, double p) {
  if (!c.mu || *c.mu <= 0) return {};
  return Theorem{.name = name,
                 .step_rule = step_rule,
                 .step = std::min(1 / inverse_step, p / (2 * *c.mu)),
                 .promise = kLinear,
                 .contraction = *c.mu};
}

/// (1-p)/(p n) (omega L^2 + (1 + omega) L_sample^2 / b)
double vr_drift(const Constants& c, double omega, std::size_t workers, double batch, double p) {
  return (1 - p) / (p * static_cast<double>(workers)) *
         (omega * c.L_tilde * c.L_tilde + (1 + omega) * c.L_sample * c.L_sample / batch);
}

}  // namespace

std::optional<double> bound_on_mean_gradient(const Theorem& theorem, double step, std::size_t rounds,
                                             double gap) {
  if (theorem.mean_gradient_factor == 0 || step > theorem.step || rounds == 0) return {};
  return theorem.mean_gradient_factor * gap / (step * static_cast<double>(rounds));
}

std::optional<double> bound_on_gap(const Theorem& theorem, double step, std::size_t rounds, double gap) {
  if (theorem.contraction == 0 || step > theorem.step) return {};
  return std::pow(1 - step * theorem.contraction, static_cast<double>(rounds)) * gap;
}

Theorem gd_theorem(const Constants& c) {
  return {.name = "gradient descent on L-smooth functions (descent lemma)",
          .step_rule = "1 / L_minus",
          .step = 1 / c.L_minus,
          .promise = kMeanGradient,
          .mean_gradient_factor = 2};
}

std::optional<Theorem> gd_theorem_pl(const Constants& c) {
  if (!c.mu) return {};
  return Theorem{.name = "gradient descent under the Polyak-Lojasiewicz condition",
                 .step_rule = "1 / L_minus",
                 .step = 1 / c.L_minus,
                 .promise = kLinear,
                 .contraction = *c.mu};
}

Theorem dcgd_theorem(const Constants& c, double omega, std::size_t workers) {
  return {.name = "distributed compressed gradient descent (usual step)",
          .step_rule = "1 / (L_tilde (1 + omega / n))",
          .step = 1 / (c.L_tilde * (1 + omega / static_cast<double>(workers))),
          .promise = "none to a stationary point: it stalls at a floor unless every grad f_i vanishes there"};
}

Theorem diana_theorem(const Constants& c, const Bound& q, std::size_t workers, double M, double alpha) {
  const double n = static_cast<double>(workers);
  const double omega = *q.omega;
  Theorem theorem{.name = "DIANA on nonconvex functions (arXiv 1904.05115, Theorem 4)",
                  .step_rule = "1 / (10 L_tilde sqrt(1 + omega / n) (M^(2/3) + omega + 1))",
                  .step = 1 / (10 * c.L_tilde * std::sqrt(1 + omega / n) * (std::cbrt(M * M) + omega + 1)),
                  .promise = "(1/K) sum_{k<K} E|grad f(x_k)|^2 <= 4 (f(x_0) - f_lower) / (gamma K)",
                  .mean_gradient_factor = 4};
  if (q.B != 0 || alpha != 1 / (1 + omega)) {
    theorem.promise = q.B != 0 ? "none: the theorem is about clients that draw independently of each other"
                               : "none: the theorem is about alpha = 1 / (1 + omega)";
    theorem.mean_gradient_factor = 0;
  }
  return theorem;
}

Theorem marina_theorem(const Constants& c, const Bound& q, double p) {
  const bool correlated = q.B != 0;
  return {.name = correlated ? "MARINA with correlated compressors (arXiv 2110.03300)"
                             : "MARINA, Theorem 2.1 (arXiv 2102.07845), with L split into L_minus and L_plus",
          .step_rule = correlated ? "1 / (L_minus + sqrt((1-p)/p ((A-B) L_plus^2 + B L_pm^2)))"
                                  : "1 / (L_minus + L_plus sqrt((1-p) omega / (p n)))",
          .step = 1 / (c.L_minus + std::sqrt((1 - p) / p * drift(c, q))),
          .promise = kMeanGradient,
          .mean_gradient_factor = 2};
}

std::optional<Theorem> marina_theorem_pl(const Constants& c, const Bound& q, double p) {
  return under_pl(c, "MARINA under the Polyak-Lojasiewicz condition, Theorem 2.2 (arXiv 2102.07845)",
                  q.B != 0 ? "min{1 / (L_minus + sqrt(2 (1-p)/p ((A-B) L_plus^2 + B L_pm^2))), p / (2 mu)}"
                           : "min{1 / (L_minus + L_plus sqrt(2 (1-p) omega / (p n))), p / (2 mu)}",
                  c.L_minus + std::sqrt(2 * (1 - p) / p * drift(c, q)), p);
}

Theorem three_point_theorem(const Constants& c, double A, double B, bool exact) {
  Theorem theorem{.name = "3PC on nonconvex functions (arXiv 2202.00998)",
                  .step_rule = "1 / (L_minus + L_plus sqrt(B/A))",
                  .step = 1 / (c.L_minus + c.L_plus * std::sqrt(B / A)),
                  .promise = kMeanGradient,
                  .mean_gradient_factor = 2};
  if (!exact) {
    theorem.promise += " + G / (A K), G = (1/n) sum |grad f_i(x_0)|^2";
    theorem.mean_gradient_factor = 0;
  }
  return theorem;
}

std::optional<Theorem> three_point_theorem_pl(const Constants& c, double A, double B, bool exact) {
  auto theorem = under_pl(c, "3PC under the Polyak-Lojasiewicz condition (arXiv 2202.00998)",
                          "min{1 / (L_minus + L_plus sqrt(2B/A)), A / (2 mu)}",
                          c.L_minus + c.L_plus * std::sqrt(2 * B / A), A);
  if (theorem && !exact) {
    theorem->promise =
        "E f(x_K) - f* <= (1 - gamma mu)^K (f(x_0) - f* + gamma G / A), G = (1/n) sum |grad f_i(x_0)|^2";
    theorem->contraction = 0;
  }
  return theorem;
}

Theorem vr_marina_theorem(const Constants& c, double omega, std::size_t workers, double batch, double p) {
  return {.name = "VR-MARINA, Theorem 3.1 (arXiv 2102.07845)",
          .step_rule = "1 / (L_tilde + sqrt((1-p)/(p n) (omega L_tilde^2 + (1 + omega) L_sample^2 / batch)))",
          .step = 1 / (c.L_tilde + std::sqrt(vr_drift(c, omega, workers, batch, p))),
          .promise = kMeanGradient,
          .mean_gradient_factor = 2};
}

std::optional<Theorem> vr_marina_theorem_pl(const Constants& c, double omega, std::size_t workers,
                                            double batch, double p) {
  return under_pl(
      c, "VR-MARINA under the Polyak-Lojasiewicz condition, Theorem 3.2 (arXiv 2102.07845)",
      "min{1 / (L_tilde + sqrt(2 (1-p)/(p n) (omega L_tilde^2 + (1 + omega) L_sample^2 / batch))), "
      "p / (2 mu)}",
      c.L_tilde + std::sqrt(2 * vr_drift(c, omega, workers, batch, p)), p);
}

Theorem vr_marina_online_theorem(const Constants& c, double omega, std::size_t workers, double batch,
                                 double p) {
  Theorem theorem = vr_marina_theorem(c, omega, workers, batch, p);
  theorem.name = "VR-MARINA (online) (arXiv 2102.07845)";
  theorem.promise +=
      " + sigma^2 / (n large-batch) (1 + 1 / (p K)), sigma^2 the variance of one row's gradient";
  theorem.mean_gradient_factor = 0;  // sigma is not known
  return theorem;
}

Theorem pp_marina_theorem(const Constants& c, double omega, double sample, double p) {
  return {.name = "PP-MARINA, Theorem 4.1 (arXiv 2102.07845)",
          .step_rule = "1 / (L_tilde (1 + sqrt((1-p) (1 + omega) / (p sample))))",
          .step = 1 / (c.L_tilde * (1 + std::sqrt((1 - p) * (1 + omega) / (p * sample)))),
          .promise = kMeanGradient,
          .mean_gradient_factor = 2};
}

std::optional<Theorem> pp_marina_theorem_pl(const Constants& c, double omega, double sample, double p) {
  return under_pl(c, "PP-MARINA under the Polyak-Lojasiewicz condition, Theorem 4.2 (arXiv 2102.07845)",
                  "min{1 / (L_tilde (1 + sqrt(2 (1-p) (1 + omega) / (p sample)))), p / (2 mu)}",
                  c.L_tilde * (1 + std::sqrt(2 * (1 - p) * (1 + omega) / (p * sample))), p);
}

}  // namespace laconic
