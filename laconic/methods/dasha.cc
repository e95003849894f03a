// SPDX-License-Identifier: Apache-2.0
// DASHA: Tyurin, Richtarik, ICLR 2023, arXiv 2202.01268: DASHA, DASHA-PAGE, DASHA-MVR. DASHA-PP: the same
// authors 2022, arXiv 2205.15580. No round sends a whole vector after the first. The steps follow from the
// one-step contraction of the memories' errors by 1 - a at a = 1 / (2 omega + 1).
#include <algorithm>
#include <cmath>
#include <tuple>

#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// What the variants share: the uplink, and the constants of its theory.
struct Uplink {
  double omega = 0;
  std::optional<double> alpha;  // of a contractive compressor, which has no omega
  double a = 1;
  bool exact = true;
  bool has_theorem = true;
  MechanismPtr map;
};

/// m_i = Q(k_i+ - k_i - a (h_i - k_i)), h_i <- h_i + m_i. By default a = p / (2 omega + 1), and 1 for a
/// contractive compressor, with which DASHA at a = 1 is EF21.
Uplink uplink_of(Arguments& args, const char* name, const MethodSetting& s, double p = 1) {
  CompressorPtr q = compressor(args.required("compressor", 0, std::string(name) + "(rand-k(10))"), s);
  const Bound bound = q->bound();
  Uplink up;
  if (bound.omega && bound.B == 0) {
    up.omega = *bound.omega;
  } else if (bound.alpha) {
    up.alpha = bound.alpha;
  } else {
    args.fail(
        fmt::format("{} needs an unbiased compressor that each client draws by itself, such as rand-k(10) or "
                    "natural, or a contractive one",
                    name));
  }
  const double best = p / (2 * up.omega + 1);
  up.a = args.number_in("a", best, {.low = 0, .high = p, .includes_high = true});
  up.exact = starts_exact(args);
  up.has_theorem = up.alpha ? up.exact || up.a == 1 : up.a == best;
  // Where clients take part with probability p, they send 1 / p times as much of their drift.
  up.map = drifting_difference(std::move(q), up.a / p);
  up.map = up.exact ? from_start(std::move(up.map), true, s) : silent_at_start(std::move(up.map));
  return up;
}

void no_batch(Arguments& args, const MethodSetting& s) {
  if (s.batch)
    args.fail(fmt::format("batch = {}: takes full gradients; use dasha-page or dasha-mvr", *s.batch));
}

/// 2 omega (2 omega + 1) / n
double spread(double omega, const MethodSetting& s) {
  return 2 * omega * (2 * omega + 1) / static_cast<double>(s.problem.shards());
}

/// With init=zero the memories' error at the start adds to what the theorem bounds.
void note_start(Assembly& m, const Uplink& up) {
  if (up.exact || !m.theorem) return;
  m.theorem->promise += ", plus a term of the memories' error at the start";
  m.theorem->mean_gradient_factor = 0;
  m.theorem->gain.reset();
  m.theorem_pl.reset();
}

/// DASHA, Algorithm 1, on full gradients.
Assembly dasha(Arguments& args, const MethodSetting& s) {
  no_batch(args, s);
  Uplink up = uplink_of(args, "dasha", s);
  const auto [omega, alpha, a] = std::tuple(up.omega, up.alpha, up.a);
  Assembly m = star(
      s, {.oracle = full(s), .mechanism = std::move(up.map), .participation = everyone(s.problem.shards())});
  m.facts = {{"omega", omega}, {"a", a}};
  if (s.constants && up.has_theorem && alpha) {
    m.theorem = gain_theorem(*s.constants, {.error = s.constants->L_plus * memory_gain(*alpha) / a},
                             "DASHA with a contractive compressor: gain bound",
                             "1 / (L_minus + L_plus K(alpha) / a)");
  } else if (s.constants && up.has_theorem) {
    const Constants& c = *s.constants;
    m.theorem = gain_theorem(c, {.error = c.L_plus * std::sqrt(spread(omega, s))},
                             "DASHA on nonconvex functions (arXiv 2202.01268)",
                             "1 / (L_minus + L_plus sqrt(2 omega (2 omega + 1) / n))");
    m.theorem_pl = under_pl(c, "DASHA under the Polyak-Lojasiewicz condition (arXiv 2202.01268)",
                            "min{1 / (L_minus + L_plus sqrt(6 omega (2 omega + 1) / n)), a / (2 mu)}",
                            c.L_minus + c.L_plus * std::sqrt(3 * spread(omega, s)), a);
  }
  note_start(m, up);
  return m;
}

