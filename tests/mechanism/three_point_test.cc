// SPDX-License-Identifier: Apache-2.0
// Three-point compressors: the inequality of each, known special cases, and the guarantees of the theorem for
// their runs.
#include "laconic/mechanism/three_point.h"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "laconic/message/wire.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

ThreePoint make(const std::string& text, std::size_t dim, Wire wire = Wire::f64, std::size_t clients = 4) {
  const Spec spec = parse(text);
  Arguments args(spec);
  ThreePoint result = make_three_point(spec, args, {.dim = dim, .clients = clients, .wire = wire});
  args.done();
  return result;
}

Vector random_vector(std::size_t dim, std::uint32_t number) {
  Stream stream = Key{.seed = 17, .round = number}.stream(Purpose::batch);
  Vector x(dim);
  for (double& v : x) v = 2 * stream.uniform() - 1;
  return x;
}

/// C_{h,y}(x), as the server computes it.
Vector mapped(const ThreePoint& c, const Key& key, View h, View y, View x) {
  if (c.coin.p > 0 && c.coin.heads(key)) return {x.begin(), x.end()};
  Message message;
  c.map->encode(key, {h, y}, x, message);
  const bool adds_to_h = c.map->rates().server == 1 && !starts_over(message);
  Vector result = adds_to_h ? Vector(h.begin(), h.end()) : Vector(h.size(), 0.0);
  decode_add(key, message, 1, result);
  return result;
}

// --- the inequality ------------------------------------------------------------------------------

struct Map {
  const char* spec;
  bool random;

  friend void PrintTo(const Map& map, std::ostream* out) { *out << map.spec; }
};

/// At least one map of every row; 12 coordinates.
const Map kMaps[] = {
    {"ef21(top-k(3))", false},
    {"ef21(c-rand-k(3))", true},
    {"ef21(comp(3, 4))", true},
    {"ef21(mix(2, 3))", true},
    {"ef21(low-rank(1, warm=0))", true},
    {"ef21(c-bernoulli(0.3))", true},
    {"ef21(c-perm-k)", true},
    {"ef21(natural)", true},
    {"ef21(sign)", false},
    {"ef21(identity)", false},
    {"lag(zeta=0)", false},
    {"lag(zeta=1)", false},
    {"lag(zeta=5)", false},
    {"clag(top-k(3), zeta=0)", false},
    {"clag(top-k(3), zeta=2)", false},
    {"clag(c-rand-k(3), zeta=40)", true},
    {"clag(identity, zeta=2)", false},
    {"3pc-v1(top-k(3))", false},
    {"3pc-v1(c-rand-k(3))", true},
    {"3pc-v2(rand-k(3), top-k(3))", true},
    {"3pc-v2(rand-k(4), c-rand-k(3))", true},
    {"3pc-v2(perm-k, top-k(2))", true},
    {"3pc-v2(sketch(1), low-rank(1, warm=0))", true},
    {"3pc-v2(perm-k(2), top-k(2))", true},
    {"3pc-v2(perm-k, c-perm-k(2))", true},
    {"3pc-v2(identity, top-k(3))", false},
    {"3pc-v2(natural, sign)", true},
    {"3pc-v3(lag(zeta=4), top-k(3))", false},
    {"3pc-v3(lag(zeta=4), c-rand-k(3))", true},
    {"3pc-v3(clag(top-k(3), zeta=4), c-rand-k(3))", true},
    {"3pc-v3(ef21(top-k(3)), top-k(3))", false},
    {"3pc-v3(3pc-v1(c-rand-k(3)), c-rand-k(3))", true},
    {"3pc-v3(3pc-v2(rand-k(3), c-rand-k(2)), c-rand-k(3))", true},
    {"3pc-v3(3pc-v5(c-rand-k(3), p=0.3), c-rand-k(3))", true},
    {"3pc-v4(top-k(3), top-k(3))", false},
    {"3pc-v4(c-rand-k(2), c-rand-k(3))", true},
    {"3pc-v4(identity, top-k(3))", false},
    {"3pc-v4(c-perm-k, c-perm-k(1))", true},
    {"3pc-v5(top-k(3))", true},
    {"3pc-v5(c-rand-k(3), p=0.6)", true},
    {"3pc-v5(top-k(3), p=1)", false},
};
constexpr std::size_t kDim = 12;

struct Triple {
  Vector h, y, x;
};

