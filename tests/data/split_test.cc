// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/data/classes.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

std::vector<double> labels_of(std::size_t rows) {
  std::vector<double> labels(rows);
  for (std::size_t i = 0; i < rows; ++i) labels[i] = static_cast<double>(i * 7 % 3) - 1;
  return labels;
}

/// Whether clients share rows in this split of the table.
bool shares(const Split& split) {
  return split.name == std::string("overlap") || split.name == std::string("homogeneous");
}

/// A split of the table with arguments that are valid for any data.
Spec example_of(const Split& split) {
  const std::string name = split.name;
  return parse(name == "main-class" ? "main-class(1)" : name == "dirichlet" ? "dirichlet(0.5)" : name);
}

TEST(Split, EverySplitDealsEqualSharesWithoutRepeating) {
  for (const Split& split : splits()) {
    if (shares(split)) continue;
    for (const auto& [rows, clients] : std::vector<std::pair<std::size_t, std::size_t>>{
             {1, 1}, {12, 1}, {12, 4}, {12, 12}, {14, 4}, {1000, 7}, {7, 6}}) {
      const Shards shards = split_rows(example_of(split), labels_of(rows), clients, 1);
      ASSERT_EQ(shards.size(), clients) << split.name;
      std::set<std::uint32_t> seen;
      for (const auto& shard : shards) {
        EXPECT_EQ(shard.size(), rows / clients) << split.name;
        seen.insert(shard.begin(), shard.end());
      }
      EXPECT_EQ(seen.size(), rows / clients * clients) << split.name;
      EXPECT_LT(*seen.rbegin(), rows) << split.name;
    }
  }
}

TEST(Split, ContiguousFollowsTheFileAndIsTheDefault) {
  EXPECT_STREQ(splits().front().name, "contiguous");
  EXPECT_THAT(split_rows(parse("contiguous"), labels_of(8), 3, 1),
              ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4, 5)));
}

TEST(Split, ByLabelSortsStablyThenDropsTheRemainder) {
  const std::vector<double> labels = {2, 1, 2, -1, 1, 2, 1};
  EXPECT_THAT(split_rows(parse("by-label"), labels, 3, 1),
              ElementsAre(ElementsAre(3, 1), ElementsAre(4, 6), ElementsAre(0, 2)));
}

TEST(Split, SpreadsTheRemainderToTheFirstClients) {
  EXPECT_THAT(split_rows(parse("contiguous(rest=spread)"), labels_of(8), 3, 1),
              ElementsAre(ElementsAre(0, 1, 6), ElementsAre(2, 3, 7), ElementsAre(4, 5)));
  EXPECT_EQ(split_rows(parse("contiguous(rest=drop)"), labels_of(8), 3, 1),
            split_rows(parse("contiguous"), labels_of(8), 3, 1));
  const std::vector<double> labels = {2, 1, 2, -1, 1, 2, 1};
  EXPECT_THAT(split_rows(parse("by-label(rest=spread)"), labels, 3, 1),
              ElementsAre(ElementsAre(3, 1, 5), ElementsAre(4, 6), ElementsAre(0, 2)));
  for (const char* split : {"contiguous", "shuffled", "by-label", "main-class(0.5)", "dirichlet(0.3)"}) {
    std::vector<double> classes;
    for (int i = 0; i < 43; ++i) classes.push_back(i % 3);
    const auto words = [&](const char* rest) {
      Spec spec = parse(split);
      spec.options.emplace_back("rest", Spec(rest));
      return spec;
    };
    const Shards dropped = split_rows(words("drop"), classes, 5, 1);
    const Shards spread = split_rows(words("spread"), classes, 5, 1);
    EXPECT_EQ(count_left_out(dropped, classes.size()), 3U) << split;
    EXPECT_EQ(count_left_out(spread, classes.size()), 0U) << split;
    for (std::size_t i = 0; i < 5; ++i) {
      ASSERT_EQ(spread[i].size(), i < 3 ? 9U : 8U) << split;
      EXPECT_TRUE(std::equal(dropped[i].begin(), dropped[i].end(), spread[i].begin())) << split;
    }
  }
  const Shards shared = split_rows(parse("overlap(0, rest=spread)"), labels_of(11), 3, 1);
  EXPECT_THAT(shared, ElementsAre(SizeIs(3), SizeIs(3), SizeIs(3)));
}

