// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using testing::ElementsAre;

std::vector<double> labels_of(std::size_t rows) {
  std::vector<double> labels(rows);
  for (std::size_t i = 0; i < rows; ++i) labels[i] = static_cast<double>(i * 7 % 3) - 1;
  return labels;
}

/// Those of the table whose clients share rows.
bool shares(const Split& split) {
  return split.name == std::string("overlap") || split.name == std::string("homogeneous");
}

TEST(Split, EverySplitDealsEqualSharesWithoutRepeating) {
  for (const Split& split : splits()) {
    if (shares(split)) continue;
    for (const auto& [rows, clients] : std::vector<std::pair<std::size_t, std::size_t>>{
             {1, 1}, {12, 1}, {12, 4}, {12, 12}, {14, 4}, {1000, 7}, {7, 6}}) {
      const Shards shards = split_rows(parse(split.name), labels_of(rows), clients, 1);
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

TEST(Split, ShuffledDependsOnTheSeedAlone) {
  const Spec shuffled = parse("shuffled");
  // Part of every result: a change here changes what users' seeds mean.
  EXPECT_THAT(split_rows(shuffled, labels_of(10), 2, 1),
              ElementsAre(ElementsAre(7, 2, 9, 6, 8), ElementsAre(0, 3, 5, 1, 4)));
  EXPECT_EQ(split_rows(shuffled, labels_of(100), 5, 7), split_rows(shuffled, std::vector<double>(100), 5, 7));
  EXPECT_NE(split_rows(shuffled, labels_of(100), 5, 7), split_rows(shuffled, labels_of(100), 5, 8));
  // The order does not know of the clients: shards of fewer clients are joined shards of more.
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
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom: exceeded by one fair generator in a thousand
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

TEST(Split, RowsOfSomeShardsAreEachNamedOnce) {
  const Shards shards = {{5, 2}, {2, 9}, {2, 9}, {0}};
  EXPECT_THAT(rows_of(shards, {0, 3}), ElementsAre(2, 5, 9));
  EXPECT_THAT(rows_of(shards, {3, 4}), ElementsAre(0));
  EXPECT_TRUE(rows_of(shards, {2, 2}).empty());
}

TEST(Split, RefusesWhatItCannotDeal) {
  const auto error = [](const char* split, std::size_t rows, std::size_t clients) {
    return error_of([&] { split_rows(parse(split), labels_of(rows), clients, 1); });
  };
  EXPECT_EQ(
      error("contigous", 3, 1),
      "column 1: unknown split \"contigous\" (did you mean \"contiguous\"?); known: contiguous, shuffled, "
      "by-label, overlap, homogeneous");
  EXPECT_EQ(
      error("zzzzzzzz", 3, 1),
      "column 1: unknown split \"zzzzzzzz\"; known: contiguous, shuffled, by-label, overlap, homogeneous");
  EXPECT_EQ(error("shuffled(3)", 3, 1),
            "column 1: shuffled(3): takes no argument without a name; found 1 more: 3");
  EXPECT_EQ(error("by-label(x=1)", 3, 1), "column 1: by-label(x=1): unknown option \"x\"; known: none");
  EXPECT_EQ(error("overlap", 3, 1), "column 1: overlap: its probability is missing, as in overlap(0.5)");
  EXPECT_EQ(error("overlap(2)", 3, 1), "column 1: overlap(2): p = 2; need 0 <= p <= 1");
  EXPECT_EQ(error("overlap(-0.1)", 3, 1), "column 1: overlap(-0.1): p = -0.1; need 0 <= p <= 1");
  EXPECT_EQ(error("overlap(q=1)", 3, 1),
            "column 1: overlap(q=1): unknown option \"q\" (did you mean \"p\"?); known: p");
  EXPECT_EQ(error("overlap(1, 2)", 3, 1),
            "column 1: overlap(1, 2): takes one argument without a name; found 1 more: 2");
  EXPECT_EQ(error("homogeneous", 3, 3),
            "clients = 3; need clients < 3, the rows of the data, for a part to share");
  EXPECT_EQ(error("contiguous", 3, 0), "clients = 0; need clients >= 1");
  EXPECT_EQ(error("contiguous", 3, 4), "clients = 4; need clients <= 3, the rows of the data");
  EXPECT_EQ(error("contiguous", 0, 1), "clients = 1; need clients <= 0, the rows of the data");
}

}  // namespace
}  // namespace laconic
