// SPDX-License-Identifier: Apache-2.0
// Gradient coding: allocations of subsets, stragglers, the server's estimate from the answers, and the
// methods built from these.
#include <bit>
#include <cmath>
#include <numeric>

#include <gmock/gmock.h>

#include "laconic/compress/compressor.h"
#include "laconic/participation/allocation.h"
#include "laconic/participation/code.h"
#include "laconic/participation/decoder.h"
#include "laconic/participation/stragglers.h"
#include "laconic/problem/oracle.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;

Allocation allocation_of(const std::string& rule, std::size_t clients, std::size_t d,
                         std::uint64_t seed = 1) {
  return make_allocation("random", d, {.clients = clients, .seed = seed, .rule = parse(rule)});
}

/// Every pair of subsets is held by exactly a quarter of the 2^q clients.
Allocation hadamard(unsigned q) {
  const std::size_t clients = std::size_t{1} << q;
  std::vector<std::vector<std::uint32_t>> held(clients);
  for (std::uint32_t i = 0; i < clients; ++i) {
    for (std::uint32_t k = 0; k + 1 < clients; ++k) {
      if (std::popcount(i & (k + 1)) % 2 == 0) held[i].push_back(k);
    }
  }
  return {clients - 1, std::move(held)};
}

std::size_t overlap(const Allocation& allocation, std::size_t k, std::size_t l) {
  std::size_t both = 0;
  for (std::size_t i = 0; i < allocation.clients(); ++i) {
    const auto held = allocation.held(i);
    both +=
        std::binary_search(held.begin(), held.end(), k) && std::binary_search(held.begin(), held.end(), l);
  }
  return both;
}

// --- allocations ---------------------------------------------------------------------------------

TEST(Allocation, EveryRuleGivesEverySubsetItsCopies) {
  for (const char* rule : {"random", "balanced", "cyclic", "fractional", "regular"}) {
    for (const auto& [n, d] : {std::pair<std::size_t, std::size_t>{2, 1},
                               {6, 2},
                               {12, 3},
                               {12, 4},
                               {20, 10},
                               {30, 15},
                               {100, 5}}) {
      SCOPED_TRACE(fmt::format("{}, {} clients, {} copies", rule, n, d));
      const Allocation a = allocation_of(rule, n, d);
      ASSERT_EQ(a.clients(), n);
      ASSERT_EQ(a.subsets(), n);
      for (std::size_t k = 0; k < n; ++k) EXPECT_EQ(a.copies(k), d);
      EXPECT_EQ(a.lost(), 0U);
      EXPECT_EQ(a.is_identity(), d == 1);
      const MinMeanMax loads = a.loads();
      EXPECT_DOUBLE_EQ(loads.mean, static_cast<double>(d));
      if (rule != std::string("random")) {
        EXPECT_EQ(loads.least, loads.most);
      }
    }
  }
  EXPECT_EQ(allocation_of("balanced", 20, 17).loads().most, 17) << "more than half of all";
  EXPECT_EQ(make_allocation("full", {}, {.clients = 5}).loads().least, 5);
}

TEST(Allocation, OverlapsAreWhatTheRuleSays) {
  const Allocation cyclic = allocation_of("cyclic", 12, 4);
  EXPECT_EQ(overlap(cyclic, 0, 3), 1U);
  EXPECT_EQ(overlap(cyclic, 0, 11), 3U);
  EXPECT_EQ(overlap(cyclic, 0, 4), 0U);
  const Allocation groups = allocation_of("fractional", 12, 4);
  EXPECT_EQ(overlap(groups, 4, 7), 4U);
  EXPECT_EQ(overlap(groups, 3, 4), 0U);
  const Allocation graph = allocation_of("regular", 12, 3);
  for (std::uint32_t i = 0; i < 12; ++i) {
    for (const std::uint32_t k : graph.held(i)) {
      EXPECT_NE(k, i);
      EXPECT_TRUE(std::binary_search(graph.held(k).begin(), graph.held(k).end(), i))
          << "neighbours are mutual";
    }
  }
  const Allocation exact = hadamard(4);
  const MinMeanMax overlaps = exact.overlaps();
  EXPECT_EQ(overlaps.least, 4);
  EXPECT_EQ(overlaps.mean, 4);
  EXPECT_EQ(overlaps.most, 4);
  for (std::size_t k = 0; k < 15; ++k) EXPECT_EQ(exact.copies(k), 8U);

  for (const char* rule : {"random", "balanced", "regular", "cyclic"}) {  // checks the definition of spread
    const Allocation a = allocation_of(rule, 14, 5, 3);
    MinMeanMax slow{1e9, 0, 0};
    for (std::size_t k = 0; k < 14; ++k) {
      for (std::size_t l = 0; l < k; ++l) {
        const auto both = static_cast<double>(overlap(a, k, l));
        slow = {std::min(slow.least, both), slow.mean + both / 91, std::max(slow.most, both)};
      }
    }
    EXPECT_EQ(a.overlaps().least, slow.least) << rule;
    EXPECT_NEAR(a.overlaps().mean, slow.mean, 1e-12) << rule;
    EXPECT_EQ(a.overlaps().most, slow.most) << rule;
  }
}