TEST(Split, ShuffledDependsOnTheSeedAlone) {
  const Spec shuffled = parse("shuffled");
  // Part of every result: a change here changes the meaning of users' seeds.
  EXPECT_THAT(split_rows(shuffled, labels_of(10), 2, 1),
              ElementsAre(ElementsAre(7, 2, 9, 6, 8), ElementsAre(0, 3, 5, 1, 4)));
  EXPECT_EQ(split_rows(shuffled, labels_of(100), 5, 7), split_rows(shuffled, std::vector<double>(100), 5, 7));
  EXPECT_NE(split_rows(shuffled, labels_of(100), 5, 7), split_rows(shuffled, labels_of(100), 5, 8));
  // The order does not depend on the number of clients: shards of fewer clients are concatenated shards of
  // more.
  const Shards one = split_rows(shuffled, labels_of(12), 1, 3);
  Shards four = split_rows(shuffled, labels_of(12), 4, 3);
  for (std::size_t i = 1; i < 4; ++i) four[0].insert(four[0].end(), four[i].begin(), four[i].end());
  EXPECT_EQ(one[0], four[0]);
}

TEST(Split, ShuffledGivesEveryOrderEquallyOften) {
  std::map<std::vector<std::uint32_t>, int> counts;
  constexpr int kSeeds = 6000;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed)
    ++counts[split_rows(parse("shuffled"), {0, 0, 0}, 1, seed)[0]];
  ASSERT_EQ(counts.size(), 6U);
  double chi_square = 0;
  for (const auto& [order, count] : counts) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom: a fair generator exceeds this once in a thousand
}

TEST(Split, OverlapSharesOnePartOfAllEquallyLikely) {
  for (const auto& [rows, clients] :
       std::vector<std::pair<std::size_t, std::size_t>>{{2, 1}, {12, 5}, {12, 11}, {14, 4}, {1000, 99}}) {
    const Shards parts = split_rows(parse("shuffled"), labels_of(rows), clients + 1, 7);
    for (const char* split : {"overlap(0)", "overlap(0.3)", "overlap(p=0.5)", "overlap(1)", "homogeneous"}) {
      const Shards shards = split_rows(parse(split), std::vector<double>(rows), clients, 7);
      ASSERT_EQ(shards.size(), clients);
      for (std::size_t i = 0; i < clients; ++i) {
        const bool shared = shards[i] == parts[0];
        EXPECT_TRUE(shared || shards[i] == parts[i + 1]) << split;
        if (split != std::string("overlap(0.3)") && split != std::string("overlap(p=0.5)")) {
          EXPECT_EQ(shared, split != std::string("overlap(0)")) << split;
        }
      }
    }
  }
}

TEST(Split, OverlapDrawsForEachClientByItself) {
  constexpr std::size_t kClients = 2000;
  const std::vector<double> labels(kClients + 1);
  const auto who = [&](const char* split, std::uint64_t seed) {
    const Shards shards = split_rows(parse(split), labels, kClients, seed);
    const std::uint32_t shared = split_rows(parse("homogeneous"), labels, kClients, seed)[0][0];
    std::set<std::size_t> sharing;
    for (std::size_t i = 0; i < kClients; ++i)
      if (shards[i][0] == shared) sharing.insert(i);
    return sharing;
  };
  const auto some = who("overlap(0.3)", 1), more = who("overlap(0.4)", 1);
  EXPECT_NEAR(static_cast<double>(some.size()), 0.3 * kClients, 4 * std::sqrt(0.21 * kClients));
  EXPECT_NEAR(static_cast<double>(more.size()), 0.4 * kClients, 4 * std::sqrt(0.24 * kClients));
  EXPECT_TRUE(std::includes(more.begin(), more.end(), some.begin(), some.end()));
  EXPECT_NE(some, who("overlap(0.3)", 2));
  // Part of every result, as with shuffled.
  EXPECT_THAT(split_rows(parse("overlap(0.5)"), labels_of(10), 4, 1),
              ElementsAre(ElementsAre(9, 6), ElementsAre(8, 0), ElementsAre(7, 2), ElementsAre(1, 4)));
}