/// DASHA-PAGE: k_i is the full gradient if a shared coin shows heads, and else follows a minibatch
/// difference.
Assembly dasha_page(Arguments& args, const MethodSetting& s) {
  Uplink up = uplink_of(args, "dasha-page", s);
  const auto [omega, alpha, a] = std::tuple(up.omega, up.alpha, up.a);
  const double b = static_cast<double>(batch_of(args, s));
  const SharedCoin coin{args.number_in("p", b / (rows_of_client(s) + b), kPositiveShare)};
  Assembly m = star(s, {.oracle = on_coin(coin, full(s), minibatches(s.problem, static_cast<std::size_t>(b))),
                        .estimates = {{.keep = 1, .at_previous = true, .whole = coin}},
                        .mechanism = std::move(up.map),
                        .participation = everyone(s.problem.shards())});
  m.facts = {{"omega", omega}, {"a", a}, {"p", coin.p}};
  if (s.constants && up.has_theorem && !alpha) {
    const Constants& c = *s.constants;
    const double p = coin.p;
    const double rows = c.L_sample * c.L_sample / b;
    const double error =
        std::sqrt(2 * spread(omega, s) * ((1 + p) * c.L_plus * c.L_plus + 3 * (1 - p) * rows) +
                  2 * (1 - p) * rows / (p * static_cast<double>(s.problem.shards())));
    m.theorem = gain_theorem(c, {.error = error}, "DASHA-PAGE (arXiv 2202.01268)",
                             "1 / (L_minus + sqrt(4 omega (2 omega + 1) / n ((1 + p) L_plus^2 + 3 (1 - p) "
                             "L_sample^2 / batch) + 2 (1 - p) L_sample^2 / (p n batch)))");
  }
  note_start(m, up);
  return m;
}

/// DASHA-MVR: k_i <- g_i(x) + (1 - b) (k_i - g_i(x before)), on the same rows.
Assembly dasha_mvr(Arguments& args, const MethodSetting& s) {
  Uplink up = uplink_of(args, "dasha-mvr", s);
  const std::size_t batch = batch_of(args, s);
  const std::size_t first = args.whole("first-batch", 10 * batch);
  if (up.alpha && args.find("b") == nullptr)
    args.fail("\"b\" is missing: with a contractive compressor it has no default");
  const double b = args.number_in("b", 1 / (2 * up.omega + 1), kPositiveShare);
  Assembly m = star(s, {.oracle = on_coin({0}, minibatches(s.problem, first), minibatches(s.problem, batch)),
                        .estimates = {{.keep = 1 - b, .at_previous = true}},
                        .mechanism = std::move(up.map),
                        .participation = everyone(s.problem.shards())});
  m.facts = {{"omega", up.omega}, {"a", up.a}, {"b", b}};
  if (s.constants && up.has_theorem && !up.alpha) {
    const Constants& c = *s.constants;
    const double rows = (1 - b) * (1 - b) * c.L_sample * c.L_sample / static_cast<double>(batch);
    const double error = std::sqrt(4 * spread(up.omega, s) * (c.L_plus * c.L_plus + 3 * rows) +
                                   4 * rows / (b * static_cast<double>(s.problem.shards())));
    m.theorem =
        gain_theorem(c, {.error = error}, "DASHA-MVR (arXiv 2202.01268)",
                     "1 / (L_minus + sqrt(8 omega (2 omega + 1) / n (L_plus^2 + 3 (1 - b)^2 L_sample^2 / "
                     "batch) + 4 (1 - b)^2 L_sample^2 / (b n batch)))");
    m.theorem->promise += ", up to a floor from the noise of the rows";
    m.theorem->mean_gradient_factor = 0;
    m.theorem->gain.reset();
  }
  note_start(m, up);
  return m;
}

/// DASHA-PP: `sample` clients take part; k_i moves 1 / p times as far, p = sample / n.
Assembly dasha_pp(Arguments& args, const MethodSetting& s) {
  no_batch(args, s);
  std::optional<SomeClients> some = some_clients(args, s);
  if (!some)
    args.fail("\"sample\" or \"p\" is missing: the clients that take part in a round, as in sample=5");
  const double p = some->p;
  Uplink up = uplink_of(args, "dasha-pp", s, p);
  const double b = args.number_in("b", p / (2 - p), kPositiveShare);
  Assembly m = star(s, {.oracle = full(s),
                        .estimates = {{.keep = 1 - b, .at_previous = true, .stretch = 1 / p}},
                        .mechanism = std::move(up.map),
                        .participation = std::move(some->participation)});
  m.facts = {{"omega", up.omega}, {"a", up.a}, {"b", b}, {"p", p}};
  return m;
}

}  // namespace

std::vector<MethodRow> dasha_methods() {
  constexpr const char* kPaper = "arXiv 2202.01268";
  return {
      {"dasha", "dasha(Q|C, a=1/(2 omega+1), init=exact|zero)",
       "compressed differences of gradients, and of the memory's error", kPaper, dasha, kHearsAll},
      {"dasha-page", "dasha-page(Q, batch=B, p=P)",
       "DASHA on minibatch differences, and at times full gradients", kPaper, dasha_page, kHearsAll},
      {"dasha-mvr", "dasha-mvr(Q, batch=B, b=M, first-batch=F)",
       "DASHA on minibatches with momentum variance reduction", kPaper, dasha_mvr, kHearsAll},
      {"dasha-pp", "dasha-pp(Q, sample=S|p=P)", "DASHA in which some of the clients take part",
       "arXiv 2205.15580", dasha_pp, kOwnSample},
  };
}

}  // namespace laconic::recipe
