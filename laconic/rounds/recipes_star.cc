// SPDX-License-Identifier: Apache-2.0
// Recipes of methods whose clients say one compressed vector a round: laconic/rounds/star.h.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/mechanism/mechanism.h"
#include "laconic/mechanism/three_point.h"
#include "laconic/network/decoder.h"
#include "laconic/rounds/recipe_parts.h"

namespace laconic::recipe {
namespace {

CompressorPtr unbiased(Arguments& args, const std::string& method, const MethodSetting& s) {
  const Spec& spec = args.required("compressor", 0, method + "(rand-k(10))");
  CompressorPtr result = compressor(spec, s);
  if (!result->bound().omega) {
    args.fail(fmt::format("{} needs an unbiased compressor: {} is not; use rand-k or natural", method,
                          print(spec)));
  }
  return result;
}

/// Q of methods whose theory needs the clients' draws to be independent of each other.
CompressorPtr independent(Arguments& args, const std::string& method, const MethodSetting& s) {
  CompressorPtr result = unbiased(args, method, s);
  if (result->bound().B != 0) {
    args.fail(
        fmt::format("{} needs a compressor that each client draws by itself; use rand-k or natural", method));
  }
  return result;
}

/// Expected floats of a compressed message, as a share of the whole vector. Of a vector of very few
/// coordinates, norm and levels may count more than the coordinates themselves.
double density(const Bound& bound, const MethodSetting& s) {
  return std::min(1.0, bound.floats / static_cast<double>(s.problem.dim()));
}

/// All; or those who answer by a real clock, on tails: there each is as good as another, as in PP-MARINA.
std::unique_ptr<Turnout> unbiased_on_tails(Arguments& args, const MethodSetting& s) {
  require_all_on_heads(args, s);
  return unbiased_answers(args, s, "count");
}

/// Rows of a minibatch: the method's own option, or else the run's key.
std::size_t batch_of(Arguments& args, const MethodSetting& s, const char* name = "batch") {
  const std::size_t batch = args.whole(name, s.batch.value_or(0));
  if (batch == 0)
    args.fail(fmt::format("\"{}\" is missing: the rows of a minibatch, as in {}=32", name, name));
  return batch;
}

/// Rows of a client, in the mean.
double rows_of_client(const MethodSetting& s) {
  double rows = 0;
  for (std::size_t i = 0; i < s.problem.shards(); ++i) rows += static_cast<double>(s.problem.rows(i));
  return rows / static_cast<double>(s.problem.shards());
}

void no_batch(Arguments& args, const MethodSetting& s, const char* why) {
  if (s.batch) args.fail(fmt::format("batch = {}: {}", *s.batch, why));
}

/// Distributed gradient descent; with a batch, distributed SGD.
Assembly gd(Arguments& args, const MethodSetting& s) {
  Assembly m = star(
      s,
      {.oracle = full_or_batch(s), .mechanism = direct(identity(s)), .turnout = unbiased_answers(args, s)});
  if (s.constants && !s.batch) {
    m.theorem = gd_theorem(*s.constants);
    m.theorem_pl = gd_theorem_pl(*s.constants);
  }
  return m;
}

/// Distributed compressed gradient descent (Khirirat, Feyzmahdavian, Johansson 2018, arXiv 1806.06573).
Assembly dcgd(Arguments& args, const MethodSetting& s) {
  CompressorPtr c = compressor(args.required("compressor", 0, "dcgd(rand-k(10))"), s);
  const Bound bound = c->bound();
  Assembly m = star(
      s,
      {.oracle = full_or_batch(s), .mechanism = direct(std::move(c)), .turnout = unbiased_answers(args, s)});
  if (bound.omega) m.facts.emplace_back("omega", *bound.omega);
  if (bound.alpha && !bound.omega) m.facts.emplace_back("alpha", *bound.alpha);
  if (s.constants && bound.omega && !s.batch)
    m.theorem = dcgd_theorem(*s.constants, *bound.omega, s.problem.shards());
  return m;
}

/// DIANA (Mishchenko, Gorbunov, Takac, Richtarik 2019, arXiv 1901.09269), Algorithm 1.
Assembly diana(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = unbiased(args, "diana", s);
  const Bound bound = q->bound();
  const double omega = *bound.omega;
  const double largest_alpha = 1 / (1 + omega);
  const double alpha = probability(args, "alpha", largest_alpha);
  Assembly m = star(s, {.oracle = full_or_batch(s),
                        .mechanism = memory(std::move(q), alpha),
                        .turnout = unbiased_answers_alike(args, s)});
  m.facts = {{"omega", omega}, {"alpha", alpha}};
  if (s.constants && !s.batch && alpha <= largest_alpha) {
    m.theorem = diana_theorem(*s.constants, bound, s.problem.shards(), 1, alpha);
  }
  return m;
}

/// VR-DIANA (Horvath, Kovalev, Mishchenko, Stich, Richtarik 2019, arXiv 1904.05115), loopless form.
Assembly vr_diana(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-diana", s);
  const Bound bound = q->bound();
  const double omega = *bound.omega;
  const double largest_alpha = 1 / (1 + omega);
  const double alpha = probability(args, "alpha", largest_alpha);
  const std::size_t batch = batch_of(args, s);
  const double M = std::max(1.0, rows_of_client(s) / static_cast<double>(batch));
  const double p = probability(args, "p", 1 / M);
  Assembly m = star(s, {.oracle = minibatches(s.problem, batch),
                        .anchor = SharedCoin{p},
                        .mechanism = memory(std::move(q), alpha),
                        .turnout = everyone(s.problem.shards())});
  m.facts = {{"omega", omega}, {"alpha", alpha}, {"p", p}};
  if (s.constants && alpha <= largest_alpha) {
    m.theorem = diana_theorem(*s.constants, bound, s.problem.shards(), M, alpha);
  }
  return m;
}

/// MARINA (Gorbunov, Burlachenko, Li, Richtarik, ICML 2021, arXiv 2102.07845), Algorithm 1.
Assembly marina(Arguments& args, const MethodSetting& s) {
  no_batch(args, s, "marina takes full local gradients; leave batch out, or use vr-marina");
  CompressorPtr q = unbiased(args, "marina", s);
  const Bound bound = q->bound();
  const SharedCoin coin{probability(args, "p", density(bound, s))};
  Assembly m = star(s, {.oracle = full(s),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = unbiased_on_tails(args, s)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (bound.B != 0) m.facts.insert(m.facts.end(), {{"A", bound.A}, {"B", bound.B}});
  if (s.constants) {
    m.theorem = marina_theorem(*s.constants, bound, coin.p);
    m.theorem_pl = marina_theorem_pl(*s.constants, bound, coin.p);
  }
  return m;
}

/// VR-MARINA (the same paper), Algorithm 2: full gradients on heads, differences by one minibatch on tails.
Assembly vr_marina(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-marina", s);
  const Bound bound = q->bound();
  const std::size_t batch = batch_of(args, s);
  const double b = static_cast<double>(batch);
  const double rows = rows_of_client(s);
  const SharedCoin coin{probability(args, "p", std::min(density(bound, s), b / (rows + b)))};
  Assembly m = star(s, {.oracle = on_coin(coin, full(s), minibatches(s.problem, batch)),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = unbiased_on_tails(args, s)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants) {
    m.theorem = vr_marina_theorem(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
    m.theorem_pl = vr_marina_theorem_pl(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
  }
  return m;
}

/// VR-MARINA (online) (the same paper), Algorithm 3: a large minibatch on heads.
Assembly vr_marina_online(Arguments& args, const MethodSetting& s) {
  CompressorPtr q = independent(args, "vr-marina-online", s);
  const Bound bound = q->bound();
  const std::size_t batch = batch_of(args, s);
  const std::size_t large = args.whole("large-batch", 0);
  if (large == 0)
    args.fail("\"large-batch\" is missing: the rows of a minibatch on heads, as in large-batch=1000");
  const double b = static_cast<double>(batch);
  const SharedCoin coin{
      probability(args, "p", std::min(density(bound, s), b / (static_cast<double>(large) + b)))};
  Assembly m = star(s, {.oracle = on_coin(coin, minibatches(s.problem, large), minibatches(s.problem, batch)),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = unbiased_on_tails(args, s)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants)
    m.theorem = vr_marina_online_theorem(*s.constants, *bound.omega, s.problem.shards(), b, coin.p);
  return m;
}

/// PP-MARINA (the same paper), Algorithm 4: on tails only `sample` clients, drawn
/// with replacement, are heard.
Assembly pp_marina(Arguments& args, const MethodSetting& s) {
  no_batch(args, s, "pp-marina takes full local gradients; leave batch out");
  CompressorPtr q = independent(args, "pp-marina", s);
  const Bound bound = q->bound();
  const std::size_t n = s.problem.shards();
  const std::size_t sample = args.whole("sample", 0);
  if (sample == 0) args.fail("\"sample\" is missing: the clients that are heard in a round, as in sample=10");
  if (sample < 1 || sample > n)
    args.fail(fmt::format("sample = {}; need 1 <= sample <= {}, the clients", sample, n));
  const double r = static_cast<double>(sample);
  const SharedCoin coin{probability(args, "p", density(bound, s) * r / static_cast<double>(n))};
  Assembly m = star(s, {.oracle = full(s),
                        .mechanism = restarting(difference(std::move(q)), identity(s), coin),
                        .turnout = sample_unless(coin, n, sample)});
  m.facts = {{"omega", *bound.omega}, {"p", coin.p}};
  if (s.constants) {
    m.theorem = pp_marina_theorem(*s.constants, *bound.omega, r, coin.p);
    m.theorem_pl = pp_marina_theorem_pl(*s.constants, *bound.omega, r, coin.p);
  }
  return m;
}

/// 3PC (Richtarik, Sokolov, Gasanov, Fatkhullin, Li, Gorbunov, ICML 2022, arXiv 2202.00998), Algorithm 1,
/// with any of its maps: EF21, LAG, CLAG, 3PCv1 .. v5.
Assembly three_point(const ThreePointRow& row, Arguments& args, const MethodSetting& s) {
  const bool exact = args.choice("init", {"exact", "zero"}, "exact") == "exact";
  ThreePoint c = row.make(args, setting_of_compressors(s));
  if (c.coin.p > 0 && !exact) args.fail("init = zero; its coin has everyone begin with the whole gradient");
  if (c.coin.p > 0 && s.stragglers)
    args.fail("stragglers: a client that misses a difference is wrong about it until the coin shows heads");
  const double n = static_cast<double>(s.problem.shards());
  Assembly m =
      star(s, {.oracle = full_or_batch(s),
               .mechanism = exact ? restarting(std::move(c.map), identity(s), c.coin) : std::move(c.map),
               .turnout = s.stragglers ? answers(s, equally(1 / n)) : everyone(s.problem.shards())});
  if (c.omega) m.facts.emplace_back("omega", *c.omega);
  if (c.alpha) m.facts.emplace_back("alpha", *c.alpha);
  if (c.coin.p > 0) m.facts.emplace_back("p", c.coin.p);
  m.facts.insert(m.facts.end(), {{"A", c.A}, {"B", c.B}, {"sqrt(B/A)", std::sqrt(c.B / c.A)}});
  if (s.constants && !s.batch) {
    m.theorem = three_point_theorem(*s.constants, c.A, c.B, exact);
    m.theorem_pl = three_point_theorem_pl(*s.constants, c.A, c.B, exact);
  }
  return m;
}

constexpr const char* kOwnSample = "it hears a sample of its own choice: leave some out with sample=";

}  // namespace

std::vector<MethodRow> star_methods() {
  std::vector<MethodRow> rows = {
      {"gd", "gd", "gradient descent; with batch=, SGD", "-", gd},
      {"dcgd", "dcgd(C)", "compressed gradients, no memory", "arXiv 1806.06573", dcgd},
      {"diana", "diana(Q, alpha=1/(1+omega))", "compressed differences to a memory", "arXiv 1901.09269",
       diana},
      {"vr-diana", "vr-diana(Q, batch=B)", "DIANA on minibatches seen through an anchor", "arXiv 1904.05115",
       vr_diana, "when its anchor moves, the gradients there of all do, and so all must answer"},
      {"marina", "marina(Q, p=floats/d)", "compressed gradient differences, now and then a full gradient",
       "arXiv 2102.07845", marina},
      {"vr-marina", "vr-marina(Q, batch=B)", "MARINA with differences by minibatches", "arXiv 2102.07845",
       vr_marina},
      {"vr-marina-online", "vr-marina-online(Q, batch=B, large-batch=L)", "VR-MARINA without full gradients",
       "arXiv 2102.07845", vr_marina_online},
      {"pp-marina", "pp-marina(Q, sample=R)", "MARINA that hears R sampled clients a round",
       "arXiv 2102.07845", pp_marina, kOwnSample},
  };
  for (const ThreePointRow& row : three_points()) {
    rows.push_back({row.name, row.usage, row.summary, row.paper,
                    [&row](Arguments& args, const MethodSetting& s) { return three_point(row, args, s); }});
  }
  return rows;
}

}  // namespace laconic::recipe
