// SPDX-License-Identifier: Apache-2.0
// EF21: Richtarik, Sokolov, Fatkhullin 2021, arXiv 2106.05203. Three-point compressors (3PC), of which it is
// one: Richtarik, Sokolov, Gasanov, Fatkhullin, Li, Gorbunov, ICML 2022, arXiv 2202.00998. The maps EF21,
// LAG, CLAG, 3PCv1 .. v5 are in mechanism/three_point.h.
#include <cmath>

#include "laconic/mechanism/mechanism.h"
#include "laconic/mechanism/three_point.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

Theorem three_point_theorem(const Constants& c, double A, double B, bool exact) {
  Theorem theorem{.name = "3PC on nonconvex functions (arXiv 2202.00998)",
                  .step_rule = "1 / (L_minus + L_plus sqrt(B/A))",
                  .step = 1 / (c.L_minus + c.L_plus * std::sqrt(B / A)),
                  .promise = kMeanGradient,
                  .mean_gradient_factor = 2};
  if (exact) {
    theorem.gain = Gain{.error = c.L_plus * std::sqrt(B / A)};
  } else {
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

/// 3PC (Richtarik, Sokolov, Gasanov, Fatkhullin, Li, Gorbunov, ICML 2022, arXiv 2202.00998), Algorithm 1,
/// with any of its maps: EF21, LAG, CLAG, 3PCv1 .. v5.
Assembly three_point(const ThreePointRow& row, Arguments& args, const MethodSetting& s) {
  const bool exact = starts_exact(args);
  ThreePoint c = row.make(args, setting_of_compressors(s));
  if (c.coin.p > 0 && !exact)
    args.fail("init = zero; with its coin every client begins with the whole gradient");
  if (c.coin.p > 0 && s.stragglers)
    args.fail("stragglers: a client that misses a difference is wrong about it until the coin shows heads");
  const double n = static_cast<double>(s.problem.shards());
  Assembly m =
      star(s, {.oracle = full_or_batch(s),
               .mechanism = exact ? restarting(std::move(c.map), identity(s), c.coin) : std::move(c.map),
               .participation = s.stragglers ? answers(s, equally(1 / n)) : everyone(s.problem.shards())});
  if (c.omega) m.facts.emplace_back("omega", *c.omega);
  if (c.alpha) m.facts.emplace_back("alpha", *c.alpha);
  if (c.coin.p > 0) m.facts.emplace_back("p", c.coin.p);
  m.facts.insert(m.facts.end(), {{"A", c.A}, {"B", c.B}, {"sqrt(B/A)", std::sqrt(c.B / c.A)}});
  if (s.constants && !s.batch) {
    m.theorem = three_point_theorem(*s.constants, c.A, c.B, exact);
    if (c.shrinks && m.theorem->gain)
      m.theorem->gain->increments = s.constants->L_plus + m.theorem->gain->error;
    m.theorem_pl = three_point_theorem_pl(*s.constants, c.A, c.B, exact);
    if (row.name == "ef21" && c.shrinks)
      m.tight = tight_theorem(*s.constants, *c.alpha,
                              "with one client, |grad f(x) - h|^2 + sqrt(1 - alpha) |grad f(x)|^2");
  }
  return m;
}

}  // namespace

Assembly ef21(Arguments& args, const MethodSetting& s) {
  return three_point(row_named(Spec("ef21"), "map", three_points()), args, s);
}

std::vector<MethodRow> three_point_methods() {
  std::vector<MethodRow> rows;
  for (const ThreePointRow& row : three_points()) {
    rows.push_back({row.name, row.usage, row.summary, row.paper,
                    [&row](Arguments& args, const MethodSetting& s) { return three_point(row, args, s); }});
  }
  return rows;
}

}  // namespace laconic::recipe
