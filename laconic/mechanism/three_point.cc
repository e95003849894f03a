// SPDX-License-Identifier: Apache-2.0
#include "laconic/mechanism/three_point.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

struct Contractive {
  CompressorPtr c;
  double alpha = 0;
  bool shrinks = false;
};

/// Throws SpecError if clients keep numbers for a compressor of a pair. `kept`: how many.
void require_nothing_kept(Arguments& args, const Spec& spec, std::size_t kept) {
  if (kept > 0)
    args.fail(fmt::format(
        "{} keeps a start for the next round, and a map of two compressors cannot: use warm=0", print(spec)));
}

/// E|C(x) - x|^2 <= (1 - alpha) |x|^2. An unbiased compressor with omega < 1 is contractive
/// too, with alpha = 1 - omega. `alone`: the map has no other compressor.
Contractive contractive(Arguments& args, const char* name, std::size_t position, const char* example,
                        const CompressorSetting& setting, bool alone = false) {
  const Spec& spec = args.required(name, position, example);
  CompressorPtr c = make_compressor(spec, setting);
  if (!alone) require_nothing_kept(args, spec, c->keeps());
  const Bound bound = c->bound();
  if (bound.alpha) return {std::move(c), *bound.alpha, bound.shrinks};
  if (bound.omega && *bound.omega < 1) return {std::move(c), 1 - *bound.omega};
  const auto& all = compressors();
  const std::string unscaled = "c-" + spec.name;
  const bool has_unscaled =
      std::any_of(all.begin(), all.end(), [&](const CompressorRow& row) { return row.name == unscaled; });
  args.fail(fmt::format("need a contractive compressor: {} is {}; use {}", print(spec),
                        bound.omega ? "unbiased" : "not", has_unscaled ? unscaled : "top-k or c-rand-k"));
}

double zeta_of(Arguments& args) {
  const auto zeta = args.number_in("zeta", kNotNegative);
  if (!zeta) args.fail("\"zeta\" is missing, as in zeta=16: the larger, the lazier");
  return *zeta;
}

// The rows of the paper's table, with its A and B, for the optimal value of the free parameter s.

/// 1 - sqrt(1 - alpha), accurate also for tiny alpha.
double root_gap(double alpha) { return alpha / (1 + std::sqrt(1 - alpha)); }

/// h + C(x - h)
ThreePoint of_contraction(MechanismPtr map, double alpha) {
  const double A = root_gap(alpha);
  return {.map = std::move(map), .A = A, .B = (1 - alpha) / A, .alpha = alpha};
}

/// C with alpha = 1 sends x itself, which avoids the rounding of h + (x - h).
ThreePoint memory_of(Contractive c, const CompressorSetting& setting) {
  if (c.alpha == 1) return {.map = whole(setting.wire), .A = 1, .B = 0, .alpha = 1, .shrinks = true};
  ThreePoint map = of_contraction(memory(std::move(c.c), 1), c.alpha);
  map.shrinks = c.shrinks;
  return map;
}

/// h + C(x - h): EF21 (Richtarik, Sokolov, Fatkhullin 2021, arXiv 2106.05203).
ThreePoint ef21(Arguments& args, const CompressorSetting& setting) {
  return memory_of(contractive(args, "compressor", 0, "ef21(top-k(10))", setting, true), setting);
}

ThreePoint lazily(ThreePoint inner, double zeta) {
  return {.map = lazy(std::move(inner.map), zeta),
          .A = inner.A,
          .B = std::max(inner.B, zeta),
          .alpha = inner.alpha};
}

/// x if |x - h|^2 > zeta |x - y|^2, else h.
ThreePoint lag(Arguments& args, const CompressorSetting& setting) {
  return lazily({.map = whole(setting.wire)}, zeta_of(args));
}

/// h + C(x - h) if |x - h|^2 > zeta |x - y|^2, else h.
ThreePoint clag(Arguments& args, const CompressorSetting& setting) {
  return lazily(
      memory_of(contractive(args, "compressor", 0, "clag(top-k(10), zeta=16)", setting, true), setting),
      zeta_of(args));
}

/// y + C(x - y). The server does not know y. The bits include the cost of sending it; the floats count as in
/// the paper.
ThreePoint v1(Arguments& args, const CompressorSetting& setting) {
  Contractive c = contractive(args, "compressor", 0, "3pc-v1(top-k(10))", setting);
  return {.map = refined(previous(setting.wire), std::move(c.c)),
          .A = 1,
          .B = 1 - c.alpha,
          .alpha = c.alpha,
          .pairs = 1};
}