/// sizes[c] rows of class c, well mixed.
std::vector<double> classes_of_sizes(const std::vector<std::size_t>& sizes) {
  std::vector<double> sorted;
  for (std::size_t c = 0; c < sizes.size(); ++c)
    sorted.insert(sorted.end(), sizes[c], static_cast<double>(c));
  std::vector<double> mixed;
  const Shards order = split_rows(parse("shuffled"), sorted, 1, 99);
  for (const std::uint32_t row : order[0]) mixed.push_back(sorted[row]);
  return mixed;
}

/// clients x classes: the number of rows of each.
using Table = std::vector<std::vector<std::size_t>>;
Table table_of(const Shards& shards, const std::vector<double>& labels) {
  const auto classes = classes_of(labels);
  Table table;
  for (const auto& shard : shards) table.push_back(classes->count(shard));
  return table;
}

Table main_class_table(const std::string& split, const std::vector<std::size_t>& sizes, std::size_t clients) {
  const std::vector<double> labels = classes_of_sizes(sizes);
  const Shards shards = split_rows(parse(split), labels, clients, 1);
  std::set<std::uint32_t> seen;
  for (const auto& shard : shards) {
    EXPECT_EQ(shard.size(), labels.size() / clients) << split;
    seen.insert(shard.begin(), shard.end());
  }
  EXPECT_EQ(seen.size(), labels.size() / clients * clients) << split << ": a row twice";
  return table_of(shards, labels);
}

TEST(Split, MainClassIsExactWhereClassesAreEquallyLarge) {
  constexpr std::size_t kClasses = 10;
  for (const std::size_t size : {100, 97}) {
    for (const std::size_t times : {1, 2, 3}) {
      for (const double q : {0.1, 0.3, 0.5, 0.72, 1.0}) {
        const Table table = main_class_table(fmt::format("main-class({})", q),
                                             std::vector<std::size_t>(kClasses, size), kClasses * times);
        const double share = static_cast<double>(size / times);
        const double main = std::floor(q * share + 0.5);
        const double other = (share - main) / (kClasses - 1);
        for (std::size_t client = 0; client < table.size(); ++client) {
          for (std::size_t c = 0; c < kClasses; ++c) {
            const auto count = static_cast<double>(table[client][c]);
            if (c == client % kClasses) {
              EXPECT_EQ(count, main);
            } else {
              EXPECT_GE(count, std::floor(other));
              EXPECT_LE(count, std::ceil(other));
            }
          }
        }
      }
    }
  }
  // Numbers that can be checked by hand: 4 classes of 10, a main class of 5, and 5 rows of the three others.
  EXPECT_THAT(main_class_table("main-class(0.5)", {10, 10, 10, 10}, 4),
              ElementsAre(ElementsAre(5, 2, 2, 1), ElementsAre(1, 5, 2, 2), ElementsAre(2, 1, 5, 2),
                          ElementsAre(2, 2, 1, 5)));
}

TEST(Split, MainClassGoesAsFarAsTheRowsOfAClassDo) {
  // A share of 20. Class 1 has 6 rows for the 10 of client 1, which is dealt the rest of class 0.
  EXPECT_THAT(main_class_table("main-class(0.5)", {34, 6}, 2),
              ElementsAre(ElementsAre(20, 0), ElementsAre(14, 6)));
  // A share of 15 and main classes 0, 1, 0: clients 0 and 2 take the 20 rows of class 0 in turns.
  EXPECT_THAT(main_class_table("main-class(1)", {20, 25}, 3),
              ElementsAre(ElementsAre(10, 5), ElementsAre(0, 15), ElementsAre(10, 5)));
  // Fewer clients than classes: classes 2 and 3 have no main client, but are dealt too.
  const Table few = main_class_table("main-class(0.4)", {20, 20, 20, 20}, 2);
  EXPECT_THAT(few[0], ElementsAre(16, 4, 10, 10));
  EXPECT_THAT(few[1], ElementsAre(4, 16, 10, 10));
}

TEST(Split, MainClassTakesClassesInTheOrderOfTheirLabels) {
  const std::vector<double> labels = {7, -1, 2.5, 7, -1, 2.5};
  const Shards shards = split_rows(parse("main-class(1)"), labels, 3, 1);
  for (std::size_t client = 0; client < 3; ++client) {
    for (const std::uint32_t row : shards[client])
      EXPECT_EQ(labels[row], (std::vector<double>{-1, 2.5, 7}[client]));
  }
}