/// Random triples, and collinear ones, x - y = c (y - h). The collinear ones include h = y, x = y, x = h and
/// the c at which the two terms of the inequality have the ratio that makes a random contraction of h exact.
std::vector<Triple> triples(const ThreePoint& c) {
  std::vector<Triple> all;
  for (std::uint32_t t = 0; t < 6; ++t) {
    Triple triple{random_vector(kDim, 3 * t), random_vector(kDim, 3 * t + 1), random_vector(kDim, 3 * t + 2)};
    scale(t % 3 == 1 ? 0.05 : 1, triple.x);
    scale(t % 3 == 2 ? 0.05 : 1, triple.y);
    all.push_back(triple);
  }
  const double exact = c.A < 1 ? 1 / (1 - c.A) - 1 : 1;
  for (const double factor : {-1.5, -1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 0.999, 1.0, 3.0, 30.0, exact}) {
    Triple triple{random_vector(kDim, 100), random_vector(kDim, 101), {}};
    triple.x = triple.y;
    for (std::size_t j = 0; j < kDim; ++j) triple.x[j] += factor * (triple.y[j] - triple.h[j]);
    all.push_back(triple);
  }
  Triple still{random_vector(kDim, 200), {}, random_vector(kDim, 201)};
  still.y = still.h;
  all.push_back(still);
  return all;
}

struct Sides {
  double left = 0;       // E|C_{h,y}(x) - x|^2
  double deviation = 0;  // standard deviation of that estimate
  double right = 0;      // (1 - A) |h - y|^2 + B |x - y|^2
};

Sides sides_of(const Map& map, const ThreePoint& c, const Triple& triple) {
  const int draws = map.random ? 4000 : 1;
  double sum = 0;
  double sum_sq = 0;
  for (int seed = 0; seed < draws; ++seed) {
    const Key key{.seed = static_cast<std::uint64_t>(seed), .round = 3, .client = 1};
    const double error = distance_sq(mapped(c, key, triple.h, triple.y, triple.x), triple.x);
    sum += error;
    sum_sq += error * error;
  }
  Sides sides;
  sides.left = sum / draws;
  sides.deviation = std::sqrt(std::max(0.0, sum_sq / draws - sides.left * sides.left) / draws);
  sides.right = (1 - c.A) * distance_sq(triple.h, triple.y) + c.B * distance_sq(triple.x, triple.y);
  return sides;
}

class ThreePoints : public ::testing::TestWithParam<Map> {};
INSTANTIATE_TEST_SUITE_P(MonteCarlo, ThreePoints, ::testing::ValuesIn(kMaps));

TEST_P(ThreePoints, KeepTheirInequality) {
  const ThreePoint c = make(GetParam().spec, kDim);
  ASSERT_GT(c.A, 0);
  ASSERT_LE(c.A, 1);
  ASSERT_GE(c.B, 0);
  for (const Triple& triple : triples(c)) {
    const Sides sides = sides_of(GetParam(), c, triple);
    // 37 maps, 19 triples each: by chance, one suite in 400 exceeds 4.5 deviations. Maps without randomness
    // have no deviation.
    const double rounding = 1e-13 * (norm_sq(triple.x) + norm_sq(triple.h) + norm_sq(triple.y));
    EXPECT_LE(sides.left, sides.right + 4.5 * sides.deviation + rounding);
  }
}

TEST(ThreePointTable, EveryRowIsTested) {
  for (const ThreePointRow& row : three_points()) {
    EXPECT_TRUE(std::any_of(std::begin(kMaps), std::end(kMaps), [&](const Map& map) {
      return parse(map.spec).name == row.name;
    })) << row.name;
    EXPECT_TRUE(row.usage.starts_with(row.name + "("));
  }
}

/// The constants are not only valid but tight: each of these maps attains equality.
TEST(ThreePointTable, ConstantsAreTight) {
  for (const Map& map :
       {Map{"ef21(c-rand-k(3))", true}, Map{"3pc-v1(c-rand-k(3))", true}, Map{"lag(zeta=1)", false},
        Map{"clag(c-rand-k(3), zeta=1)", true}, Map{"3pc-v4(c-rand-k(2), c-rand-k(3))", true},
        Map{"3pc-v2(rand-k(4), c-rand-k(3))", true}, Map{"3pc-v2(perm-k, c-perm-k(2))", true},
        Map{"3pc-v5(c-rand-k(3), p=0.6)", true}}) {
    const ThreePoint c = make(map.spec, kDim);
    double nearest = 0;  // left / right, reduced by the statistical error
    for (const Triple& triple : triples(c)) {
      const Sides sides = sides_of(map, c, triple);
      if (sides.right > 0) nearest = std::max(nearest, (sides.left + 4.5 * sides.deviation) / sides.right);
    }
    EXPECT_GE(nearest, 1 - 2e-3) << map.spec;
  }
}

