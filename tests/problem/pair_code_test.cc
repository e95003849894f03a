// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/pair_code.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace laconic {
namespace {

void spell_out(std::uint16_t letter, std::size_t letters, const std::vector<LetterPair>& pairs,
               Letters& out) {
  if (letter < letters) return out.push_back(letter);
  const LetterPair pair = pairs[letter - letters];
  ASSERT_LT(std::max(pair.first, pair.second), letter);
  spell_out(pair.first, letters, pairs, out);
  spell_out(pair.second, letters, pairs, out);
}

TEST(PairCode, KeepsTheLettersOfEachRowAndShortensOneHotData) {
  std::mt19937 generator(1);
  for (const std::size_t groups : {1UL, 2UL, 14UL}) {
    for (const std::size_t most : {groups * 6, groups * 6 + 1, 2000UL}) {
      const std::size_t letters =
          groups * 6;  // one of six letters of each group; the first is the most frequent
      std::vector<Letters> rows(1500);
      for (std::size_t i = 1; i < rows.size(); ++i) {
        for (std::size_t k = 0; k < groups; ++k) {
          const auto choice = generator() % 4 == 0 ? generator() % 6 : 0;
          rows[i].push_back(static_cast<std::uint16_t>(6 * k + choice));
        }
      }
      std::vector<Letters> joined = rows;
      const std::vector<LetterPair> pairs = join_pairs(joined, letters, 24, most);
      EXPECT_LE(letters + pairs.size(), most);
      std::size_t before = 0, after = 0;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        Letters spelt;
        for (const std::uint16_t letter : joined[i]) spell_out(letter, letters, pairs, spelt);
        std::sort(spelt.begin(), spelt.end());
        EXPECT_EQ(spelt, rows[i]);
        before += rows[i].size();
        after += joined[i].size();
      }
      if (groups > 1 && most == 2000) {
        EXPECT_LE(after, before * 3 / 5);
      }
    }
  }
}

TEST(PairCode, ARepeatedLetterIsAPairToo) {
  std::vector<Letters> rows(100, Letters{0, 0, 0});
  const auto pairs = join_pairs(rows, 1, 10, 100);
  for (const Letters& row : rows) {
    Letters spelt;
    for (const std::uint16_t letter : row) spell_out(letter, 1, pairs, spelt);
    EXPECT_EQ(spelt, Letters({0, 0, 0}));
  }
}

}  // namespace
}  // namespace laconic