TEST(Split, ClassesAreDealtByTheSeedAlone) {
  const std::vector<double> labels = classes_of_sizes({30, 40, 50});
  for (const char* split : {"main-class(0.6)", "dirichlet(0.5)"}) {
    EXPECT_EQ(split_rows(parse(split), labels, 7, 3), split_rows(parse(split), labels, 7, 3));
    EXPECT_NE(split_rows(parse(split), labels, 7, 3), split_rows(parse(split), labels, 7, 4));
  }
  EXPECT_NE(split_rows(parse("dirichlet(0.5)"), labels, 7, 3),
            split_rows(parse("dirichlet(0.6)"), labels, 7, 3));
  // Part of every result, as with shuffled.
  EXPECT_THAT(split_rows(parse("main-class(0.5)"), labels_of(12), 3, 1),
              ElementsAre(ElementsAre(0, 6, 4, 2), ElementsAre(3, 1, 7, 8), ElementsAre(9, 10, 5, 11)));
  EXPECT_THAT(split_rows(parse("dirichlet(0.5)"), labels_of(12), 3, 1),
              ElementsAre(ElementsAre(5, 0, 6, 9), ElementsAre(1, 4, 11, 2), ElementsAre(7, 10, 3, 8)));
}

TEST(Split, DirichletDrawsTheNextRowAsAnUrnDoes) {
  // While no class is used up, two rows of a client are of one class with probability sum of E[share^2],
  // which is sum of p (a C p + 1) / (a C + 1). The first two of 8 rows are drawn while all classes last. The
  // clients are then independent, so the count is binomial: 4 deviations are exceeded once in 16,000.
  constexpr std::size_t kClients = 4000;
  for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>(10, 3200), {16000, 8000, 8000}}) {
    const std::vector<double> labels = classes_of_sizes(sizes);
    for (const double a : {0.01, 0.3, 1.0, 100.0}) {
      const double total = a * static_cast<double>(sizes.size());
      double expected = 0;
      for (const std::size_t size : sizes) {
        const double p = static_cast<double>(size) / static_cast<double>(labels.size());
        expected += p * (total * p + 1) / (total + 1);
      }
      int alike = 0;
      for (const auto& shard : split_rows(parse(fmt::format("dirichlet({})", a)), labels, kClients, 5))
        alike += labels[shard[0]] == labels[shard[1]] ? 1 : 0;
      EXPECT_NEAR(alike, expected * kClients, 4 * std::sqrt(expected * (1 - expected) * kClients)) << a;
    }
  }
}

TEST(Split, DirichletIsConcentratedWhereAIsSmall) {
  const std::vector<double> labels = classes_of_sizes(std::vector<std::size_t>(10, 1000));
  const auto largest_share = [&](const char* split) {  // of a class, mean over the clients
    double sum = 0;
    for (const auto& counts : table_of(split_rows(parse(split), labels, 20, 1), labels))
      sum += static_cast<double>(*std::max_element(counts.begin(), counts.end())) / 500;
    return sum / 20;
  };
  // Of 10 equal shares of 500 rows the largest is about 0.1 + 1.5 sqrt(0.09 / 500) = 0.12. With a = 0.01 one
  // class has nearly all rows of a client, until it is used up.
  EXPECT_LT(largest_share("dirichlet(1e9)"), 0.14);
  EXPECT_LT(largest_share("dirichlet(100)"), largest_share("dirichlet(1)"));
  EXPECT_LT(largest_share("dirichlet(1)"), largest_share("dirichlet(0.1)"));
  EXPECT_GT(largest_share("dirichlet(0.01)"), 0.7);
  EXPECT_GT(largest_share("dirichlet(1e-300)"), 0.7);
}

TEST(Split, RowsOfSomeShardsAreEachNamedOnce) {
  const Shards shards = {{5, 2}, {2, 9}, {2, 9}, {0}};
  EXPECT_THAT(rows_of(shards, Range{0, 3}), ElementsAre(2, 5, 9));
  EXPECT_THAT(rows_of(shards, Range{3, 4}), ElementsAre(0));
  EXPECT_THAT(rows_of(shards, IndexSet({3, 1, 3})), ElementsAre(0, 2, 9));
  EXPECT_TRUE(rows_of(shards, Range{2, 2}).empty());
}