TEST(ThreePointTable, ConstantsOfTheReference) {
  const auto ef21 = [](std::size_t k, std::size_t d) {
    return make("ef21(top-k(" + std::to_string(k) + "))", d);
  };
  struct {
    std::size_t k;
    double alpha, A, B, root;
  } const known[] = {{10, 0.01, 0.00501256, 197.50376, 198.49874},
                     {100, 0.1, 0.05131670, 17.53815, 18.48683},
                     {500, 0.5, 0.2928932, 1.7071068, 2.4142136}};
  for (const auto& row : known) {
    const ThreePoint c = ef21(row.k, 1000);
    EXPECT_EQ(c.alpha, row.alpha);
    EXPECT_NEAR(c.A, row.A, 6e-9 + 1e-7 * row.A);
    EXPECT_NEAR(c.B, row.B, 5e-6);
    EXPECT_NEAR(std::sqrt(c.B / c.A), row.root, 6e-6);
    EXPECT_DOUBLE_EQ(std::sqrt(c.B / c.A), (1 + std::sqrt(1 - row.alpha)) / row.alpha - 1);
  }
  const auto root = [](const char* spec) {
    const ThreePoint c = make(spec, 1000);
    return std::sqrt(c.B / c.A);
  };
  EXPECT_NEAR(root("3pc-v2(rand-k(5), top-k(5))"), 199.0, 1e-10);
  EXPECT_NEAR(root("3pc-v5(top-k(10), p=0.01)"), 197.504, 5e-4);
  EXPECT_EQ(root("3pc-v5(top-k(10))"), root("3pc-v5(top-k(10), p=0.01)"));
  EXPECT_DOUBLE_EQ(root("lag(zeta=16)"), 4);
  EXPECT_DOUBLE_EQ(root("3pc-v1(top-k(190))"), 0.9);
  EXPECT_DOUBLE_EQ(root("3pc-v4(top-k(500), top-k(500))"), std::sqrt(0.25) / (1 - std::sqrt(0.25)));
  // One coordinate of ten million: computed directly, 1 - sqrt(1 - alpha) would keep only eight digits.
  const ThreePoint tiny = ef21(1, 10000000);
  EXPECT_DOUBLE_EQ(tiny.A, 5.0000001250000062500003906e-8);

  EXPECT_EQ(make("clag(top-k(500), zeta=1)", 1000).B, make("ef21(top-k(500))", 1000).B);
  EXPECT_EQ(make("clag(top-k(500), zeta=8)", 1000).B, 8);
  EXPECT_EQ(make("clag(top-k(500), zeta=8)", 1000).A, make("ef21(top-k(500))", 1000).A);
  const ThreePoint v3 = make("3pc-v3(lag(zeta=4), top-k(250))", 1000);
  EXPECT_EQ(v3.A, 1);
  EXPECT_EQ(v3.B, 3);
  const ThreePoint both = make("3pc-v3(3pc-v5(top-k(500), p=0.75), top-k(500))", 1000);
  EXPECT_EQ(both.coin.p, 0.75);
  EXPECT_DOUBLE_EQ(both.A, 0.75);
  EXPECT_DOUBLE_EQ(both.B, 0.125);
  for (const char* exact :
       {"ef21(identity)", "ef21(top-k(100%))", "lag(zeta=0)", "clag(identity, zeta=0)", "3pc-v1(identity)",
        "3pc-v2(rand-k(5), identity)", "3pc-v2(identity, top-k(5))", "3pc-v4(identity, top-k(1))",
        "3pc-v5(top-k(5), p=1)", "3pc-v5(identity, p=0.1)"}) {
    EXPECT_EQ(root(exact), 0) << exact;
  }
}

/// `laconic theory` shows the constants behind the step sizes: those of the map's own compressors, not of an
/// inner map's.
TEST(ThreePointTable, KnowsTheConstantsOfItsParts) {
  struct {
    const char* spec;
    std::optional<double> omega, alpha;
  } const known[] = {{"ef21(top-k(3))", {}, 0.25},
                     {"ef21(c-perm-k(2))", {}, 1.0 / 6},
                     {"lag(zeta=2)", {}, {}},
                     {"clag(top-k(3), zeta=2)", {}, 0.25},
                     {"3pc-v1(top-k(3))", {}, 0.25},
                     {"3pc-v2(rand-k(4), top-k(3))", 2, 0.25},
                     {"3pc-v2(perm-k, top-k(3))", 3, 0.25},
                     {"3pc-v2(perm-k(2), top-k(3))", 5, 0.25},
                     {"3pc-v3(3pc-v2(rand-k(4), top-k(6)), top-k(3))", {}, 0.25},
                     {"3pc-v4(top-k(6), top-k(3))", {}, 0.625},
                     {"3pc-v5(top-k(3), p=0.5)", {}, 0.25}};
  for (const auto& row : known) {
    const ThreePoint c = make(row.spec, 12);
    EXPECT_EQ(c.omega, row.omega) << row.spec;
    EXPECT_EQ(c.alpha, row.alpha) << row.spec;
    const Outcome outcome =
        train({.problem = "quadratic(d=12)", .method = row.spec, .clients = 4, .rounds = 0});
    for (const auto& [name, value] : {std::pair{"omega", row.omega}, {"alpha", row.alpha}}) {
      const auto& facts = outcome.assembly.facts;
      const auto fact =
          std::find_if(facts.begin(), facts.end(), [&](const auto& each) { return each.first == name; });
      EXPECT_EQ(fact == facts.end() ? std::nullopt : std::optional(fact->second), value) << row.spec;
    }
  }
}