TEST(Allocation, RandomOnesAreBalancedInTheMean) {
  const std::size_t n = 30;
  const std::size_t d = 6;
  double sum = 0;
  double sum_sq = 0;
  const int draws = 400;
  for (int seed = 0; seed < draws; ++seed) {
    const Allocation a = allocation_of("random", n, d, static_cast<std::uint64_t>(seed));
    const auto both = static_cast<double>(overlap(a, 3, 17));
    sum += both;
    sum_sq += both * both;
  }
  const double mean = sum / draws;
  EXPECT_NEAR(mean, 36.0 / 30, 5 * std::sqrt((sum_sq / draws - mean * mean) / draws));
  const std::vector<std::size_t> copies = {1, 2, 3, 30};
  const Allocation unequal = random_allocation(n, copies, 1);
  for (std::size_t k = 0; k < copies.size(); ++k) EXPECT_EQ(unequal.copies(k), copies[k]);
}

TEST(Allocation, ByChanceSomeSubsetsAreLost) {
  const Allocation a = allocation_of("bernoulli", 400, 2);
  EXPECT_NEAR(static_cast<double>(a.lost()), 400 * std::exp(-2.0), 5 * std::sqrt(400 * std::exp(-2.0)));
  EXPECT_NEAR(a.loads().mean, 2, 5 * std::sqrt(2.0 / 400));
}

TEST(Allocation, WhatCannotBeIsRefused) {
  const auto refusal = [](const char* rule, std::size_t n, std::size_t d) {
    return error_of([&] { allocation_of(rule, n, d); });
  };
  EXPECT_EQ(refusal("fractional", 10, 3),
            "allocation: fractional with redundancy = 3; need a divisor of 10, the clients");
  EXPECT_EQ(refusal("cyclic", 10, 11),
            "allocation: redundancy = 11; need 1 <= redundancy <= 10, the clients");
  EXPECT_THAT(refusal("regular", 5, 3), HasSubstr("need one below 5, the clients, and their product even"));
  EXPECT_THAT(refusal("full", 5, 3), HasSubstr("need 5, all the clients, or leave redundancy out"));
  EXPECT_THAT(refusal("cycle", 5, 3), HasSubstr("unknown allocation \"cycle\" (did you mean \"cyclic\"?)"));
  EXPECT_THAT(refusal("cyclic(2)", 5, 3), HasSubstr("takes no argument"));
}

// --- stragglers ----------------------------------------------------------------------------------

std::vector<std::uint32_t> answering(const Stragglers& stragglers, std::uint32_t round) {
  std::vector<std::uint32_t> answering;
  stragglers.draw(Key{.seed = 5, .round = round}.common(), answering);
  return answering;
}