TEST(Split, RefusesWhatItCannotDeal) {
  const auto error = [](const char* split, std::size_t rows, std::size_t clients) {
    return error_of([&] { split_rows(parse(split), labels_of(rows), clients, 1); });
  };
  EXPECT_EQ(
      error("contigous", 3, 1),
      "column 1: unknown split \"contigous\" (did you mean \"contiguous\"?); known: contiguous, shuffled, "
      "by-label, overlap, homogeneous, main-class, dirichlet");
  EXPECT_EQ(
      error("zzzzzzzz", 3, 1),
      "column 1: unknown split \"zzzzzzzz\"; known: contiguous, shuffled, by-label, overlap, homogeneous, "
      "main-class, dirichlet");
  EXPECT_EQ(error("shuffled(3)", 3, 1),
            "column 1: shuffled(3): takes no argument without a name; found 1 more: 3");
  EXPECT_EQ(error("by-label(x=1)", 3, 1), "column 1: by-label(x=1): unknown option \"x\"; known: rest");
  EXPECT_EQ(error("overlap", 3, 1), "column 1: overlap: its probability is missing, as in overlap(0.5)");
  EXPECT_EQ(error("overlap(2)", 3, 1), "column 1: overlap(2): p = 2; need 0 <= p <= 1");
  EXPECT_EQ(error("overlap(-0.1)", 3, 1), "column 1: overlap(-0.1): p = -0.1; need 0 <= p <= 1");
  EXPECT_EQ(error("overlap(q=1)", 3, 1),
            "column 1: overlap(q=1): unknown option \"q\" (did you mean \"p\"?); known: rest, p");
  EXPECT_EQ(error("overlap(1, 2)", 3, 1),
            "column 1: overlap(1, 2): takes one argument without a name; found 1 more: 2");
  EXPECT_EQ(error("main-class", 9, 3),
            "column 1: main-class: the share of its main class is missing, as in main-class(0.5)");
  EXPECT_EQ(error("main-class(0.3)", 9, 3),
            "column 1: main-class(0.3): q = 0.3; need 1/3 <= q <= 1 of 3 classes");
  EXPECT_EQ(error("main-class(1.1)", 9, 3),
            "column 1: main-class(1.1): q = 1.1; need 1/3 <= q <= 1 of 3 classes");
  EXPECT_EQ(error("main-class(p=1)", 9, 3),
            "column 1: main-class(p=1): unknown option \"p\" (did you mean \"q\"?); known: rest, q");
  EXPECT_EQ(error("dirichlet", 9, 3),
            "column 1: dirichlet: its concentration is missing, as in dirichlet(0.3)");
  EXPECT_EQ(error("dirichlet(0)", 9, 3), "column 1: dirichlet(0): a = 0; need 0 < a <= 1e9");
  EXPECT_EQ(error("dirichlet(-1)", 9, 3), "column 1: dirichlet(-1): a = -1; need 0 < a <= 1e9");
  EXPECT_EQ(error("dirichlet(2e9)", 9, 3),
            "column 1: dirichlet(2000000000): a = 2000000000; need 0 < a <= 1e9");
  std::vector<double> numbers(1001);
  std::iota(numbers.begin(), numbers.end(), 0.5);
  for (const char* split : {"main-class(0.5)", "dirichlet(1)"}) {
    EXPECT_EQ(error_of([&] { split_rows(parse(split), numbers, 3, 1); }),
              fmt::format("column 1: {}: the rows have more than 1000 distinct labels; need classes", split));
  }
  EXPECT_EQ(error("homogeneous", 3, 3),
            "clients = 3; need clients < 3, the rows of the data, for a part to share");
  EXPECT_EQ(error("contiguous", 3, 0), "clients = 0; need clients >= 1");
  EXPECT_EQ(error("contiguous", 3, 4), "clients = 4; need clients <= 3, the rows of the data");
  EXPECT_EQ(error("contiguous", 0, 1), "clients = 1; need clients <= 0, the rows of the data");
}

}  // namespace
}  // namespace laconic