/// The methods of the 3PC paper's quadratics, with 10 values per round: d = 1000, n = 100.
TEST(ThreePointTable, SpeaksTenValuesARoundAsInThePaper) {
  for (const char* method : {"3pc-v2(rand-k(2), top-k(8))", "3pc-v2(perm-k(4), top-k(6))",
                             "3pc-v2(perm-k(1), top-k(9))", "ef21(c-rand-k(10))", "ef21(c-perm-k)"}) {
    const Outcome outcome = train({.problem = "quadratic(d=1000, s=0.8)",
                                   .method = method,
                                   .clients = 100,
                                   .rounds = 5,
                                   .wire = Wire::f64});
    EXPECT_EQ(outcome.last().uplink_floats, 1000 + 5 * 10) << method;
    EXPECT_LT(outcome.last().f, outcome.rows[0].f) << method;
  }
}

TEST(ThreePointTable, RefusesWhatDoesNotFit) {
  const auto refusal = [](const std::string& spec) { return error_of([&] { make(spec, 20); }); };
  const std::string clause = ": need a contractive compressor: ";
  EXPECT_EQ(refusal("ef21(one-bit(scale=none))"), "column 1: ef21(one-bit(scale=none))" + clause +
                                                      "one-bit(scale=none) is not; use top-k or c-rand-k");
  EXPECT_EQ(refusal("ef21(rand-k(2))"),
            "column 1: ef21(rand-k(2))" + clause + "rand-k(2) is unbiased; use c-rand-k");
  EXPECT_EQ(refusal("clag(perm-k, zeta=2)"),
            "column 1: clag(perm-k, zeta=2)" + clause + "perm-k is unbiased; use c-perm-k");
  EXPECT_EQ(refusal("3pc-v2(rand-k(2), rand-k(3))"),
            "column 1: 3pc-v2(rand-k(2), rand-k(3))" + clause + "rand-k(3) is unbiased; use c-rand-k");
  EXPECT_EQ(refusal("3pc-v3(lag(zeta=2), qsgd(1))"),
            "column 1: 3pc-v3(lag(zeta=2), qsgd(1))" + clause + "qsgd(1) is unbiased; use top-k or c-rand-k");
  EXPECT_EQ(refusal("3pc-v4(top-k(2), rand-k(2))"),
            "column 1: 3pc-v4(top-k(2), rand-k(2))" + clause + "rand-k(2) is unbiased; use c-rand-k");
  EXPECT_EQ(refusal("3pc-v5(bernoulli(0.1))"),
            "column 1: 3pc-v5(bernoulli(0.1))" + clause + "bernoulli(0.1) is unbiased; use c-bernoulli");
  EXPECT_EQ(
      refusal("3pc-v2(top-k(2), top-k(2))"),
      "column 1: 3pc-v2(top-k(2), top-k(2)): need an unbiased compressor first: top-k(2) is not; use rand-k");
  EXPECT_EQ(refusal("ef21"), "column 1: ef21: its compressor is missing, as in ef21(top-k(10))");
  EXPECT_EQ(refusal("3pc-v2(rand-k(2))"),
            "column 1: 3pc-v2(rand-k(2)): its compressor is missing, as in 3pc-v2(rand-k(5), top-k(5))");
  EXPECT_EQ(refusal("3pc-v3(lag(zeta=2))"),
            "column 1: 3pc-v3(lag(zeta=2)): its compressor is missing, as in 3pc-v3(lag(zeta=4), top-k(10))");
  EXPECT_EQ(refusal("3pc-v3(top-k(2), top-k(2))"),
            "column 8: unknown three-point compressor \"top-k\"; known: ef21, lag, clag, 3pc-v1, 3pc-v2, "
            "3pc-v3, 3pc-v4, "
            "3pc-v5");
  EXPECT_EQ(refusal("clag(top-k(2))"),
            "column 1: clag(top-k(2)): \"zeta\" is missing, as in zeta=16: the larger, the lazier");
  EXPECT_EQ(refusal("lag(zeta=-1)"), "column 1: lag(zeta=-1): zeta = -1; need zeta >= 0");
  EXPECT_EQ(refusal("3pc-v5(top-k(2), p=0)"), "column 1: 3pc-v5(top-k(2), p=0): p = 0; need 0 < p <= 1");
  EXPECT_EQ(error_of([] { train({.problem = "quadratic(d=20)", .method = "3pc-v5(top-k(2), init=zero)"}); }),
            "method: column 1: 3pc-v5(top-k(2), init=zero): init = zero; with its coin every client begins "
            "with the whole "
            "gradient");
  EXPECT_EQ(error_of([] { train({.problem = "quadratic(d=20)", .method = "ef21(top-k(2), init=one)"}); }),
            "method: column 1: ef21(top-k(2), init=one): init = one; need exact or zero");
}