TEST(Stragglers, AreLateAsOftenAsTheyShould) {
  const std::size_t n = 8;
  for (const char* model : {"bernoulli(0.3)", "bernoulli(0.1, 0.5)", "sticky(0.3, 5)", "fixed(2)"}) {
    SCOPED_TRACE(model);
    const auto stragglers = make_stragglers(parse(model), n);
    const std::uint32_t rounds = 20000;
    std::vector<double> heard(n);
    for (std::uint32_t t = 0; t < rounds; ++t) {
      for (const std::uint32_t i : answering(*stragglers, t)) heard[i] += 1;
    }
    const double together = std::string(model).starts_with("sticky") ? 5 : 1;
    for (std::size_t i = 0; i < n; ++i) {
      const double p = stragglers->late(i);
      EXPECT_NEAR(heard[i] / rounds, 1 - p, 4.5 * std::sqrt(p * (1 - p) * together / rounds)) << i;
    }
  }
  const auto two = make_stragglers(parse("bernoulli(0.1, 0.5)"), n);
  EXPECT_EQ(two->late(4), 0.1);
  EXPECT_EQ(two->late(5), 0.5);
  EXPECT_EQ(common_lateness(*two, n), std::nullopt);
  EXPECT_EQ(common_lateness(*make_stragglers(parse("fixed(2)"), n), n), 0.25);
  const auto sticky = make_stragglers(parse("sticky(0.5, 4)"), 40);
  EXPECT_EQ(answering(*sticky, 4), answering(*sticky, 7));
  EXPECT_NE(answering(*sticky, 3), answering(*sticky, 4));
  const auto fixed = make_stragglers(parse("fixed(3)"), n);
  for (std::uint32_t t = 0; t < 100; ++t) EXPECT_EQ(answering(*fixed, t).size(), 5U);

  const auto refusal = [](const char* model) { return error_of([&] { make_stragglers(parse(model), 4); }); };
  EXPECT_THAT(refusal("bernoulli(1)"), HasSubstr("p = 1; need 0 <= p < 1"));
  EXPECT_THAT(refusal("bernoulli"), HasSubstr("\"p\" is missing"));
  EXPECT_THAT(refusal("fixed(4)"), HasSubstr("count = 4; need count < 4, the clients"));
  EXPECT_THAT(refusal("stuck(0.1)"),
              HasSubstr("unknown straggler model \"stuck\" (did you mean \"sticky\"?)"));
}

// --- estimates from the answers ------------------------------------------------------------------

/// Gradients g of subsets, and the vectors h that clients send.
struct Instance {
  Code code;
  std::size_t dim;
  std::vector<Vector> g;
  std::vector<Vector> h;
  Vector sum;  // of the gradients

  Instance(Code c, std::size_t subsets, std::size_t d) : code(std::move(c)), dim(d), g(subsets), sum(d) {
    for (std::size_t k = 0; k < subsets; ++k) {
      g[k].resize(dim);
      fill_normal(Key{.seed = 3, .client = static_cast<std::uint32_t>(k)}.stream(Purpose::data), g[k]);
      g[k][0] += 1;  // so that the sum is not small compared with them
      axpy(1, g[k], sum);
    }
    for (std::size_t i = 0; i < code.clients(); ++i) {
      h.emplace_back(dim);
      for (const Term& term : code.row(i)) axpy(term.coefficient, g[term.subset], h[i]);
    }
  }
};

/// The estimate of the sum in round t from the clients that answer. Weights are for the mean, so they are
/// multiplied by the number of clients.
Vector estimate(const Instance& instance, Participation& participation, const Compressor& q,
                std::uint32_t t) {
  Vector g(instance.dim);
  Message message;
  for (const Share& share : participation.draw(Key{.seed = 11, .round = t}.common())) {
    const Key key{.seed = 11, .round = t, .client = share.client};
    q.compress(key, instance.h[share.client], message);
    decode_add(key, message, share.weight * static_cast<double>(instance.code.clients()), g);
  }
  return g;
}

struct Drawn {
  double variance = 0;  // E|estimate - sum|^2
  double ratio = 0;     // T |mean - sum|^2 / variance: 1 in expectation if there is no bias
  double bias = 0;      // the largest |<mean - sum, w>| over eight directions w, in standard errors of each
};

Drawn draw(const Instance& instance, Participation& participation, const std::string& compressor,
           std::uint32_t draws) {
  const auto q = make_compressor(
      parse(compressor), {.dim = instance.dim, .clients = instance.code.clients(), .wire = Wire::f64});
  Vector mean(instance.dim);
  Drawn drawn;
  struct Direction {
    Vector w;
    double sum = 0;  // of <g - sum, w>
    double sum_sq = 0;
  };
  std::vector<Direction> directions(8, {Vector(instance.dim)});
  for (std::uint32_t k = 0; k < directions.size(); ++k) {
    fill_normal(Key{.seed = 13, .client = k}.stream(Purpose::data), directions[k].w);
    scale(1 / std::sqrt(norm_sq(directions[k].w)), directions[k].w);
  }
  Vector error(instance.dim);
  for (std::uint32_t t = 0; t < draws; ++t) {
    const Vector g = estimate(instance, participation, *q, t);
    axpy(1.0 / draws, g, mean);
    drawn.variance += distance_sq(g, instance.sum) / draws;
    subtract(g, instance.sum, error);
    for (Direction& direction : directions) {
      const double along = dot(error, direction.w);
      direction.sum += along;
      direction.sum_sq += along * along;
    }
  }
  drawn.ratio = draws * distance_sq(mean, instance.sum) / drawn.variance;
  for (const Direction& direction : directions) {
    const double bias = direction.sum / draws;
    const double deviation = std::sqrt(direction.sum_sq / draws - bias * bias);
    drawn.bias = std::max(drawn.bias, std::abs(bias) / (deviation / std::sqrt(draws)));
  }
  return drawn;
}

