// SPDX-License-Identifier: Apache-2.0
// MARINA: Gorbunov, Burlachenko, Li, Richtarik, ICML 2021, arXiv 2102.07845. Algorithm 1 (MARINA, Theorems
// 2.1, 2.2), Algorithm 2 (VR-MARINA, 3.1, 3.2), Algorithm 3 (online), Algorithm 4 (PP-MARINA, 4.1, 4.2). The
// constants A and B of correlated compressors: arXiv 2110.03300.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// Expected floats of a compressed message, as a fraction of the whole vector, at most 1. For very few
/// coordinates the norm and the levels may cost more than the coordinates themselves.
double density(const Bound& bound, const MethodSetting& s) {
  return std::min(1.0, bound.floats / static_cast<double>(s.problem.dim()));
}

/// Full participation; with a real clock, on tails, the clients that answer in time. On tails all clients are
/// equivalent, as in PP-MARINA.
std::unique_ptr<Participation> unbiased_on_tails(Arguments& args, const MethodSetting& s) {
  require_all_on_heads(args, s);
  return unbiased_answers(args, s, "count");
}

void no_batch(Arguments& args, const MethodSetting& s, const char* why) {
  if (s.batch) args.fail(fmt::format("batch = {}: {}", *s.batch, why));
}

/// The drift of MARINA's estimate from the gradient in one step, per squared length of the step and without
/// the factor (1-p)/p: (A-B) L_plus^2 + B L_pm^2.
double drift(const Constants& c, const Bound& q) {
  return std::max(0.0, (q.A - q.B) * c.L_plus * c.L_plus + q.B * c.L_pm * c.L_pm);
}

/// (1-p)/(p n) (omega L^2 + (1 + omega) L_sample^2 / b)
double vr_drift(const Constants& c, double omega, std::size_t clients, double batch, double p) {
  return (1 - p) / (p * static_cast<double>(clients)) *
         (omega * c.L_tilde * c.L_tilde + (1 + omega) * c.L_sample * c.L_sample / batch);
}

Theorem marina_theorem(const Constants& c, const Bound& q, double p) {
  const bool correlated = q.B != 0;
  return {.name = correlated ? "MARINA with correlated compressors (arXiv 2110.03300)"
                             : "MARINA, Theorem 2.1 (arXiv 2102.07845), with L split into L_minus and L_plus",
          .step_rule = correlated ? "1 / (L_minus + sqrt((1-p)/p ((A-B) L_plus^2 + B L_pm^2)))"
                                  : "1 / (L_minus + L_plus sqrt((1-p) omega / (p n)))",
          .step = 1 / (c.L_minus + std::sqrt((1 - p) / p * drift(c, q))),
          .promise = kMeanGradient,
          .mean_gradient_factor = 2,
          .gain = Gain{.error = std::sqrt((1 - p) / p * drift(c, q))}};
}

std::optional<Theorem> marina_theorem_pl(const Constants& c, const Bound& q, double p) {
  return under_pl(c, "MARINA under the Polyak-Lojasiewicz condition, Theorem 2.2 (arXiv 2102.07845)",
                  q.B != 0 ? "min{1 / (L_minus + sqrt(2 (1-p)/p ((A-B) L_plus^2 + B L_pm^2))), p / (2 mu)}"
                           : "min{1 / (L_minus + L_plus sqrt(2 (1-p) omega / (p n))), p / (2 mu)}",
                  c.L_minus + std::sqrt(2 * (1 - p) / p * drift(c, q)), p);
}

Theorem vr_marina_theorem(const Constants& c, double omega, std::size_t clients, double batch, double p) {
  return {.name = "VR-MARINA, Theorem 3.1 (arXiv 2102.07845)",
          .step_rule = "1 / (L_tilde + sqrt((1-p)/(p n) (omega L_tilde^2 + (1 + omega) L_sample^2 / batch)))",
          .step = 1 / (c.L_tilde + std::sqrt(vr_drift(c, omega, clients, batch, p))),
          .promise = kMeanGradient,
          .mean_gradient_factor = 2};
}

std::optional<Theorem> vr_marina_theorem_pl(const Constants& c, double omega, std::size_t clients,
                                            double batch, double p) {
  return under_pl(
      c, "VR-MARINA under the Polyak-Lojasiewicz condition, Theorem 3.2 (arXiv 2102.07845)",
      "min{1 / (L_tilde + sqrt(2 (1-p)/(p n) (omega L_tilde^2 + (1 + omega) L_sample^2 / batch))), "
      "p / (2 mu)}",
      c.L_tilde + std::sqrt(2 * vr_drift(c, omega, clients, batch, p)), p);
}