/// At the greatest nesting depth of messages, every part has its own draws and both ends agree. A greater
/// depth is rejected before round 0.
TEST(ThreePointTable, NestsAsDeepAsMessagesDo) {
  std::string text = "3pc-v2(rand-k(4), c-rand-k(2))";
  for (unsigned pairs = 1; pairs < kPairDepth; ++pairs) text = "3pc-v3(" + text + ", c-rand-k(2))";
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    const Outcome outcome =
        train({.problem = "quadratic(d=20, s=0.8)", .method = text, .rounds = 30, .wire = wire});
    EXPECT_LT(outcome.last().f, outcome.rows[0].f);
    EXPECT_EQ(outcome.last().uplink_floats, 20 + 30 * (4 + 2.0 * kPairDepth));
  }
  EXPECT_THAT(error_of([&] { make("3pc-v3(" + text + ", c-rand-k(2))", 20); }),
              ::testing::EndsWith(": its messages are pairs in pairs, 7 deep; need at most 6"));
}

// --- identities ----------------------------------------------------------------------------------

class ThreePointRuns : public ::testing::Test {
 protected:
  Outcome run(const std::string& method, Wire wire = Wire::f64, std::size_t rounds = 60) const {
    return train({.problem = problem_, .method = method, .step = "0.8", .rounds = rounds, .wire = wire});
  }

  TemporaryFolder folder_;
  std::string problem_ = fmt::format("logistic(\"{}\", lambda=0.1, reg=nonconvex)",
                                     folder_.write("classes", two_classes(61, 12)));
};

TEST_F(ThreePointRuns, ReduceToEachOtherBitForBit) {
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    for (const auto& [general, special] : std::vector<std::pair<std::string, std::string>>{
             {"clag(top-k(3), zeta=0)", "ef21(top-k(3))"},
             {"clag(c-rand-k(3), zeta=0)", "ef21(c-rand-k(3))"},
             {"clag(identity, zeta=2)", "lag(zeta=2)"},
             {"clag(top-k(100%), zeta=2)", "lag(zeta=2)"},
             {"clag(identity, zeta=0)", "gd"},
             {"lag(zeta=0)", "gd"},
             {"ef21(identity)", "gd"},
             {"ef21(top-k(12))", "gd"},
             {"3pc-v5(top-k(3), p=1)", "gd"},
             {"3pc-v5(rand-k(12), p=0.3)", "marina(rand-k(12), p=0.3)"},
             {"3pc-v3(ef21(top-k(3)), top-k(2))", "3pc-v4(top-k(3), top-k(2))"},
         }) {
      const Outcome a = run(general, wire);
      const Outcome b = run(special, wire);
      EXPECT_EQ(a.x, b.x) << general << ' ' << special;
      for (std::size_t t = 0; t < a.rows.size(); ++t) {
        EXPECT_EQ(a.rows[t].f, b.rows[t].f);
        EXPECT_EQ(a.rows[t].grad_norm_sq, b.rows[t].grad_norm_sq);
        EXPECT_EQ(a.rows[t].uplink_floats, b.rows[t].uplink_floats) << general << ' ' << special;
      }
    }
  }
}

TEST_F(ThreePointRuns, ReduceToGradientDescentUpToRounding) {
  const Outcome gd = run("gd");
  for (const char* method :
       {"3pc-v2(identity, top-k(3))", "3pc-v2(rand-k(3), identity)", "3pc-v1(identity)",
        "3pc-v4(identity, top-k(3))", "3pc-v3(lag(zeta=4), identity)", "3pc-v5(identity, p=0.2)"}) {
    expect_close(run(method), gd, 1e-12);
  }
}

// --- messages ------------------------------------------------------------------------------------

TEST(Lag, SkipsTiesAtZetaOne) {
  // |x - h| = |x - y| for h = y, whatever x is.
  for (const char* spec : {"lag(zeta=1)", "clag(top-k(3), zeta=1)"}) {
    for (const std::size_t dim : {5UL, 64UL, 1001UL}) {
      const ThreePoint c = make(spec, dim);
      for (std::uint32_t t = 0; t < 100; ++t) {
        const Vector h = random_vector(dim, t);
        const Vector x = random_vector(dim, t + 1000);
        Message message;
        c.map->encode({}, {h, h}, x, message);
        EXPECT_EQ(message.bytes, std::vector<std::uint8_t>{7});
        Vector nearer = h;  // the smallest difference beyond a tie is sent
        nearer[2] = std::nextafter(h[2], x[2]);
        if (distance_sq(x, h) <= distance_sq(x, nearer)) continue;
        c.map->encode({}, {h, nearer}, x, message);
        EXPECT_GT(message.bytes.size(), 1U);
      }
      // No vector has changed.
      Message message;
      const Vector x = random_vector(dim, 1);
      c.map->encode({}, {x, x}, x, message);
      EXPECT_EQ(message.bytes.size(), 1U);
    }
  }
}

