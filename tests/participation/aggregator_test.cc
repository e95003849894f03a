// SPDX-License-Identifier: Apache-2.0
// Aggregation rules: each against its formula, and laws of all rules.
#include "laconic/participation/aggregator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "laconic/core/error.h"
#include "laconic/participation/norm_clipping.h"

namespace laconic::testing {
namespace {

using Vectors = std::vector<Vector>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const Key kRound = Key{.seed = 3, .round = 5}.common();

/// Normal entries around a common vector.
Vectors some_vectors(std::size_t n, std::size_t d, std::uint32_t draw = 0) {
  Vector common(d);
  fill_normal(Key{.seed = 11, .round = draw}.common().stream(Purpose::data), common);
  Vectors vectors(n, Vector(d));
  for (std::size_t i = 0; i < n; ++i) {
    const Key key{.seed = 11, .round = draw, .client = static_cast<std::uint32_t>(i)};
    fill_normal(key.stream(Purpose::data), vectors[i]);
    axpy(1, common, vectors[i]);
  }
  return vectors;
}

Vector aggregated(const Aggregator& rule, const Vectors& vectors, std::span<Vector> memory,
                  const Key& round = kRound, std::size_t threads = 1) {
  ThreadPool pool(threads);
  Vector out(vectors[0].size(), kNaN);
  rule.aggregate(std::vector<View>(vectors.begin(), vectors.end()), round, pool, memory, out);
  return out;
}

/// The first round of the rule.
Vector aggregated(const std::string& rule, const Vectors& vectors, const Key& round = kRound,
                  std::size_t threads = 1) {
  const auto made = make_aggregator(parse(rule), vectors.size());
  Vectors memory(made->memory(), Vector(vectors[0].size(), 0.0));
  return aggregated(*made, vectors, memory, round, threads);
}

void expect_near(const Vector& a, const Vector& b, double relative) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_LE(std::sqrt(distance_sq(a, b)), relative * std::sqrt(norm_sq(b)));
}

// The rules as their papers have them, without blocks, networks and threads.

Vector plain_mean(const Vectors& vectors) {
  Vector mean(vectors[0].size(), 0.0);
  for (const Vector& v : vectors) axpy(1 / static_cast<double>(vectors.size()), v, mean);
  return mean;
}

Vector by_coordinate(const Vectors& vectors, const std::function<double(Vector sorted)>& of_entries) {
  Vector out(vectors[0].size());
  for (std::size_t j = 0; j < out.size(); ++j) {
    Vector entries;
    for (const Vector& v : vectors) entries.push_back(v[j]);
    std::sort(entries.begin(), entries.end());
    out[j] = of_entries(entries);
  }
  return out;
}

Vector plain_median(const Vectors& vectors) {
  return by_coordinate(vectors, [](const Vector& sorted) {
    const std::size_t n = sorted.size();
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
  });
}

Vector plain_trimmed_mean(const Vectors& vectors, std::size_t b) {
  return by_coordinate(vectors, [b](const Vector& sorted) {
    const auto kept = static_cast<std::ptrdiff_t>(b);
    return std::accumulate(sorted.begin() + kept, sorted.end() - kept, 0.0) /
           static_cast<double>(sorted.size() - 2 * b);
  });
}

double squared_distance(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

Vector plain_multi_krum(const Vectors& vectors, std::size_t f, std::size_t m) {
  const std::size_t n = vectors.size();
  std::vector<std::pair<double, std::size_t>> scores;
  for (std::size_t i = 0; i < n; ++i) {
    Vector others;
    for (std::size_t j = 0; j < n; ++j) {
      if (j != i) others.push_back(squared_distance(vectors[i], vectors[j]));
    }
    std::sort(others.begin(), others.end());
    double score = 0;
    for (std::size_t k = 0; k < n - f - 2; ++k) score += others[k];
    scores.emplace_back(score, i);
  }
  std::sort(scores.begin(), scores.end());
  Vectors best;
  for (std::size_t k = 0; k < m; ++k) best.push_back(vectors[scores[k].second]);
  return plain_mean(best);
}

Vector plain_rfa(const Vectors& vectors, std::size_t steps, double nu) {
  Vector z = plain_mean(vectors);
  for (std::size_t step = 0; step < steps; ++step) {
    Vector next(z.size(), 0.0);
    double sum = 0;
    for (const Vector& v : vectors) {
      const double b = 1 / std::max(std::sqrt(squared_distance(v, z)), nu);
      axpy(b, v, next);
      sum += b;
    }
    scale(1 / sum, next);
    z = next;
  }
  return z;
}

Vector plain_clip(const Vectors& vectors, Vector z, double tau, std::size_t steps) {
  for (std::size_t step = 0; step < steps; ++step) {
    Vector moved(z.size(), 0.0);
    for (const Vector& v : vectors) {
      const double share = std::min(1.0, tau / std::sqrt(squared_distance(v, z)));
      for (std::size_t j = 0; j < z.size(); ++j) moved[j] += share * (v[j] - z[j]);
    }
    axpy(1 / static_cast<double>(vectors.size()), moved, z);
  }
  return z;
}

Vector zeros_like(const Vectors& vectors) { return Vector(vectors[0].size(), 0.0); }

/// The buckets of a round, as the library deals them.
std::vector<std::vector<std::size_t>> buckets(std::size_t n, std::size_t size, Key round) {
  round.copy = 2;
  Stream stream = round.stream(Purpose::permutation);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t last = n - 1; last > 0; --last) std::swap(order[last], order[stream.below(last + 1)]);
  std::vector<std::vector<std::size_t>> dealt;
  for (std::size_t k = 0; k < n; ++k) {
    if (k % size == 0) dealt.emplace_back();
    dealt.back().push_back(order[k]);
  }
  return dealt;
}

Vectors bucket_means(const Vectors& vectors, std::size_t size, const Key& round) {
  Vectors means;
  for (const std::vector<std::size_t>& bucket : buckets(vectors.size(), size, round)) {
    Vectors members;
    for (const std::size_t i : bucket) members.push_back(vectors[i]);
    means.push_back(plain_mean(members));
  }
  return means;
}

struct Rule {
  const char* spec;
  std::function<Vector(const Vectors&)> plain;
  std::size_t fewest = 1;  // the clients that it needs
  bool remembers = false;  // then it does not move with its vectors
  bool depends_on_order = false;
};

const Rule kRules[] = {
    {.spec = "mean", .plain = plain_mean},
    {.spec = "median", .plain = plain_median},
    {.spec = "trimmed-mean(0)", .plain = plain_mean},
    {.spec = "trimmed-mean(2)",
     .plain = [](const Vectors& v) { return plain_trimmed_mean(v, 2); },
     .fewest = 5},
    {.spec = "krum(0)", .plain = [](const Vectors& v) { return plain_multi_krum(v, 0, 1); }, .fewest = 3},
    {.spec = "krum(3)", .plain = [](const Vectors& v) { return plain_multi_krum(v, 3, 1); }, .fewest = 6},
    {.spec = "multi-krum(2, 3)",
     .plain = [](const Vectors& v) { return plain_multi_krum(v, 2, 3); },
     .fewest = 5},
    {.spec = "rfa", .plain = [](const Vectors& v) { return plain_rfa(v, 8, 1e-6); }},
    {.spec = "rfa(steps=2, nu=30)", .plain = [](const Vectors& v) { return plain_rfa(v, 2, 30); }},
    {.spec = "clip(1)",
     .plain = [](const Vectors& v) { return plain_clip(v, zeros_like(v), 1, 3); },
     .remembers = true},
    {.spec = "clip(30, steps=1)",
     .plain = [](const Vectors& v) { return plain_clip(v, zeros_like(v), 30, 1); },
     .remembers = true},
    {.spec = "clip(1e9)", .plain = plain_mean},
    {.spec = "bucketing(2, median)",
     .plain = [](const Vectors& v) { return plain_median(bucket_means(v, 2, kRound)); },
     .fewest = 2,
     .depends_on_order = true},
    {.spec = "bucketing(3, rfa)",
     .plain = [](const Vectors& v) { return plain_rfa(bucket_means(v, 3, kRound), 8, 1e-6); },
     .fewest = 3,
     .depends_on_order = true},
    {.spec = "bucketing(2, krum(1))",
     .plain = [](const Vectors& v) { return plain_multi_krum(bucket_means(v, 2, kRound), 1, 1); },
     .fewest = 7,
     .depends_on_order = true},
    {.spec = "bucketing(2, bucketing(2, trimmed-mean(1)))",
     .plain =
         [](const Vectors& v) {
           Key inner = kRound;
           inner.step = 1;
           return plain_trimmed_mean(bucket_means(bucket_means(v, 2, kRound), 2, inner), 1);
         },
     .fewest = 9,
     .depends_on_order = true},
};

class EachRule : public ::testing::TestWithParam<Rule> {};

INSTANTIATE_TEST_SUITE_P(Aggregator, EachRule, ::testing::ValuesIn(kRules), [](const auto& rule) {
  std::string name = rule.param.spec;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST_P(EachRule, IsItsFormula) {
  for (const std::size_t d : {1, 31, 32, 33, 1024, 2500}) {
    for (std::size_t n = GetParam().fewest; n < 24; n += d < 100 ? 1 : 5) {
      SCOPED_TRACE(::testing::Message() << "n = " << n << ", d = " << d);
      const Vectors vectors = some_vectors(n, d);
      expect_near(aggregated(GetParam().spec, vectors), GetParam().plain(vectors), 1e-12);
    }
  }
}

TEST_P(EachRule, GivesTheSameBitsOnAnyNumberOfThreads) {
  const Vectors vectors = some_vectors(11, 5000);
  const Vector alone = aggregated(GetParam().spec, vectors);
  for (const std::size_t threads : {2, 3, 7})
    EXPECT_EQ(aggregated(GetParam().spec, vectors, kRound, threads), alone) << threads;
}

TEST_P(EachRule, IgnoresTheOrderOfTheClients) {
  if (GetParam().depends_on_order) return;
  Vectors vectors = some_vectors(11, 1500);
  const Vector before = aggregated(GetParam().spec, vectors);
  std::rotate(vectors.begin(), vectors.begin() + 4, vectors.end());
  std::swap(vectors[0], vectors[9]);
  expect_near(aggregated(GetParam().spec, vectors), before, 1e-13);
}

TEST_P(EachRule, MovesWithItsVectors) {
  if (GetParam().remembers) return;
  Vectors vectors = some_vectors(11, 1500);
  Vector moved = aggregated(GetParam().spec, vectors);
  const Vector by = some_vectors(1, 1500, 1)[0];
  axpy(3, by, moved);
  for (Vector& v : vectors) axpy(3, by, v);
  expect_near(aggregated(GetParam().spec, vectors), moved, 1e-12);
}

TEST_P(EachRule, OfEqualVectorsIsThatVector) {
  const Vectors vectors(11, some_vectors(1, 1500)[0]);
  if (!GetParam().remembers) expect_near(aggregated(GetParam().spec, vectors), vectors[0], 1e-13);
}

TEST(Aggregator, TheTableNamesTheTestedRules) {
  std::vector<std::string> tested;
  for (const Rule& rule : kRules) tested.push_back(parse(rule.spec).name);
  for (const AggregatorRow& row : aggregators()) EXPECT_THAT(tested, ::testing::Contains(row.name));
}

TEST(Aggregator, MedianAndTrimmedMeanIgnoreTheOrderOfTheClientsToTheBit) {
  for (const char* rule : {"median", "trimmed-mean(3)"}) {
    Vectors vectors = some_vectors(12, 1500);
    vectors[3][7] = kNaN;
    vectors[4][7] = -0.0;
    vectors[5][7] = 0.0;
    const Vector before = aggregated(rule, vectors);
    std::rotate(vectors.begin(), vectors.begin() + 5, vectors.end());
    std::reverse(vectors.begin(), vectors.begin() + 4);
    EXPECT_EQ(aggregated(rule, vectors), before) << rule;
  }
}

TEST(Aggregator, TrimmedMeanWithoutTrimHasTheBitsOfTheMean) {
  const Vectors vectors = some_vectors(9, 1500);
  EXPECT_EQ(aggregated("trimmed-mean(0)", vectors), aggregated("mean", vectors));
}

/// f liars send lie(i); the other clients send some vectors.
Vectors with_liars(std::size_t n, std::size_t f, std::size_t d,
                   const std::function<Vector(std::size_t)>& lie) {
  Vectors vectors = some_vectors(n, d);
  for (std::size_t i = n - f; i < n; ++i) vectors[i] = lie(i);
  return vectors;
}

/// Lies of many kinds, one after another.
Vector wild(std::size_t i, std::size_t d) {
  const double values[] = {1e9, -1e300, kNaN, kInf, -kInf, 1e-3, 0};
  Vector v(d);
  for (std::size_t j = 0; j < d; ++j) v[j] = values[(i + j) % std::size(values)];
  return v;
}

/// Whether each entry is between the least and the largest entry of the honest clients.
bool is_in_hull(const Vector& v, const Vectors& honest) {
  const auto sorted = [&](bool largest) {
    return by_coordinate(honest,
                         [&](const Vector& entries) { return largest ? entries.back() : entries[0]; });
  };
  const Vector low = sorted(false);
  const Vector high = sorted(true);
  for (std::size_t j = 0; j < v.size(); ++j) {
    const double rounding = 1e-13 * std::max(std::abs(low[j]), std::abs(high[j]));
    if (!(v[j] >= low[j] - rounding && v[j] <= high[j] + rounding)) return false;
  }
  return true;
}

TEST(Aggregator, WithFewLiarsMedianAndTrimmedMeanStayBetweenTheHonest) {
  constexpr std::size_t d = 40;
  for (const std::size_t n : {3, 4, 9, 10}) {
    const std::size_t f = (n - 1) / 2;  // the most that both rules stand
    const Vectors vectors = with_liars(n, f, d, [](std::size_t i) { return wild(i, d); });
    const Vectors honest(vectors.begin(), vectors.end() - static_cast<std::ptrdiff_t>(f));
    EXPECT_TRUE(is_in_hull(aggregated("median", vectors), honest)) << n;
    EXPECT_TRUE(is_in_hull(aggregated("trimmed-mean(" + std::to_string(f) + ")", vectors), honest)) << n;
    EXPECT_FALSE(is_in_hull(aggregated("mean", vectors), honest)) << n;
  }
}

TEST(Aggregator, OneLiarBreaksTheMeanAndOneMoreThanItsTrimTheTrimmedMean) {
  const auto lie = [](std::size_t) { return Vector(40, 1e12); };
  EXPECT_GT(norm_sq(aggregated("mean", with_liars(10, 1, 40, lie))), 1e20);
  EXPECT_LT(norm_sq(aggregated("trimmed-mean(2)", with_liars(10, 2, 40, lie))), 1e3);
  EXPECT_GT(norm_sq(aggregated("trimmed-mean(2)", with_liars(10, 3, 40, lie))), 1e20);
  EXPECT_LT(norm_sq(aggregated("median", with_liars(10, 4, 40, lie))), 1e3);
  EXPECT_GT(norm_sq(aggregated("median", with_liars(10, 5, 40, lie))), 1e20);
}

TEST(Aggregator, ValuesThatAreNotFiniteSpreadInTheMean) {
  const Vector mean = aggregated("mean", {{1, 2, 3}, {kNaN, kInf, -kInf}});
  EXPECT_TRUE(std::isnan(mean[0]));
  EXPECT_EQ(mean[1], kInf);
  EXPECT_EQ(mean[2], -kInf);
}

TEST(Aggregator, NoNumberCountsAsInfinityInTheMedian) {
  EXPECT_EQ(aggregated("median", {{1}, {kNaN}, {2}}), Vector{2});
  EXPECT_EQ(aggregated("median", {{-kInf}, {kNaN}, {2}}), Vector{2});
  EXPECT_EQ(aggregated("median", {{1}, {kNaN}, {kInf}}), Vector{kInf});
  EXPECT_EQ(aggregated("trimmed-mean(1)", {{1}, {kNaN}, {2}, {-kInf}}), Vector{1.5});
}

TEST(Aggregator, KrumSelectsFromTheHonestCluster) {
  constexpr std::size_t d = 2000;
  for (const char* rule : {"krum(4)", "multi-krum(4, 7)"}) {
    const Vectors honest = with_liars(11, 0, d, {});
    // Apart from each other, or together.
    const Vectors apart = with_liars(11, 4, d, [](std::size_t i) { return wild(i, d); });
    const Vectors together = with_liars(11, 4, d, [](std::size_t) { return Vector(d, 5.0); });
    for (const Vectors& vectors : {apart, together}) {
      const Vector selected = aggregated(rule, vectors);
      EXPECT_TRUE(is_in_hull(selected, {honest.begin(), honest.begin() + 7})) << rule;
    }
  }
  const Vector selected =
      aggregated("krum(4)", with_liars(11, 4, d, [](std::size_t i) { return wild(i, d); }));
  EXPECT_THAT(with_liars(11, 4, d, [](std::size_t i) { return wild(i, d); }), ::testing::Contains(selected));
}

TEST(Aggregator, KrumTakesTheLowestClientOfATie) {
  EXPECT_EQ(aggregated("krum(0)", {{3}, {1}, {2}, {0}}), Vector{1});
  EXPECT_EQ(aggregated("krum(0)", {{3}, {2}, {1}, {0}}), Vector{2});
  EXPECT_DOUBLE_EQ(aggregated("multi-krum(0, 3)", {{3}, {2}, {1}, {0}})[0], 2);
}

TEST(Aggregator, MultiKrumOfAllVectorsHasTheBitsOfTheMean) {
  const Vectors vectors = some_vectors(9, 1500);
  EXPECT_EQ(aggregated("multi-krum(0, 9)", vectors), aggregated("mean", vectors));
}

TEST(Aggregator, KrumSelectsNoVectorThatIsNotFinite) {
  // More of them than F: every score is infinite.
  EXPECT_EQ(aggregated("krum(0)", {{kNaN}, {kInf}, {3}, {-kInf}, {4}}), Vector{3});
  EXPECT_EQ(aggregated("krum(0)", {{kNaN}, {1e200}, {kInf}, {3}}), Vector{3});
  EXPECT_EQ(aggregated("multi-krum(0, 4)", {{kNaN}, {4}, {kInf}, {3}}), Vector{3.5});
  EXPECT_TRUE(std::isnan(aggregated("krum(0)", {{kNaN}, {1e200}, {kInf}})[0]));
}

TEST(Aggregator, RfaWithinNuIsTheMean) {
  const Vectors vectors = some_vectors(9, 1500);
  expect_near(aggregated("rfa(nu=1e9)", vectors), aggregated("mean", vectors), 1e-13);
}

TEST(Aggregator, RfaIsTheGeometricMedian) {
  // The gradient of sum_i |v_i - z| is 0 at the geometric median: the sum of unit vectors.
  const Vectors vectors = some_vectors(9, 50);
  const Vector z = aggregated("rfa(steps=200)", vectors);
  Vector sum(50, 0.0);
  for (const Vector& v : vectors) {
    const double length = std::sqrt(squared_distance(v, z));
    for (std::size_t j = 0; j < z.size(); ++j) sum[j] += (v[j] - z[j]) / length;
  }
  EXPECT_LT(std::sqrt(norm_sq(sum)), 1e-9);
}

TEST(Aggregator, RfaDividesTheInfluenceOfDistantLiarsInEachStep) {
  constexpr std::size_t n = 12;
  constexpr std::size_t f = 3;
  const auto left_after = [](std::size_t steps) {
    const Vectors vectors = with_liars(n, f, 40, [](std::size_t) { return Vector(40, 1e9); });
    return aggregated("rfa(steps=" + std::to_string(steps) + ")", vectors)[0];
  };
  for (std::size_t steps = 2; steps < 9; ++steps)
    EXPECT_NEAR(left_after(steps) / left_after(steps + 1), static_cast<double>(n) / f - 1, 0.1) << steps;
  EXPECT_LT(std::abs(left_after(40)), 4);
}

TEST(Aggregator, ClipRemembersItsCentre) {
  const auto rule = make_aggregator(parse("clip(2, steps=2)"), 7);
  ASSERT_EQ(rule->memory(), 1);
  Vectors memory(1, Vector(1500, 0.0));
  Vector z(1500, 0.0);
  for (std::uint32_t round = 0; round < 5; ++round) {
    const Vectors vectors = some_vectors(7, 1500, round);
    z = plain_clip(vectors, z, 2, 2);
    const Vector out = aggregated(*rule, vectors, memory);
    expect_near(out, z, 1e-12);
    EXPECT_EQ(out, memory[0]);
  }
}

TEST(Aggregator, LiarsMoveTheResultOfClipByTheirShareOfTau) {
  constexpr double tau = 0.5;
  for (const double size : {1.0, 1e9, 1e140}) {
    const Vectors honest = with_liars(10, 0, 40, {});
    const Vectors vectors = with_liars(10, 3, 40, [size](std::size_t) { return Vector(40, size); });
    const Vector a = aggregated("clip(0.5, steps=1)", honest);
    const Vector b = aggregated("clip(0.5, steps=1)", vectors);
    EXPECT_LE(std::sqrt(squared_distance(a, b)), 2 * tau * 0.3 + 1e-12) << size;
  }
}

TEST(Aggregator, RfaAndClipGiveNoWeightToVectorsThatAreNotFinite) {
  constexpr std::size_t d = 1500;
  const Vectors vectors = with_liars(10, 4, d, [](std::size_t i) { return wild(i, d); });
  const Vectors honest(vectors.begin(), vectors.begin() + 6);
  EXPECT_EQ(aggregated("rfa", vectors), aggregated("rfa", honest));
  Vector clipped = aggregated("clip(1e9, steps=1)", vectors);  // 6/10 of the way from 0 to their mean
  scale(10.0 / 6, clipped);
  expect_near(clipped, plain_mean(honest), 1e-12);

  const Vectors lies = with_liars(5, 5, d, [](std::size_t i) { return wild(i, d); });
  EXPECT_TRUE(std::isnan(aggregated("rfa", lies)[0]));
  EXPECT_EQ(aggregated("clip(1)", lies), Vector(d, 0.0));
}

TEST(Aggregator, OneBucketHasTheBitsOfTheMean) {
  const Vectors vectors = some_vectors(9, 1500);
  const Vector mean = aggregated("mean", vectors);
  for (const char* rule : {"median", "mean", "trimmed-mean(0)", "rfa"})
    EXPECT_EQ(aggregated("bucketing(9, " + std::string(rule) + ")", vectors), mean) << rule;
  expect_near(aggregated("bucketing(9, clip(1e9))", vectors), mean, 1e-12);
}

TEST(Aggregator, EachRoundHasBucketsOfItsOwn) {
  const Vectors vectors = some_vectors(12, 50);
  const auto of_round = [&](std::uint32_t t) {
    return aggregated("bucketing(2, median)", vectors, Key{.seed = 3, .round = t}.common());
  };
  EXPECT_EQ(of_round(1), of_round(1));
  EXPECT_NE(of_round(1), of_round(2));
  // Each client is in one bucket: the buckets' means have the mean of the clients, if all are as large.
  for (std::uint32_t t = 0; t < 20; ++t) {
    const Vector mean = aggregated("bucketing(3, mean)", vectors, Key{.seed = 3, .round = t}.common());
    expect_near(mean, plain_mean(vectors), 1e-13);
  }
}

TEST(Aggregator, BucketingKeepsTheMemoryOfItsRule) {
  const auto rule = make_aggregator(parse("bucketing(2, clip(2, steps=2))"), 7);
  ASSERT_EQ(rule->memory(), 1);
  Vectors memory(1, Vector(50, 0.0));
  Vector z(50, 0.0);
  for (std::uint32_t t = 0; t < 5; ++t) {
    const Key round = Key{.seed = 3, .round = t}.common();
    const Vectors vectors = some_vectors(7, 50, t);
    z = plain_clip(bucket_means(vectors, 2, round), z, 2, 2);
    expect_near(aggregated(*rule, vectors, memory, round), z, 1e-12);
  }
}

TEST(Aggregator, LiarsSpoilNoMoreThanTheirBuckets) {
  constexpr std::size_t d = 40;
  const auto lie = [](std::size_t i) { return wild(i, d); };
  const Vectors vectors = with_liars(12, 2, d, lie);
  const Vectors honest(vectors.begin(), vectors.begin() + 10);
  for (const char* rule : {"bucketing(2, median)", "bucketing(2, trimmed-mean(2))", "bucketing(2, krum(2))"})
    EXPECT_TRUE(is_in_hull(aggregated(rule, vectors), honest)) << rule;
}

struct Refused {
  const char* spec;
  std::size_t clients;
  const char* message;
};

TEST(Aggregator, ArgumentsThatDoNotFitAreRefused) {
  const Refused cases[] = {
      {"mediam", 5, "column 1: unknown aggregation rule \"mediam\" (did you mean \"median\"?)"},
      {"mean(1)", 5, "takes no argument without a name"},
      {"trimmed-mean", 5, "its b is missing, as in trimmed-mean(2)"},
      {"trimmed-mean(1.5)", 5, "b = 1.5; need a whole number >= 0"},
      {"trimmed-mean(-1)", 5, "b = -1; need a whole number >= 0"},
      {"trimmed-mean(3)", 6, "column 1: trimmed-mean(3): b = 3; need 2 b < 6, the vectors"},
      {"trimmed-mean(9e15)", 6, "need 2 b < 6"},
      {"krum", 5, "its f is missing, as in krum(2)"},
      {"krum(3)", 5, "f = 3; need n - f - 2 >= 1, where n = 5 is the number of vectors"},
      {"krum(0)", 2, "f = 0; need n - f - 2 >= 1, where n = 2 is the number of vectors"},
      {"multi-krum(2)", 5, "its m is missing, as in multi-krum(2, 5)"},
      {"multi-krum(2, 0)", 5, "m = 0; need a whole number >= 1"},
      {"multi-krum(2, 4)", 5, "m = 4; need m <= n - f = 3"},
      {"rfa(steps=0)", 5, "steps = 0; need a whole number >= 1"},
      {"rfa(nu=0)", 5, "nu = 0; need nu > 0"},
      {"clip", 5, "its tau is missing, as in clip(10)"},
      {"clip(0)", 5, "tau = 0; need tau > 0"},
      {"clip(1, steps=0)", 5, "steps = 0; need a whole number >= 1"},
      {"bucketing", 5, "its s is missing, as in bucketing(2, median)"},
      {"bucketing(2)", 5, "its rule is missing, as in bucketing(2, median)"},
      {"bucketing(0, median)", 5, "s = 0; need a whole number >= 1"},
      {"bucketing(6, median)", 5, "s = 6; need s <= 5, the vectors"},
      {"bucketing(2, krum(1))", 6, "column 14: krum(1): f = 1; need n - f - 2 >= 1, where n = 3"},
      {"bucketing(2, trimmed-mean(2))", 8, "column 14: trimmed-mean(2): b = 2; need 2 b < 4, the vectors"},
      {"bucketing(2, medium)", 8, "column 14: unknown aggregation rule \"medium\""},
  };
  for (const auto& [spec, clients, message] : cases) {
    try {
      (void)make_aggregator(parse(spec), clients);
      ADD_FAILURE() << spec << " is accepted";
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(message));
    }
  }
  EXPECT_NO_THROW((void)make_aggregator(parse("trimmed-mean(b=2)"), 5));
}

TEST(Aggregator, WrongNumbersOfVectorsAreABug) {
  const auto rule = make_aggregator(parse("mean"), 2);
  EXPECT_THROW(aggregated(*rule, Vectors(3, Vector(4, 0.0)), {}), std::logic_error);
  EXPECT_THROW(aggregated(*rule, {{1, 2}, {1, 2, 3}}, {}), std::logic_error);
  Vectors memory(1, Vector(2));
  EXPECT_THROW(aggregated(*rule, {{1, 2}, {3, 4}}, memory), std::logic_error);
}

Vector clipped_and_aggregated(const std::string& rule, double bound, const Vectors& vectors,
                              std::size_t threads = 1) {
  const auto made = clipped(make_aggregator(parse(rule), vectors.size()), bound);
  Vectors memory(made->memory(), Vector(vectors[0].size(), 0.0));
  return aggregated(*made, vectors, memory, kRound, threads);
}

TEST(NormClipping, ShortensLongVectorsOnly) {
  const Vectors vectors = {{3, 4}, {0.6, -0.8}, {0, 0}};  // of length 5, 1 and 0
  EXPECT_EQ(clipped_and_aggregated("krum(0)", 5, vectors), aggregated("krum(0)", vectors));
  expect_near(clipped_and_aggregated("mean", 5, vectors), {1.2, 3.2 / 3}, 1e-15);
  expect_near(clipped_and_aggregated("mean", 2.5, vectors), {0.7, 1.2 / 3}, 1e-15);
  expect_near(clipped_and_aggregated("mean", 0.5, vectors), {0.2, 0}, 1e-15);
  expect_near(clipped_and_aggregated("median", 2.5, vectors), {0.6, 0}, 1e-15);
}

TEST(NormClipping, ChangesNothingBelowItsBound) {
  const Vectors vectors = some_vectors(7, 3000);
  for (const char* rule :
       {"mean", "median", "trimmed-mean(2)", "krum(1)", "rfa", "clip(1)", "bucketing(2, rfa)"})
    EXPECT_EQ(clipped_and_aggregated(rule, 1e3, vectors), aggregated(rule, vectors)) << rule;
}

TEST(NormClipping, GivesTheSameBitsOnThreads) {
  const Vectors vectors = some_vectors(7, 5000);
  for (const char* rule : {"mean", "median", "rfa"}) {
    const Vector one = clipped_and_aggregated(rule, 60, vectors);
    for (const std::size_t threads : {2, 5})
      EXPECT_EQ(clipped_and_aggregated(rule, 60, vectors, threads), one) << rule << ", " << threads;
    EXPECT_NE(one, aggregated(rule, vectors)) << rule;
  }
}

TEST(NormClipping, BoundsWhatALiarCanDo) {
  Vectors vectors = some_vectors(8, 40);
  const auto without_last = [&] {
    Vectors others = vectors;
    others.back().assign(40, 0.0);
    return clipped_and_aggregated("mean", 2, others);
  }();
  for (const double lie : {1.0, -1e100, 1e160, 1e308, kInf, kNaN}) {
    vectors.back().assign(40, lie);
    const Vector mean = clipped_and_aggregated("mean", 2, vectors);
    EXPECT_LE(std::sqrt(distance_sq(mean, without_last)), 2.0 / 8 * (1 + 1e-12)) << lie;
    if (!(std::abs(lie) < 1e150)) {
      EXPECT_EQ(mean, without_last) << lie << " counts as 0";
    }
  }
}

}  // namespace
}  // namespace laconic::testing