TEST(Coding, SharesAddUpToTheGradient) {
  const std::vector<std::size_t> copies = {1, 2, 3, 4, 5, 6, 6, 1, 2, 3, 4, 6};
  std::vector<Allocation> all = {random_allocation(12, copies, 1), hadamard(3)};
  for (const AllocationRow& row : allocations()) {
    const Allocation a = allocation_of(row.name, 12, row.name == std::string("full") ? 12 : 4);
    if (a.lost() == 0) all.push_back(a);
  }
  EXPECT_GE(all.size(), 8U);
  for (const Allocation& a : all) {
    const Instance instance(share_code(a), a.subsets(), 20);
    Vector sum(20);
    for (const Vector& h : instance.h) axpy(1, h, sum);
    EXPECT_LE(distance_sq(sum, instance.sum), 1e-24 * norm_sq(instance.sum));
  }
}

TEST(Coding, BothDecodersAreUnbiasedWithTheVarianceOfTheFormula) {
  const double p = 0.3;
  const Allocation a = hadamard(3);
  const Instance instance(share_code(a), a.subsets(), 32);
  const double N = 8;
  double H2 = 0;
  double quantised = 0;  // q
  double spread = 0;     // (N - 1) Sh^2
  for (const Vector& h : instance.h) {
    double largest = 0;
    for (const double v : h) largest = std::max(largest, std::abs(v));
    H2 += norm_sq(h);
    quantised += 32 * largest * largest - norm_sq(h);
    for (std::size_t j = 0; j < h.size(); ++j)
      spread += (h[j] - instance.sum[j] / N) * (h[j] - instance.sum[j] / N);
  }
  // The allocation is pairwise balanced, so H2 follows from the gradients.
  double expected = norm_sq(instance.sum) / N;
  for (const Vector& g : instance.g) expected += (1.0 / 4 - 1 / N) * norm_sq(g);
  EXPECT_NEAR(H2, expected, 1e-12 * H2);

  std::shared_ptr<const Stragglers> stragglers = make_stragglers(parse("bernoulli(0.3)"), 8);
  for (const bool whole : {true, false}) {
    const double q = whole ? 0 : quantised;
    const char* compressor = whole ? "identity" : "one-bit";
    const auto ht = answers(stragglers, by_expectation(stragglers, 8));
    const Drawn by_p = draw(instance, *ht, compressor, 60000);
    EXPECT_NEAR(by_p.variance, (q + p * H2) / (1 - p), 0.03 * by_p.variance);
    // Without quantisation the estimate varies in few directions only, so the ratio varies more.
    EXPECT_GT(by_p.ratio, whole ? 0 : 0.4);
    EXPECT_LT(by_p.ratio, whole ? 6 : 2.5);
    EXPECT_LE(by_p.bias, 4.5);

    double count_variance = 0;  // over r ~ Binomial; the estimate of a round without an answer is 0
    double r_given = 1;
    for (int r = 0; r <= 8; ++r) {
      const double chance = r_given * std::pow(1 - p, r) * std::pow(p, 8 - r);
      const double of_r =
          r == 0 ? norm_sq(instance.sum) : N * N / r * (1 - r / N) * spread / (N - 1) + N / r * q;
      count_variance += chance * of_r;
      r_given = r_given * (8 - r) / (r + 1);
    }
    const auto count = answers(stragglers, by_count());
    const Drawn by_r = draw(instance, *count, compressor, 60000);
    EXPECT_NEAR(by_r.variance, count_variance, 0.03 * by_r.variance);
    EXPECT_LT(by_r.ratio, whole ? 6 : 2.5) << "a share of p^8 = 7e-5 of the rounds is empty";
    EXPECT_LE(by_r.bias, 4.5);
  }
}

TEST(Coding, WeighsEachByItsOwnLateness) {
  const Allocation a = allocation_of("cyclic", 8, 3);
  const Instance instance(share_code(a), 8, 32);
  const std::shared_ptr<const Stragglers> unequal = make_stragglers(parse("bernoulli(0.1, 0.3, 0.6)"), 8);
  const Drawn each = draw(instance, *answers(unequal, by_expectation(unequal, 8)), "one-bit", 20000);
  EXPECT_GT(each.ratio, 0.4);
  EXPECT_LT(each.ratio, 2.5);
  EXPECT_LE(each.bias, 4.5);
  const std::shared_ptr<const Stragglers> common = make_stragglers(parse("bernoulli(0.33)"), 8);
  const Drawn alike = draw(instance, *answers(unequal, by_expectation(common, 8)), "one-bit", 20000);
  EXPECT_GT(alike.ratio, 20) << "one p for all is biased";
  EXPECT_GT(alike.bias, 4.5);
}

