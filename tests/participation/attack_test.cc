// SPDX-License-Identifier: Apache-2.0
// Attacks: what the liars send, and what it does to aggregation rules.
#include "laconic/participation/attack.h"

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "laconic/core/error.h"
#include "laconic/participation/aggregator.h"

namespace laconic::testing {
namespace {

using Vectors = std::vector<Vector>;

const Key kRound{.seed = 3, .round = 5};

/// Normal entries with mean 1.
Vectors some_vectors(std::size_t n, std::size_t d) {
  Vectors vectors(n, Vector(d));
  for (std::size_t i = 0; i < n; ++i) {
    fill_normal(Key{.seed = 11, .client = static_cast<std::uint32_t>(i)}.stream(Purpose::data), vectors[i]);
    for (double& each : vectors[i]) each += 1;
  }
  return vectors;
}

Vectors attacked(const std::string& attack, Vectors vectors, const Key& round = kRound,
                 std::size_t threads = 1) {
  ThreadPool pool(threads);
  const std::vector<MutView> views(vectors.begin(), vectors.end());
  make_attack(parse(attack), vectors.size())->lie(round, views, pool);
  return vectors;
}

Vector aggregated(const std::string& rule, const Vectors& vectors) {
  ThreadPool pool(1);
  Vector out(vectors[0].size());
  const std::vector<View> views(vectors.begin(), vectors.end());
  make_aggregator(parse(rule), vectors.size())->aggregate(views, kRound.common(), pool, {}, out);
  return out;
}

struct Lie {
  const char* attack;
  /// The entry of a liar, from its own and those of the honest clients.
  std::function<double(double own, const Vector& honest)> entry;
};

double mean_of(const Vector& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

double alie_entry(const Vector& honest, double z) {
  double squares = 0;
  for (const double each : honest) squares += (each - mean_of(honest)) * (each - mean_of(honest));
  return mean_of(honest) - z * std::sqrt(squares / (static_cast<double>(honest.size()) - 1));
}

const Lie kLies[] = {
    {"bit-flip(3)", [](double own, const Vector&) { return -own; }},
    {"sign-flip(3)", [](double own, const Vector&) { return -3 * own; }},
    {"sign-flip(3, s=0.5)", [](double own, const Vector&) { return -0.5 * own; }},
    {"label-flip(3)", [](double own, const Vector&) { return own; }},
    {"alie(3)", [](double, const Vector& honest) { return alie_entry(honest, 0.31863936396437514); }},
    {"alie(3, z=1.5)", [](double, const Vector& honest) { return alie_entry(honest, 1.5); }},
    {"ipm(3)", [](double, const Vector& honest) { return -0.1 * mean_of(honest); }},
    {"ipm(3, eps=10)", [](double, const Vector& honest) { return -10 * mean_of(honest); }},
    {"mimic(3)", [](double, const Vector& honest) { return honest[0]; }},
};

TEST(Attack, EachLieIsItsFormulaAndTheHonestStayAsTheyAre) {
  constexpr std::size_t n = 11;
  constexpr std::size_t d = 1500;
  const Vectors honest = some_vectors(n, d);
  for (const Lie& lie : kLies) {
    const Vectors vectors = attacked(lie.attack, honest);
    for (std::size_t i = 0; i < n - 3; ++i) EXPECT_EQ(vectors[i], honest[i]) << lie.attack;
    for (std::size_t i = n - 3; i < n; ++i) {
      double furthest = 0;
      for (std::size_t j = 0; j < d; ++j) {
        Vector entries;
        for (std::size_t k = 0; k < n - 3; ++k) entries.push_back(honest[k][j]);
        furthest = std::max(furthest, std::abs(vectors[i][j] - lie.entry(honest[i][j], entries)));
      }
      EXPECT_LT(furthest, 1e-13) << lie.attack;
    }
  }
}

TEST(Attack, TheTableNamesTheTestedAttacks) {
  std::vector<std::string> tested = {"noise"};
  for (const Lie& lie : kLies) tested.push_back(parse(lie.attack).name);
  for (const AttackRow& row : attacks()) EXPECT_THAT(tested, ::testing::Contains(row.name));
}

TEST(Attack, LiesHaveTheSameBitsOnAnyNumberOfThreads) {
  const Vectors honest = some_vectors(11, 5000);
  for (const AttackRow& row : attacks()) {
    const std::string attack = std::string(row.name) + (row.name == std::string("noise") ? "(3, 2)" : "(3)");
    const Vectors alone = attacked(attack, honest);
    for (const std::size_t threads : {2, 5})
      EXPECT_EQ(attacked(attack, honest, kRound, threads), alone) << attack;
  }
}

TEST(Attack, WithoutLiarsAllSendTheirOwn) {
  const Vectors honest = some_vectors(11, 50);
  for (const AttackRow& row : attacks()) {
    const std::string attack = std::string(row.name) + (row.name == std::string("noise") ? "(0, 2)" : "(0)");
    EXPECT_EQ(attacked(attack, honest), honest) << attack;
  }
}

TEST(Attack, OnlyTheLiesThatUseItReadTheVectorOfALiar) {
  Vectors vectors = some_vectors(11, 50);
  vectors[10] = Vector(50, std::numeric_limits<double>::quiet_NaN());
  for (const AttackRow& row : attacks()) {
    const std::string attack = std::string(row.name) + (row.name == std::string("noise") ? "(3, 2)" : "(3)");
    EXPECT_EQ(all_finite(attacked(attack, vectors)[10]), !make_attack(parse(attack), 11)->needs_own_vector())
        << attack;
  }
}

TEST(Attack, TheLastClientsLie) {
  const auto attack = make_attack(parse("mimic(3)"), 10);
  EXPECT_EQ(attack->clients(), 10);
  EXPECT_EQ(attack->liars(), 3);
  EXPECT_FALSE(attack->lies(6));
  EXPECT_TRUE(attack->lies(7));
  EXPECT_FALSE(attack->flips_labels());
  EXPECT_TRUE(make_attack(parse("label-flip(3)"), 10)->flips_labels());
}

TEST(Attack, NoiseIsNormalAndOfItsOwnAddress) {
  const Vectors honest = some_vectors(4, 20000);
  const Vectors vectors = attacked("noise(2, scale=3)", honest);
  for (const std::size_t i : {2, 3}) {
    EXPECT_NEAR(mean_of(vectors[i]), 0, 0.1);
    EXPECT_NEAR(norm_sq(vectors[i]) / 20000, 9, 0.4);
  }
  EXPECT_NEAR(dot(vectors[2], vectors[3]) / 20000, 0, 0.3);
  EXPECT_EQ(attacked("noise(2, scale=3)", honest), vectors);
  EXPECT_EQ(attacked("noise(2, scale=3)", honest, kRound.common()), vectors);
  EXPECT_EQ(attacked("noise(1, scale=3)", honest)[3], vectors[3]);
  EXPECT_NE(attacked("noise(2, scale=3)", honest, {.seed = 3, .round = 6})[3], vectors[3]);
  EXPECT_NE(attacked("noise(2, scale=3)", honest, {.seed = 4, .round = 5})[3], vectors[3]);
}

TEST(Attack, DescriptionsNameAllNumbersAndMakeTheSameAttack) {
  const std::pair<const char*, const char*> cases[] = {
      {"bit-flip(2)", "bit-flip(2)"},       {"sign-flip(2)", "sign-flip(2, s=3)"},
      {"label-flip(f=2)", "label-flip(2)"}, {"alie(2)", "alie(2, z=0)"},
      {"alie(2, z=-1)", "alie(2, z=-1)"},   {"ipm(2)", "ipm(2, eps=0.1)"},
      {"noise(2, 5)", "noise(2, scale=5)"}, {"mimic(2)", "mimic(2)"}};
  for (const auto& [spec, description] : cases) {
    EXPECT_EQ(make_attack(parse(spec), 10)->description(), description);
    EXPECT_EQ(make_attack(parse(description), 10)->description(), description);
  }
}

double default_z(std::size_t clients, std::size_t liars) {
  const auto attack = make_attack(parse("alie(" + std::to_string(liars) + ")"), clients);
  return parse(attack->description()).options.at(0).second.number;
}

TEST(Attack, TheDefaultOfAlieIsTheInverseNormalDistribution) {
  EXPECT_EQ(default_z(10, 2), 0);                             // p = 4/8
  EXPECT_NEAR(default_z(20, 5), 0.2533471031357997, 1e-15);   // 9/15
  EXPECT_NEAR(default_z(4, 1), -0.4307272992954576, 1e-15);   // 1/3
  EXPECT_NEAR(default_z(50, 24), 1.4260768722728472, 1e-14);  // 24/26
  for (const std::size_t n : {3, 10, 51, 100, 1001, 20000}) {
    for (std::size_t f = 0; f <= n / 2 && n - n / 2 - 1 < n - f; f += 1 + n / 10) {
      const double p = static_cast<double>(n - n / 2 - 1) / static_cast<double>(n - f);
      EXPECT_NEAR(std::erfc(-default_z(n, f) / std::sqrt(2)) / 2, p, 3e-16) << n << " " << f;
    }
  }
}

TEST(Attack, SignFlipBreaksTheMeanAndNoRobustRule) {
  const Vectors vectors = attacked("sign-flip(4, s=10)", some_vectors(11, 400));
  const auto points_forward = [&](const char* rule) {
    double sum = 0;
    for (const double each : aggregated(rule, vectors)) sum += each;
    return sum > 0;
  };
  EXPECT_FALSE(points_forward("mean"));
  for (const char* rule : {"median", "trimmed-mean(4)", "krum(4)", "multi-krum(4, 5)", "rfa"})
    EXPECT_TRUE(points_forward(rule)) << rule;
}

TEST(Attack, IpmWithFewLiarsOnlyShortensTheMean) {
  const Vectors honest = some_vectors(10, 400);
  Vector expected = aggregated("mean", {honest.begin(), honest.begin() + 8});
  scale(0.8 - 0.2 * 0.1, expected);
  EXPECT_LT(distance_sq(aggregated("mean", attacked("ipm(2)", honest)), expected), 1e-20);
}

struct Refused {
  const char* spec;
  std::size_t clients;
  const char* message;
};

TEST(Attack, ArgumentsThatDoNotFitAreRefused) {
  const Refused cases[] = {
      {"bitflip(1)", 5, "column 1: unknown attack \"bitflip\" (did you mean \"bit-flip\"?)"},
      {"bit-flip", 5, "\"f\" is missing: how many clients lie, as in bit-flip(2)"},
      {"bit-flip(5)", 5, "column 1: bit-flip(5): f = 5; need f < 5, the clients"},
      {"bit-flip(-1)", 5, "f = -1; need a whole number >= 0"},
      {"bit-flip(1, 3)", 5, "takes one argument without a name"},
      {"sign-flip(1, s=0)", 5, "s = 0; need s > 0"},
      {"alie(4, z=1)", 5, "f = 4 of 5 clients; need 2 honest clients"},
      {"alie(0, z=1)", 1, "f = 0 of 1 clients; need 2 honest clients"},
      {"alie(3)", 5, "f = 3 of 5 clients gives no z; need z=, as in alie(1, z=1)"},
      {"alie(0)", 2, "f = 0 of 2 clients gives no z"},
      {"ipm(1, eps=-1)", 5, "eps = -1; need eps > 0"},
      {"noise(1)", 5, "its scale is missing, as in noise(2, scale=10)"},
      {"mimic(1, z=1)", 5, "unknown option \"z\""},
  };
  for (const auto& [spec, clients, message] : cases) {
    try {
      (void)make_attack(parse(spec), clients);
      ADD_FAILURE() << spec << " is accepted";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(message));
    }
  }
}

TEST(Attack, WrongNumbersOfVectorsAreABug) {
  EXPECT_THROW(attacked("mimic(1)", {{1, 2}, {1, 2, 3}}), std::logic_error);
  ThreadPool pool(1);
  EXPECT_THROW(make_attack(parse("mimic(1)"), 3)->lie(kRound, {}, pool), std::logic_error);
}

}  // namespace
}  // namespace laconic::testing