/// b + C(x - b), b = h + Q(x - y). The inequality is for one client, and so is omega: with perm-k the clients
/// send different coordinates, which improves their mean but not a single client.
ThreePoint v2(Arguments& args, const CompressorSetting& setting) {
  const char* const example = "3pc-v2(rand-k(5), top-k(5))";
  const Spec& spec = args.required("unbiased", 0, example);
  CompressorPtr q = make_compressor(spec, setting);
  require_nothing_kept(args, spec, q->keeps());
  const auto omega = q->bound().omega;
  if (!omega) args.fail(fmt::format("need an unbiased compressor first: {} is not; use rand-k", print(spec)));
  Contractive c = contractive(args, "compressor", 1, example, setting);
  return {.map = refined(difference(std::move(q)), std::move(c.c)),
          .A = c.alpha,
          .B = (1 - c.alpha) * *omega,
          .omega = omega,
          .alpha = c.alpha,
          .pairs = 1};
}

/// b + C(x - b), b from any 3PC
ThreePoint v3(Arguments& args, const CompressorSetting& setting) {
  const char* const example = "3pc-v3(lag(zeta=4), top-k(10))";
  const Spec& spec = args.required("inner", 0, example);
  Arguments inner_args(spec);
  ThreePoint inner = make_three_point(spec, inner_args, setting);
  inner_args.done();
  require_nothing_kept(args, spec, inner.map->keeps());
  if (inner.pairs == kPairDepth)
    args.fail(fmt::format("its messages are pairs in pairs, {} deep; need at most {}", inner.pairs + 1,
                          kPairDepth));
  Contractive c = contractive(args, "compressor", 1, example, setting);
  return {.map = refined(std::move(inner.map), std::move(c.c)),
          .coin = inner.coin,
          .A = 1 - (1 - c.alpha) * (1 - inner.A),
          .B = (1 - c.alpha) * inner.B,
          .alpha = c.alpha,
          .pairs = inner.pairs + 1};
}

/// b + C(x - b), b = h + C'(x - h): EF21 with the composition of C' and C.
ThreePoint v4(Arguments& args, const CompressorSetting& setting) {
  const char* const example = "3pc-v4(top-k(5), top-k(5))";
  Contractive inner = contractive(args, "inner", 0, example, setting);
  Contractive c = contractive(args, "outer", 1, example, setting);
  ThreePoint result = of_contraction(refined(memory(std::move(inner.c), 1), std::move(c.c)),
                                     1 - (1 - c.alpha) * (1 - inner.alpha));
  result.pairs = 1;
  return result;
}

/// x for all clients with probability p, else h + C(x - y).
ThreePoint v5(Arguments& args, const CompressorSetting& setting) {
  Contractive c = contractive(args, "compressor", 0, "3pc-v5(top-k(10))", setting, true);
  const double p = args.number_in("p", std::min(1.0, c.c->bound().floats / static_cast<double>(setting.dim)),
                                  kPositiveShare);
  const double A = root_gap(p);
  return {.map = difference(std::move(c.c)),
          .coin = {p},
          .A = A,
          .B = (1 - p) * (1 - c.alpha) / A,
          .alpha = c.alpha};
}

}  // namespace

const std::vector<ThreePointRow>& three_points() {
  static const char* const kPaper = "arXiv 2202.00998";
  static const std::vector<ThreePointRow> rows = {
      {"ef21", "ef21(C)", "compressed differences to a memory, C contractive", "arXiv 2106.05203", ef21},
      {"lag", "lag(zeta=Z)", "the gradient where it has changed enough, else a flag", kPaper, lag},
      {"clag", "clag(C, zeta=Z)", "ef21 where the gradient has changed enough, else a flag", kPaper, clag},
      {"3pc-v1", "3pc-v1(C)", "a compressed difference to the gradient before, idealised", kPaper, v1},
      {"3pc-v2", "3pc-v2(Q, C)",
       "an unbiased difference to the gradient before, then a contractive correction", kPaper, v2},
      {"3pc-v3", "3pc-v3(3PC, C)", "ef21, lag, .. or 3pc-v5, then a contractive correction", kPaper, v3},
      {"3pc-v4", "3pc-v4(C, C)", "ef21, then a contractive correction", kPaper, v4},
      {"3pc-v5", "3pc-v5(C, p=floats/d)", "MARINA with a contractive compressor", kPaper, v5},
  };
  return rows;
}

ThreePoint make_three_point(const Spec& spec, Arguments& args, const CompressorSetting& setting) {
  return row_named(spec, "three-point compressor", three_points()).make(args, setting);
}

}  // namespace laconic