TEST_F(ThreePointRuns, LagAtZetaOneRestsAfterEverySend) {
  const Outcome outcome =
      train({.problem = problem_, .method = "lag(zeta=1)", .clients = 1, .rounds = 200, .wire = Wire::f64});
  std::size_t sends = 1;
  bool said = true;  // everything is sent in round 0
  for (std::size_t t = 1; t < outcome.rows.size(); ++t) {
    const double floats = outcome.rows[t].uplink_floats - outcome.rows[t - 1].uplink_floats;
    const double bits = outcome.rows[t].uplink_bits - outcome.rows[t - 1].uplink_bits;
    EXPECT_TRUE(floats == 0 || floats == 12) << floats;
    EXPECT_EQ(bits, floats == 0 ? 8 : 8 * (2 + 8 * 12)) << "a flag is a byte";
    EXPECT_FALSE(said && floats > 0) << t;
    said = floats > 0;
    sends += said ? 1 : 0;
  }
  EXPECT_GT(sends, 10U);
}

TEST_F(ThreePointRuns, CountWhatThePaperCounts) {
  const double d = 12;
  const auto floats_of = [&](const std::string& method, double first, double later) {
    for (const Wire wire : {Wire::f32, Wire::f64}) {
      for (const Row& row : run(method, wire).rows)
        EXPECT_EQ(row.uplink_floats, first + static_cast<double>(row.round) * later) << method;
    }
  };
  floats_of("ef21(top-k(3))", d, 3);
  floats_of("ef21(top-k(3), init=zero)", 3, 3);
  floats_of("ef21(c-rand-k(25%))", d, 3);
  floats_of("lag(zeta=0)", d, d);
  floats_of("3pc-v1(top-k(3))", d, 3);
  floats_of("3pc-v2(rand-k(2), top-k(3))", d, 5);
  floats_of("3pc-v3(ef21(top-k(1)), top-k(3))", d, 4);
  floats_of("3pc-v4(top-k(2), top-k(3))", d, 5);
  floats_of("3pc-v5(top-k(3), p=1)", d, d);

  // d of v1's values do not count in the paper, but their bits count here.
  for (const Wire wire : {Wire::f32, Wire::f64}) {
    const double width = 8.0 * static_cast<double>(bytes_of(wire));
    const Outcome outcome = run("3pc-v1(c-rand-k(3))", wire);
    for (std::size_t t = 1; t < outcome.rows.size(); ++t) {
      EXPECT_EQ(outcome.rows[t].uplink_bits - outcome.rows[t - 1].uplink_bits,
                (d + 3) * width + 8 * (4 + 2 + 1));  // the headers of pair, uncounted and seeded subset
    }
  }
  // v5 with its coin: d or K values for all clients, and one bit down.
  const Outcome v5 = run("3pc-v5(top-k(3), p=0.4)", Wire::f64, 300);
  std::size_t whole = 0;
  for (std::size_t t = 1; t < v5.rows.size(); ++t) {
    const double said = v5.rows[t].uplink_floats - v5.rows[t - 1].uplink_floats;
    EXPECT_TRUE(said == d || said == 3) << said;
    EXPECT_EQ(v5.rows[t].downlink_bits, static_cast<double>(t) * (64 * d + 1));
    whole += said == d ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(whole), 120, 4.5 * std::sqrt(300 * 0.4 * 0.6));
}

TEST_F(ThreePointRuns, LazyRoundsCostAByteAClient) {
  // So lazy that nothing is sent after round 0.
  const Outcome outcome = run("clag(top-k(3), zeta=1e30)");
  for (const Row& row : outcome.rows) {
    EXPECT_EQ(row.uplink_floats, 12);
    EXPECT_EQ(row.uplink_bits, 8 * (1 + 8 * 12) + 8 * static_cast<double>(row.round));
    EXPECT_EQ(row.participants, 5U);
  }
}

// --- runs, observed ------------------------------------------------------------------------------

/// A run with access to its state in every round.
class Watched {
 public:
  explicit Watched(const Job& job) : experiment_(config_of(job), opened(job)), fleet_(pool_) {
    method_->start(fleet_, &here_);
  }

  void round() { method_->round(fleet_, ++rounds_, &here_); }

  double f() const { return here_.f; }
  double gradient_sq() const { return norm_sq(here_.gradient); }
  double step() const { return experiment_.step(); }
  const Constants& constants() const { return *experiment_.facts().constants; }
  double fact(const std::string& name) const {
    for (const auto& [known, value] : experiment_.assembly().facts) {
      if (known == name) return value;
    }
    ADD_FAILURE() << name;
    return 0;
  }

