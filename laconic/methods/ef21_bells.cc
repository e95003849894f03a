// SPDX-License-Identifier: Apache-2.0
// EF21 with additions: Fatkhullin, Sokolov, Gorbunov, Li, Richtarik 2021, arXiv 2110.03294. EF21-HB (heavy
// ball), EF21-PP (partial participation), EF21-BC (compression in both directions), EF21-Prox. HB, BC and
// Prox are EF21 with a value of outer= or downlink=. The steps are gain bounds (methods/theorem.h).
#include <cmath>

#include <fmt/format.h>

#include "laconic/mechanism/three_point.h"
#include "laconic/methods/parts.h"
#include "laconic/participation/decoder.h"

namespace laconic::recipe {
namespace {

/// A spec with one number as its argument.
Spec with_number(const char* name, double number) { return parse(fmt::format("{}({})", name, number)); }

/// EF21-HB, Algorithm 4: x <- x - gamma v, v <- beta v + g.
Assembly ef21_hb(Arguments& args, const MethodSetting& s) {
  const MethodSetting own =
      with_outer(args, s, with_number("heavy-ball", args.number_in("beta", 0.9, kShareBelowOne)));
  Assembly m = ef21(args, own);
  compose_theorem(m, own);
  return m;
}

/// EF21-BC, Algorithm 5: EF21 in both directions.
Assembly ef21_bc(Arguments& args, const MethodSetting& s) {
  args.find("compressor", 0);
  const Spec& down = args.required("downlink compressor", 1, "ef21-bc(top-k(10), top-k(10))");
  if (!compressor(down, s)->bound().alpha) args.fail("needs contractive compressors, such as top-k(10)");
  Spec downlink("ef21");
  downlink.args.push_back(down);
  if (const Spec* init = args.find("init")) downlink.options.emplace_back("init", *init);
  const MethodSetting own = with_downlink(args, s, std::move(downlink));
  Assembly m = ef21(args, own);
  compose_theorem(m, own);
  return m;
}

/// EF21-Prox, Algorithm 6. Its term is that of outer=prox-l1(LAMBDA).
Assembly ef21_prox(Arguments& args, const MethodSetting& s) {
  if (!s.outer || s.outer->name != "prox-l1") args.fail("needs its term, as in outer=prox-l1(1e-3)");
  return ef21(args, s);
}

struct Ratio {
  double ratio = 0;  // B' / A'
  double A = 0;      // A'
};

/// The least B' / A' over rho > 0 for EF21 whose clients take part with probability p:
/// A' = p A - (1 - p) rho, B' = p B + (1 - p) (1 + 1 / rho).
Ratio best_ratio(double A, double B, double p) {
  if (p == 1) return {B / A, A};
  // The derivative vanishes where a rho^2 + 2 b rho - c = 0.
  const double q = 1 - p;
  const double a = q * (p * B + q);
  const double b = q * q;
  const double c = q * p * A;
  const double rho = c / (b + std::sqrt(b * b + a * c));
  const double less = p * A - q * rho;
  return {(p * B + q * (1 + 1 / rho)) / less, less};
}

/// EF21-PP, Algorithm 3: clients join with probability p, or `sample` of them; the others send nothing and
/// keep their memories.
Assembly ef21_pp(Arguments& args, const MethodSetting& s) {
  ThreePoint c = make_three_point(Spec("ef21"), args, setting_of_compressors(s));
  const std::size_t n = s.problem.shards();
  std::optional<SomeClients> some = some_clients(args, s);
  if (!some) some = SomeClients{0.5, joining(n, 0.5)};
  const bool exact = starts_exact(args);
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = from_start(std::move(c.map), exact, s),
                        .participation = std::move(some->participation)});
  m.facts = {{"alpha", *c.alpha}, {"p", some->p}, {"A", c.A}, {"B", c.B}};
  if (s.constants && !s.batch && exact) {
    const Constants& of = *s.constants;
    const Ratio best = best_ratio(c.A, c.B, some->p);
    m.theorem =
        gain_theorem(of, {.error = of.L_plus * std::sqrt(best.ratio)},
                     "EF21-PP: gain bound (arXiv 2110.03294)", "1 / (L_minus + L_plus sqrt(min_rho B'/A'))");
    m.theorem_pl =
        under_pl(of, "EF21-PP under the Polyak-Lojasiewicz condition (arXiv 2110.03294)",
                 "min{1 / (L_minus + L_plus sqrt(2B'/A')), A' / (2 mu)}, with the rho of least B'/A'",
                 of.L_minus + of.L_plus * std::sqrt(2 * best.ratio), best.A);
  }
  return m;
}

}  // namespace

std::vector<MethodRow> ef21_bells_methods() {
  constexpr const char* kPaper = "arXiv 2110.03294";
  return {
      {"ef21-hb", "ef21-hb(C, beta=0.9)", "EF21 with heavy-ball momentum at the server", kPaper, ef21_hb,
       kHearsAll},
      {"ef21-pp", "ef21-pp(C, p=0.5|sample=S)", "EF21 in which some of the clients take part", kPaper,
       ef21_pp, kOwnSample},
      {"ef21-bc", "ef21-bc(C, C_DOWN, init=exact|zero)", "EF21 in both directions", kPaper, ef21_bc,
       kHearsAll},
      {"ef21-prox", "ef21-prox(C)", "EF21 with prox steps; with outer=prox-l1(LAMBDA)", kPaper, ef21_prox,
       kHearsAll},
  };
}

}  // namespace laconic::recipe
