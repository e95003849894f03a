// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/rng.h"

#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace laconic {
namespace {

TEST(Stream, IsPhilox4x32WithTenRounds) {
  // Random123's known-answer tests (kat_vectors): counter, key, output.
  struct Answer {
    Stream::Block counter;
    std::uint32_t key0, key1;
    Stream::Block output;
  };
  const Answer answers[] = {
      {{0, 0, 0, 0}, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       0xffffffff,
       0xffffffff,
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       0xa4093822,
       0x299f31d0,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Answer& a : answers) {
    const Stream stream({a.key0, a.key1, a.counter[2], a.counter[3]});
    const std::uint64_t b = a.counter[0] | std::uint64_t{a.counter[1]} << 32;
    EXPECT_EQ(stream.block(b), a.output);
    std::vector<std::uint32_t> words(64);  // long enough for every code path
    stream.fill(b, words);
    EXPECT_TRUE(std::equal(a.output.begin(), a.output.end(), words.begin()));
  }
}

TEST(Stream, FillIsTheSameWordsAsBlocks) {
  const Stream stream = Key{7, 3, 2, 1, 0}.stream(Purpose::compressor);
  for (const std::uint64_t first :
       {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{0xfffffffd}, ~std::uint64_t{0} - 2}) {
    for (const std::size_t length : {0, 1, 3, 4, 5, 31, 32, 33, 64, 100, 259}) {
      std::vector<std::uint32_t> words(length + 1, 12345);
      stream.fill(first, std::span(words).first(length));
      for (std::size_t w = 0; w < length; ++w) ASSERT_EQ(words[w], stream.block(first + w / 4)[w % 4]) << w;
      EXPECT_EQ(words[length], 12345U) << "wrote beyond the end";
    }
  }
}

TEST(Stream, NextReadsTheWordsInOrder) {
  const Stream stream = Key{1, 2, 3, 4, 5}.stream(Purpose::batch);
  std::vector<std::uint32_t> words(300);
  stream.fill(0, words);
  Stream reader = stream;
  for (std::size_t w = 0; w < 32; ++w) EXPECT_EQ(reader.next32(), words[w]);
  Stream copied = reader;
  EXPECT_EQ(copied.next64(), words[32] | std::uint64_t{words[33]} << 32);
  EXPECT_EQ(reader.next64(), words[32] | std::uint64_t{words[33]} << 32);
  for (std::size_t w = 34; w < words.size(); ++w) ASSERT_EQ(reader.next32(), words[w]);
}

TEST(Stream, DistinctNumbersAreThoseOfFloydsAlgorithm) {
  for (const std::size_t n : {1, 2, 63, 64, 65, 1000, 100'000}) {
    for (const std::size_t count : {0, 1, 2, 20, 63, 900}) {
      if (count > n) continue;
      const Key key{n, static_cast<std::uint32_t>(count), 0, 0, 0};
      Stream stream = key.stream(Purpose::data);
      Stream same = stream;
      std::set<std::uint32_t> expected;
      for (std::size_t j = n - count; j < n; ++j) {
        const auto last = static_cast<std::uint32_t>(j);
        const auto any = count == n ? last : static_cast<std::uint32_t>(same.below(j + 1));
        expected.insert(expected.contains(any) ? last : any);
      }
      std::vector<std::uint32_t> drawn = {7, 7};
      draw_distinct(stream, n, count, drawn);
      EXPECT_EQ(drawn, std::vector(expected.begin(), expected.end())) << count << " of " << n;
      EXPECT_EQ(stream.next32(), same.next32());
    }
  }
}

TEST(Key, EveryPartOfTheAddressCounts) {
  std::vector<Key> keys = {{}};
  for (const std::uint32_t v : {1U, 2U, 0xffffffU}) {
    keys.push_back({v, 0, 0, 0, 0});
    keys.push_back({std::uint64_t{v} << 32, 0, 0, 0, 0});
    keys.push_back({0, v, 0, 0, 0});
    keys.push_back({0, 0, v, 0, 0});
    keys.push_back({0, 0, 0, v, 0});
    keys.push_back({0, 0, 0, 0, v});
  }
  constexpr Purpose kPurposes[] = {Purpose::compressor, Purpose::coin, Purpose::permutation, Purpose::batch,
                                   Purpose::split};
  std::set<Stream::Block> seen;
  for (const Key& key : keys) {
    for (const Purpose purpose : kPurposes) seen.insert(key.stream(purpose).block(0));
  }
  EXPECT_EQ(seen.size(), keys.size() * std::size(kPurposes));
}

TEST(Key, CommonForgetsTheClientOnly) {
  const Key a{9, 4, 0, 3, 1};
  const Key b{9, 4, 17, 5, 0};
  EXPECT_EQ(a.common().stream(Purpose::coin).block(0), b.common().stream(Purpose::coin).block(0));
  const Key other_round{9, 5, 0, 0, 0};
  const Key other_seed{8, 4, 0, 0, 0};
  EXPECT_NE(a.common().stream(Purpose::coin).block(0), other_round.common().stream(Purpose::coin).block(0));
  EXPECT_NE(a.common().stream(Purpose::coin).block(0), other_seed.common().stream(Purpose::coin).block(0));
  EXPECT_NE(a.common().stream(Purpose::coin).block(0), a.stream(Purpose::coin).block(0));
}

TEST(Stream, BelowIsUniform) {
  for (const std::uint64_t n : {1, 2, 3, 10, 257}) {
    Stream stream = Key{n, 0, 0, 0, 0}.stream(Purpose::batch);
    const std::size_t draws = 20000 * n;
    std::vector<double> count(n);
    for (std::size_t i = 0; i < draws; ++i) {
      const std::uint64_t v = stream.below(n);
      ASSERT_LT(v, n);
      ++count[v];
    }
    const double expected = static_cast<double>(draws) / static_cast<double>(n);
    double chi_square = 0;
    for (const double c : count) chi_square += (c - expected) * (c - expected) / expected;
    const double freedom = static_cast<double>(n - 1);
    EXPECT_LE(chi_square, freedom + 5 * std::sqrt(2 * freedom) + 12);
  }
  // The worst case for rejection: n just above 2^63 rejects almost half of the words.
  Stream stream = Key{3, 0, 0, 0, 0}.stream(Purpose::batch);
  const std::uint64_t n = (std::uint64_t{1} << 63) + 1;
  double low_half = 0;
  constexpr int kDraws = 40000;
  for (int i = 0; i < kDraws; ++i) low_half += stream.below(n) < n / 2 ? 1 : 0;
  EXPECT_NEAR(low_half, kDraws / 2.0, 5 * std::sqrt(kDraws / 4.0));
}

TEST(Stream, UniformFillsTheUnitInterval) {
  Stream stream = Key{5, 0, 0, 0, 0}.stream(Purpose::coin);
  constexpr int kDraws = 200000;
  double sum = 0;
  double sum_sq = 0;
  double least = 1;
  double largest = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.uniform();
    sum += u;
    sum_sq += u * u;
    least = std::min(least, u);
    largest = std::max(largest, u);
  }
  EXPECT_GE(least, 0.0);
  EXPECT_LT(largest, 1.0);
  EXPECT_LT(least, 1e-4);
  EXPECT_GT(largest, 1 - 1e-4);
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(sum_sq / kDraws, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kDraws));
}

TEST(Key, NeighbouringAddressesAreUncorrelated) {
  const Key base{42, 10, 3, 2, 0};
  std::vector<std::pair<Stream, const char*>> neighbours;
  const auto add = [&](Key key, Purpose purpose, const char* what) {
    neighbours.emplace_back(key.stream(purpose), what);
  };
  Key key = base;
  key.round += 1;
  add(key, Purpose::compressor, "round");
  key = base;
  key.client += 1;
  add(key, Purpose::compressor, "client");
  key = base;
  key.step += 1;
  add(key, Purpose::compressor, "step");
  key = base;
  key.copy += 1;
  add(key, Purpose::compressor, "copy");
  key = base;
  key.seed += 1;
  add(key, Purpose::compressor, "seed");
  add(base, Purpose::coin, "purpose");
  constexpr int kDraws = 100000;
  for (auto& [stream, what] : neighbours) {
    Stream own = base.stream(Purpose::compressor);
    double product = 0;
    for (int i = 0; i < kDraws; ++i) product += (own.uniform() - 0.5) * (stream.uniform() - 0.5) * 12;
    EXPECT_NEAR(product / kDraws, 0, 5 / std::sqrt(kDraws)) << what;
  }
}

}  // namespace
}  // namespace laconic