  /// The memory of each client, kept by the client or by the server.
  std::vector<Vector> memories() {
    const State state = method_->state(fleet_);
    std::vector<Vector> all;
    for (std::size_t i = 0; i < experiment_.config().clients; ++i) {
      const MutView h = state.shared.size() > 4 ? state.shared[3 + i] : state.clients[i][0];
      all.emplace_back(h.begin(), h.end());
    }
    return all;
  }
  Vector estimate() {
    const State state = method_->state(fleet_);
    return {state.shared[2].begin(), state.shared[2].end()};
  }
  /// G = (1/n) sum |g_i - grad f_i(x)|^2
  double error() {
    const Problem& problem = experiment_.problem();
    Vector g(problem.dim());
    double sum = 0;
    const std::vector<Vector> memory = memories();
    for (std::size_t i = 0; i < memory.size(); ++i) {
      problem.value_gradient(i, Rows::everything(), method_->point(), g);
      sum += distance_sq(memory[i], g) / static_cast<double>(memory.size());
    }
    return sum;
  }

 private:
  const Experiment experiment_;
  ThreadPool pool_{2};
  Fleet fleet_;
  std::unique_ptr<Method> method_ = experiment_.make_method();
  std::size_t rounds_ = 0;
  Evaluation here_;
};

TEST_F(ThreePointRuns, ServerHoldsTheMeanOfTheMemories) {
  for (const char* method :
       {"ef21(top-k(2))", "ef21(c-rand-k(2), init=zero)", "ef21(natural)", "clag(top-k(2), zeta=4)",
        "lag(zeta=4)", "3pc-v2(rand-k(2), top-k(2))", "3pc-v3(lag(zeta=4), top-k(2))",
        "3pc-v3(3pc-v5(top-k(2), p=0.1), top-k(2))", "3pc-v4(top-k(2), c-rand-k(2))"}) {
    for (const Wire wire : {Wire::f32, Wire::f64}) {
      for (const char* problem : {problem_.c_str(), "quadratic(d=20, s=0.8)"}) {
        Watched run({.problem = problem, .method = method, .clients = 6, .wire = wire});
        double largest = 0;
        for (int t = 0; t < 1000; ++t) {
          run.round();
          largest = std::max(largest, norm_sq(run.estimate()));
        }
        Vector mean(run.estimate().size(), 0.0);
        for (const Vector& h : run.memories()) axpy(1.0 / 6, h, mean);
        EXPECT_LE(distance_sq(mean, run.estimate()), 1e-26 * largest) << method;
        EXPECT_GT(norm_sq(mean), 0) << method;
      }
    }
  }
}

TEST_F(ThreePointRuns, BeginAtZeroIfAsked) {
  for (const char* map :
       {"ef21(top-k(3)", "lag(zeta=2", "clag(top-k(3), zeta=2", "3pc-v2(rand-k(3), top-k(3)",
        "3pc-v3(lag(zeta=2), top-k(3)", "3pc-v4(top-k(1), top-k(3)"}) {
    const std::string method = std::string(map) + ", init=zero)";
    // Round 0 is C_{0,y}(y), after which the expected error is at most (1 - A) |y|^2. Here no draw matters:
    // Q(0) = 0.
    Watched zero({.problem = problem_, .method = method, .wire = Wire::f64});
    Watched exact({.problem = problem_, .method = std::string(map) + ")", .wire = Wire::f64});
    EXPECT_LE(exact.error(), 1e-30);
    double whole = 0;
    for (const Vector& g : exact.memories()) whole += norm_sq(g) / 5;
    EXPECT_LE(zero.error(), (1 - zero.fact("A")) * whole + 1e-30) << method;
    const Outcome outcome = train({.problem = problem_, .method = method, .rounds = 400});
    EXPECT_LT(outcome.last().f, outcome.rows[0].f);
    EXPECT_EQ(outcome.assembly.theorem->mean_gradient_factor, 0);
    EXPECT_THAT(outcome.assembly.theorem->promise, ::testing::HasSubstr("G / (A K)"));
  }
}

/// The largest (1/K) sum_{k<K} |grad f(x_k)|^2 over its bound, over all K of the run.
double share_of_bound(Watched& run, int rounds, double delta, double extra) {
  double sum = 0;
  double worst = 0;
  for (int k = 1; k <= rounds; ++k) {
    sum += run.gradient_sq();
    worst = std::max(worst, sum / (2 * delta / run.step() + extra));
    run.round();
  }
  return worst;
}