Theorem vr_marina_online_theorem(const Constants& c, double omega, std::size_t clients, double batch,
                                 double p) {
  Theorem theorem = vr_marina_theorem(c, omega, clients, batch, p);
  theorem.name = "VR-MARINA (online) (arXiv 2102.07845)";
  theorem.promise +=
      " + sigma^2 / (n large-batch) (1 + 1 / (p K)), sigma^2 the variance of one row's gradient";
  theorem.mean_gradient_factor = 0;  // sigma is not known, so the mean gradient is not bounded in numbers
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

/// MARINA, Algorithm 1.
Assembly marina(Arguments& args, const MethodSetting& s) {
  no_batch(args, s, "marina takes full local gradients; leave batch out, or use vr-marina");
  CompressorPtr q = unbiased(args, "marina", s);
  const Bound bound = q->bound();
  const SharedCoin coin{args.number_in("p", density(bound, s), kPositiveShare)};
  Assembly m = star(s, {.oracle = full(s),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .participation = unbiased_on_tails(args, s)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (bound.B != 0) m.facts.insert(m.facts.end(), {{"A", bound.A}, {"B", bound.B}});
  if (s.constants) {
    m.theorem = marina_theorem(*s.constants, bound, coin.p);
    m.theorem_pl = marina_theorem_pl(*s.constants, bound, coin.p);
  }
  return m;
}

/// VR-MARINA (same paper), Algorithm 2: full gradients on heads, differences on one minibatch on tails.
Assembly vr_marina(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-marina", s);
  const Bound bound = q->bound();
  const std::size_t batch = batch_of(args, s);
  const double b = static_cast<double>(batch);
  const double rows = rows_of_client(s);
  const SharedCoin coin{args.number_in("p", std::min(density(bound, s), b / (rows + b)), kPositiveShare)};
  Assembly m = star(s, {.oracle = on_coin(coin, full(s), minibatches(s.problem, batch)),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .participation = unbiased_on_tails(args, s)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants) {
    m.theorem = vr_marina_theorem(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
    m.theorem_pl = vr_marina_theorem_pl(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
  }
  return m;
}

/// VR-MARINA (online) (same paper), Algorithm 3: gradients on a large minibatch on heads.
Assembly vr_marina_online(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-marina-online", s);
  const Bound bound = q->bound();
  const std::size_t batch = batch_of(args, s);
  const std::size_t large = args.whole("large-batch", 0);
  if (large == 0)
    args.fail("\"large-batch\" is missing: the rows of a minibatch on heads, as in large-batch=1000");
  const double b = static_cast<double>(batch);
  const SharedCoin coin{
      args.number_in("p", std::min(density(bound, s), b / (static_cast<double>(large) + b)), kPositiveShare)};
  Assembly m = star(s, {.oracle = on_coin(coin, minibatches(s.problem, large), minibatches(s.problem, batch)),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .participation = unbiased_on_tails(args, s)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants)
    m.theorem = vr_marina_online_theorem(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
  return m;
}

/// PP-MARINA (same paper), Algorithm 4: on tails only `sample` clients, drawn with replacement, send.
Assembly pp_marina(Arguments& args, const MethodSetting& s) {
  no_batch(args, s, "pp-marina takes full local gradients; leave batch out");
  CompressorPtr q = independent(args, "pp-marina", s);
  const Bound bound = q->bound();
  const std::size_t n = s.problem.shards();
  const std::size_t sample = args.whole("sample", 0);
  if (sample == 0) args.fail("\"sample\" is missing: the clients that take part in a round, as in sample=10");
  if (sample < 1 || sample > n)
    args.fail(fmt::format("sample = {}; need 1 <= sample <= {}, the clients", sample, n));
  const double r = static_cast<double>(sample);
  const SharedCoin coin{args.number_in("p", density(bound, s) * r / static_cast<double>(n), kPositiveShare)};
  Assembly m = star(s, {.oracle = full(s),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .participation = sample_unless(coin, n, sample)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants) {
    m.theorem = pp_marina_theorem(*s.constants, *bound.omega, r, coin.p);
    m.theorem_pl = pp_marina_theorem_pl(*s.constants, *bound.omega, r, coin.p);
  }
  return m;
}

}  // namespace

std::vector<MethodRow> marina_methods() {
  return {
      {"marina", "marina(Q, p=floats/d)", "compressed gradient differences, now and then a full gradient",
       "arXiv 2102.07845", marina},
      {"vr-marina", "vr-marina(Q, batch=B)", "MARINA with differences by minibatches", "arXiv 2102.07845",
       vr_marina},
      {"vr-marina-online", "vr-marina-online(Q, batch=B, large-batch=L)", "VR-MARINA without full gradients",
       "arXiv 2102.07845", vr_marina_online},
      {"pp-marina", "pp-marina(Q, sample=R)", "MARINA with R sampled clients a round", "arXiv 2102.07845",
       pp_marina, kOwnSample},
  };
}

}  // namespace laconic::recipe