std::vector<Share> shares_of(const std::vector<std::uint32_t>& clients) {
  std::vector<Share> shares;
  for (const std::uint32_t i : clients) shares.push_back({.client = i});
  return shares;
}

bool all_zero(const std::vector<Share>& shares) {
  return std::all_of(shares.begin(), shares.end(), [](const Share& s) { return s.weight == 0; });
}

/// The largest entry of |B_R' a - 1|.
double residual(const Code& code, const std::vector<Share>& shares) {
  Vector sum(code.clients(), -1.0);
  for (const Share& share : shares) {
    for (const Term& term : code.row(share.client))
      sum[term.subset] += share.weight * static_cast<double>(code.clients()) * term.coefficient;
  }
  double largest = 0;
  for (const double v : sum) largest = std::max(largest, std::abs(v));
  return largest;
}

TEST(ExactCodes, AreDecodedWhicheverToleratedOnesAreLate) {
  for (const auto& [n, s] : {std::pair<std::size_t, std::size_t>{6, 1}, {6, 2}, {10, 4}, {9, 8}}) {
    for (const bool groups : {true, false}) {
      if (groups && n % (s + 1) != 0) continue;
      SCOPED_TRACE(fmt::format("{} of {}, {}", s, n, groups ? "groups" : "cyclic"));
      const Allocation fractional = allocation_of("fractional", n, groups ? s + 1 : 1);
      const Code code = groups ? sum_code(fractional) : cyclic_code(n, s, 7);
      const auto by_groups = one_of_each_group(fractional, true);
      const auto by_solving = by_least_squares(code, true);
      std::size_t undecodable = 0;
      for (std::uint32_t pattern = 0; pattern < 1U << n; ++pattern) {
        const auto late = static_cast<std::size_t>(std::popcount(pattern));
        if (late > s + 1) continue;
        std::vector<std::uint32_t> here;
        for (std::uint32_t i = 0; i < n; ++i) {
          if ((pattern >> i & 1) == 0) here.push_back(i);
        }
        for (Decoder* decoder : {by_solving.get(), by_groups.get()}) {
          if (decoder == by_groups.get() && !groups) continue;
          std::vector<Share> shares = shares_of(here);
          decoder->weigh(shares);
          if (late <= s) {
            EXPECT_LT(residual(code, shares), 1e-7) << pattern;
          } else if (residual(code, shares) >= 1e-7) {
            EXPECT_TRUE(all_zero(shares)) << pattern;
            ++undecodable;
          }
        }
      }
      EXPECT_GT(undecodable, 0U) << "one more than tolerated";
    }
  }
}

TEST(ExactCodes, OfManyClientsKeepTheirDigits) {
  for (const auto& [n, s] : {std::pair<std::size_t, std::size_t>{50, 5}, {100, 10}}) {
    const Code code = cyclic_code(n, s, 3);
    const auto decoder = by_least_squares(code, true);
    const auto stragglers = make_stragglers(parse(fmt::format("fixed({})", s)), n);
    for (std::uint32_t t = 0; t < 100; ++t) {
      std::vector<Share> shares = shares_of(answering(*stragglers, t));
      decoder->weigh(shares);
      EXPECT_LT(residual(code, shares), 1e-7);
    }
  }
}

TEST(ExactCodes, OfGroupsNeedOneOfEach) {
  const Allocation a = allocation_of("fractional", 12, 4);
  std::vector<Share> shares = shares_of({1, 3, 7, 8, 9});
  one_of_each_group(a, true)->weigh(shares);
  EXPECT_LT(residual(sum_code(a), shares), 1e-15);
  EXPECT_EQ(shares[1].weight, 0);
  shares = shares_of({1, 2, 9});
  one_of_each_group(a, true)->weigh(shares);
  EXPECT_TRUE(all_zero(shares)) << "a group is missing";
  one_of_each_group(a, false)->weigh(shares);
  EXPECT_EQ(shares[0].weight, 1.0 / 12);
  EXPECT_EQ(shares[1].weight, 0);
  EXPECT_EQ(shares[2].weight, 1.0 / 12);
}

// --- the methods ---------------------------------------------------------------------------------