/// Phi = f - f_lower + c G with c = weight gamma / A. Each value must be at most `factor` times the previous
/// one.
void expect_potential_to_fall(Watched& run, int rounds, double weight, double factor) {
  const double c = weight * run.step() / run.fact("A");
  const double lower = *run.constants().f_lower;
  double before = run.f() - lower + c * run.error();
  for (int t = 1; t <= rounds; ++t) {
    run.round();
    const double now = run.f() - lower + c * run.error();
    ASSERT_LE(now, factor * before + 1e-14 * (std::abs(run.f()) + std::abs(lower))) << t;
    before = now;
  }
}

// Deterministic maps with memories.
const char* const kDeterministic[] = {"ef21(top-k(3))",
                                      "ef21(top-k(50%))",
                                      "ef21(sign)",
                                      "lag(zeta=1)",
                                      "lag(zeta=16)",
                                      "clag(top-k(3), zeta=1)",
                                      "clag(top-k(3), zeta=64)",
                                      "3pc-v4(top-k(2), top-k(2))",
                                      "3pc-v3(lag(zeta=4), top-k(3))",
                                      "3pc-v2(identity, top-k(3))"};

/// Without randomness the theorem holds for every run.
void expect_theorem_to_hold(const std::string& problem, std::size_t clients, int rounds) {
  for (const char* init : {"exact", "zero"}) {
    for (const std::string map : kDeterministic) {
      const std::string method = map.substr(0, map.size() - 1) + fmt::format(", init={})", init);
      SCOPED_TRACE(method);
      const Job job{.problem = problem, .method = method, .clients = clients, .wire = Wire::f64};
      Watched bounded(job);
      ASSERT_TRUE(bounded.constants().f_lower);
      const double delta = bounded.f() - *bounded.constants().f_lower;
      EXPECT_LE(share_of_bound(bounded, rounds, delta, bounded.error() / bounded.fact("A")), 1);
      Watched falling(job);
      expect_potential_to_fall(falling, rounds, 0.5, 1);
    }
  }
}

TEST_F(ThreePointRuns, KeepTheTheoremOnEveryRun) {
  expect_theorem_to_hold(problem_, 6, 300);
  expect_theorem_to_hold("quadratic(d=20, s=1.6)", 7, 300);
  // v1 has no memories: the gradients of the previous round take their place. The bound still holds.
  Watched v1({.problem = problem_, .method = "3pc-v1(top-k(3))", .wire = Wire::f64});
  EXPECT_LE(share_of_bound(v1, 300, v1.f() - *v1.constants().f_lower, 0), 1);
}

TEST(ThreePointData, KeepsTheTheoremOnEveryRun) {
  for (const char* name : {"a9a", "phishing"}) {
    LACONIC_NEEDS_DATA(name);
    expect_theorem_to_hold(fmt::format("logistic({}, lambda=0.1, reg=nonconvex)", name), 20, 60);
  }
}

TEST(ThreePointPl, IsLinearOnEveryRun) {
  for (const char* method : kDeterministic) {
    SCOPED_TRACE(method);
    Watched run({.problem = "quadratic(d=20, s=0.5, lambda=0.05)",
                 .method = method,
                 .clients = 6,
                 .step = "theory-pl",
                 .wire = Wire::f64});
    expect_potential_to_fall(run, 400, 1, 1 - run.step() * 0.05);
  }
}

/// E G^{t+1} <= (1 - A) G^t + B L_+^2 |x_{t+1} - x_t|^2, in expectation over the draws of one round.
TEST(ThreePointPl, ErrorOfTheMemoriesFollowsTheRecursion) {
  for (const char* method :
       {"ef21(c-rand-k(3))", "clag(c-rand-k(3), zeta=2)", "3pc-v2(rand-k(3), c-rand-k(2))",
        "3pc-v3(3pc-v5(c-rand-k(3), p=0.3), c-rand-k(3))", "3pc-v4(c-rand-k(3), c-rand-k(3))"}) {
    double before = 0;
    double sum = 0;
    double sum_sq = 0;
    const int draws = 300;
    for (int seed = 0; seed < draws; ++seed) {
      Watched run({.problem = "quadratic(d=12, s=0.8)",
                   .method = method,
                   .clients = 4,
                   .seed = static_cast<std::uint64_t>(seed),
                   .wire = Wire::f64});
      const double moved = run.step() * run.step() * norm_sq(run.estimate());
      const double L_plus = run.constants().L_plus;
      before = (1 - run.fact("A")) * run.error() +
               run.fact("B") * L_plus * L_plus * moved;  // exact init: no randomness
      run.round();
      const double error = run.error();
      sum += error;
      sum_sq += error * error;
    }
    const double mean = sum / draws;
    EXPECT_LE(mean, before + 4.5 * std::sqrt(std::max(0.0, sum_sq / draws - mean * mean) / draws)) << method;
    EXPECT_GT(mean, 0.01 * before) << method;
  }
}

}  // namespace
}  // namespace laconic::testing