Job run_of(const std::string& method, const std::string& stragglers, double step, std::size_t rounds) {
  return {.problem = "distributed-ls(d=40, zeta=3)",
          .method = method,
          .clients = 10,
          .step = fmt::format("{}", step),
          .rounds = rounds,
          .wire = Wire::f64,
          .stragglers = stragglers};
}

double gap_of(const Outcome& outcome) { return outcome.last().f - *outcome.constants->f_lower; }

TEST(CodedMethods, WithoutRedundancyOrStragglersAreGradientDescent) {
  const Outcome gd = train(run_of("gd", "", 0.1, 40));
  for (const char* method : {"sgc(redundancy=1)", "is-sgd", "is-sgd(decode=count)",
                             "gc-1bit(encoder=identity)", "bgc(redundancy=1)", "erasurehead"}) {
    for (const char* nobody : {"", "bernoulli(0)", "fixed(0)"}) {
      const Outcome same = train(run_of(method, nobody, 0.1, 40));
      EXPECT_EQ(same.x, gd.x) << method << ", " << nobody;
      for (std::size_t t = 0; t < gd.rows.size(); ++t) {
        EXPECT_EQ(same.rows[t].f, gd.rows[t].f) << method;
        EXPECT_EQ(same.rows[t].uplink_bits, gd.rows[t].uplink_bits) << method;
      }
    }
  }
}

TEST(CodedMethods, ExactOnesAreGradientDescentWhoeverIsLate) {
  const Outcome gd = train(run_of("gd", "", 0.1, 40));
  for (const char* method : {"exact-gc(tolerates=4)", "exact-gc(tolerates=4, code=cyclic)",
                             "exact-gc(tolerates=5, code=cyclic)"}) {
    expect_close(train(run_of(method, "fixed(4)", 0.1, 40)), gd, 1e-9);
  }
  const Outcome all_late = train(run_of("exact-gc(tolerates=1)", "fixed(8)", 0.1, 5));
  EXPECT_EQ(all_late.rows[5].f, all_late.rows[0].f) << "no step where the round cannot be decoded";
  EXPECT_EQ(all_late.rows[5].participants, 2U) << "what was said was said";
}

TEST(CodedMethods, CountThoseWhoAnswer) {
  const std::size_t n = 10;
  for (const char* method : {"gc-1bit(redundancy=3)", "sgc(redundancy=3)", "majority(redundancy=3)",
                             "coco-ef(redundancy=3)", "gc-diana(redundancy=3)"}) {
    SCOPED_TRACE(method);
    const Job run = run_of(method, "bernoulli(0.4)", 0.01, 30);
    const Outcome outcome = train(run);
    const auto stragglers = make_stragglers(parse(run.stragglers), n);
    const Allocation a = make_allocation("random", 3, {.clients = n});
    const bool whole = run.method.starts_with("sgc");
    const double floats = whole ? 40 : (run.method.starts_with("majority") ? 0 : 1) + 40 / 64.0;
    double messages = 0;
    double calls = 0;
    for (const Row& row : outcome.rows) {
      std::vector<std::uint32_t> here;
      stragglers->draw(Key{.seed = 1, .round = static_cast<std::uint32_t>(row.round)}.common(), here);
      messages += static_cast<double>(here.size());
      for (const std::uint32_t i : here) calls += static_cast<double>(a.held(i).size());  // one row a client
      EXPECT_EQ(row.participants, here.size());
      EXPECT_NEAR(row.uplink_floats, messages * floats / n, 1e-9);
      EXPECT_EQ(row.oracle_calls, calls / n);
      EXPECT_EQ(row.downlink_bits,
                static_cast<double>(row.round * 40 * (run.method.starts_with("majority") ? 1 : 64)));
      if (row.round > 0 && !whole) {
        EXPECT_LE(row.uplink_bits, 64 * row.uplink_floats + messages / n * (32 + 8));
      }
    }
  }
}

TEST(CodedMethods, ReplicasLookAtTheSameMinibatch) {
  // All clients of a group send the same, so the result does not depend on which client of a group answers.
  Job run = run_of("erasurehead(redundancy=5)", "", 0.1, 10);
  const TemporaryFolder folder;
  run.problem = fmt::format("logistic(\"{}\", lambda=0.1)", folder.write("classes", two_classes(60, 9)));
  run.batch = 2;
  const Outcome everyone = train(run);
  run.stragglers = "fixed(3)";  // in groups of five
  EXPECT_EQ(train(run).x, everyone.x);
  run.seed = 2;
  EXPECT_NE(train(run).x, everyone.x);
}

TEST(CodedMethods, TheNoiseOfOneBitFallsWithTheStepAndRedundancyAndRisesWithStragglers) {
  const auto floor = [](const std::string& method, const std::string& stragglers, double step) {
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      Job run = run_of(method, stragglers, step, 4000);
      run.seed = seed;
      const Outcome outcome = train(run);
      for (std::size_t t = 2000; t < outcome.rows.size(); ++t)
        sum += (outcome.rows[t].f - *outcome.constants->f_lower) / 8 / 2001;
    }
    return sum;
  };
  const double plain = floor("gc-1bit(redundancy=3)", "bernoulli(0.3)", 0.01);
  const double half = floor("gc-1bit(redundancy=3)", "bernoulli(0.3)", 0.005);
  EXPECT_GT(half / plain, 0.4);
  EXPECT_LT(half / plain, 0.6);
  EXPECT_GT(floor("gc-1bit(redundancy=1)", "bernoulli(0.3)", 0.01), plain);
  EXPECT_LT(floor("gc-1bit(redundancy=6)", "bernoulli(0.3)", 0.01), plain);
  EXPECT_GT(floor("gc-1bit(redundancy=3)", "bernoulli(0.6)", 0.01), plain);
  EXPECT_LT(floor("gc-1bit(redundancy=3)", "", 0.01), plain);
}

TEST(CodedMethods, SomeHaveNoNoiseAtTheEnd) {
  for (const char* method :
       {"gc-1bit(redundancy=10)", "gc-1bit(redundancy=10, decode=count)", "gc-1bit(redundancy=10, scale=l2)",
        "gc-diana(redundancy=1, alpha=0.1)", "gc-diana(redundancy=3, alpha=0.1, decode=count)",
        "gc-diana(identity, redundancy=2, alpha=1)", "diana(rand-k(10))", "diana(identity, alpha=1)",
        "ef21(top-k(10))", "clag(top-k(10), zeta=1)", "lag(zeta=1)", "3pc-v2(rand-k(10), top-k(10))"}) {
    const Outcome outcome = train(run_of(method, "bernoulli(0.3)", 0.01, 12000));
    EXPECT_LT(gap_of(outcome), 1e-12 * gap_of(train(run_of("gd", "", 0.01, 0)))) << method;
  }
  for (const char* method : {"gc-1bit(redundancy=3)", "sgc(redundancy=3)", "dcgd(rand-k(10))", "gd"}) {
    const Outcome outcome = train(run_of(method, "bernoulli(0.3)", 0.01, 12000));
    EXPECT_GT(gap_of(outcome), 1e-6) << method << ": a control";
  }
}

TEST(CodedMethods, FeedbackSendsLaterWhatItDidNotSend) {
  // Signs without feedback stall far from the solution; with feedback the error floor decreases with the
  // step.
  const double whole = gap_of(train(run_of("gd", "", 0.01, 0)));
  const double alone =
      gap_of(train(run_of("gc-1bit(redundancy=3, encoder=sign)", "bernoulli(0.3)", 0.005, 6000)));
  const double with = gap_of(train(run_of("coco-ef(redundancy=3)", "bernoulli(0.3)", 0.005, 6000)));
  EXPECT_GT(alone, 10 * with);
  EXPECT_LT(with, 1e-2 * whole);
  // Without compression the error memory stays 0.
  EXPECT_EQ(train(run_of("coco-ef(identity)", "", 0.1, 30)).x, train(run_of("gd", "", 0.1, 30)).x);
}

TEST(CodedMethods, SignsAloneMayPointTheWrongWay) {
  // Three gradients 1, 1, -5 of one coordinate: two signs are +, but the sum is -3. If every client holds all
  // subsets, all signs are -.
  const Vector g = {1, 1, -5};
  const auto step_by = [&](std::size_t d) {
    const Allocation a = allocation_of("cyclic", 3, d);
    const auto sign = make_compressor(parse("sign(scale=one)"), {.dim = 1, .clients = 3, .wire = Wire::f64});
    const Code code = share_code(a);
    Vector votes(1);
    for (std::size_t i = 0; i < 3; ++i) {
      double h = 0;
      for (const Term& term : code.row(i)) h += term.coefficient * g[term.subset];
      Message message;
      sign->compress({}, View(&h, 1), message);
      decode_add({}, message, 1, votes);
    }
    return votes[0];
  };
  EXPECT_EQ(step_by(1), 1);
  EXPECT_EQ(step_by(3), -3);
}

TEST(CodedMethods, MajorityStepsAreSigns) {
  const Job run = run_of("majority(redundancy=3)", "fixed(9)", 0.01, 5);
  Job before = run;
  for (std::size_t rounds = 0; rounds < 5; ++rounds) {
    before.rounds = rounds;
    Job after = run;
    after.rounds = rounds + 1;
    const Vector from = train(before).x;
    const Vector to = train(after).x;
    for (std::size_t j = 0; j < from.size(); ++j) EXPECT_NEAR(std::abs(to[j] - from[j]), 0.01, 1e-15);
  }
}

TEST(CodedMethods, EmptyRoundsTakeNoStep) {
  for (const char* method :
       {"gc-1bit", "gc-1bit(decode=count)", "majority", "coco-ef", "gc-diana", "erasurehead"}) {
    Job run = run_of(method, "bernoulli(0.9)", 0.05, 60);
    run.clients = 2;
    const Outcome outcome = train(run);
    std::size_t empty = 0;
    for (std::size_t t = 0; t < 60; ++t) {
      if (outcome.rows[t].participants > 0) continue;
      ++empty;
      if (run.method == "gc-diana") continue;  // it continues with its memory
      EXPECT_EQ(outcome.rows[t + 1].f, outcome.rows[t].f) << method << ", round " << t;
    }
    EXPECT_GT(empty, 10U);
  }
}

TEST(CodedMethods, RefuseWhatDoesNotFit) {
  const auto refusal = [](const std::string& method, const std::string& stragglers = "",
                          const std::string& allocation = "") {
    Job run = run_of(method, stragglers, 0.1, 1);
    run.allocation = allocation;
    return error_of([&] { train(run); });
  };
  for (const char* method : {"marina(rand-k(3))", "vr-marina(rand-k(3), batch=1)", "3pc-v5(top-k(3), p=0.5)"})
    EXPECT_THAT(refusal(method, "bernoulli(0.1)"), HasSubstr("heads")) << method;
  EXPECT_THAT(refusal("pp-marina(rand-k(3), sample=2)", "fixed(1)"), HasSubstr("it samples clients itself"));
  EXPECT_THAT(refusal("vr-diana(rand-k(3), batch=1)", "fixed(1)"), HasSubstr("when its anchor moves"));
  for (const char* method : {"local-sgd", "scaffold", "savic(adam)"})
    EXPECT_THAT(refusal(method, "fixed(1)"), HasSubstr("every client takes part in every round")) << method;
  EXPECT_THAT(refusal("gt", "fixed(1)"), HasSubstr("nodes without a server"));
  for (const char* method : {"gd", "marina(rand-k(3))", "is-sgd"})
    EXPECT_THAT(refusal(method, "", "cyclic"), HasSubstr("each client holds its own data only")) << method;
  EXPECT_THAT(refusal("erasurehead(redundancy=2)", "", "cyclic"), HasSubstr("this is about fractional"));
  EXPECT_THAT(refusal("erasurehead(redundancy=3)"), HasSubstr("need a divisor of 10"));
  EXPECT_THAT(refusal("exact-gc(tolerates=10)"), HasSubstr("need tolerates < 10, the clients"));
  EXPECT_THAT(refusal("gc-diana(sign)"), HasSubstr("needs an unbiased compressor"));
  EXPECT_THAT(refusal("coco-ef(one-bit)"), HasSubstr("needs a contractive compressor"));
  for (const char* method : {"gc-diana", "coco-ef", "diana(rand-k(3))"})
    EXPECT_THAT(refusal(method, "bernoulli(0.1, 0.2)"), HasSubstr("must be late equally often")) << method;
  EXPECT_THAT(refusal("sgc(decode=count)", "bernoulli(0.1, 0.2)"), HasSubstr("use ht"));
  EXPECT_THAT(refusal("gc-1bit(redundancy=2, scale=max)"), HasSubstr("scale = max"));
}

TEST(CodedMethods, KeepOnARankWhatItsClientsHold) {
  const IndexSet kept =
      shards_of({2, 4}, parse("sgc(redundancy=3)"), {.clients = 10, .rule = Spec("cyclic")});
  EXPECT_THAT(std::vector<std::uint32_t>(kept.begin(), kept.end()), ::testing::ElementsAre(2, 3, 4, 5));
  const IndexSet own = shards_of({2, 4}, parse("gd"), {.clients = 10});
  EXPECT_THAT(std::vector<std::uint32_t>(own.begin(), own.end()), ::testing::ElementsAre(2, 3));
}

}  // namespace
}  // namespace laconic::testing
