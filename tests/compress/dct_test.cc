// SPDX-License-Identifier: Apache-2.0
// Tiles of vectors, the cosine transform on them, the largest entries of each, and coordinates with owners.
#include "laconic/compress/dct.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "laconic/compress/factories.h"
#include "laconic/message/deal.h"

namespace laconic {
namespace {

const CompressorSetting kTensors = {
    .dim = 100,
    .clients = 4,
    .wire = Wire::f64,
    .blocks = {{.offset = 3, .rows = 6, .cols = 10}, {.offset = 70, .rows = 4, .cols = 5}}};

Vector some(std::size_t dim) {
  Vector x(dim);
  Stream stream = Key{.seed = 3}.stream(Purpose::batch);
  for (double& v : x) v = stream.uniform() - 0.5;
  return x;
}

void expect_cover(const std::vector<Tile>& tiles, std::size_t dim) {
  std::vector<int> times(dim);
  for (const Tile& tile : tiles) tile.for_each([&](std::size_t, std::size_t j) { ++times.at(j); });
  EXPECT_EQ(times, std::vector<int>(dim, 1));
}

TEST(Tiles, CoverEveryCoordinateOnceAndNoTwoTensors) {
  for (const std::size_t size : {1, 4, 9, 16, 64, 4096}) {
    const auto tiles = tiles_of_size(kTensors, size);
    expect_cover(tiles, 100);
    EXPECT_EQ(tiles.back().tensor, 4U);  // 3 numbers, 6 x 10, 7 numbers, 4 x 5, 10 numbers
    for (const Tile& tile : tiles) EXPECT_LE(tile.size(), size);
    expect_cover(equal_tiles(kTensors, size), 100);
  }
  EXPECT_EQ(equal_tiles({.dim = 123}, 64).size(), 3U);  // of 41
  EXPECT_EQ(equal_tiles({.dim = 127}, 64).size(), 127U);
  EXPECT_EQ(equal_tiles(kTensors, 4)[3].rows * 100 + equal_tiles(kTensors, 4)[3].cols, 302U);  // of 6 x 10
}

TEST(Dct, CosinesAreThoseOfTheLibrary) {
  for (std::size_t d = 1; d <= 200; ++d) {
    for (std::size_t m = 0; m < 5 * d; ++m)
      ASSERT_NEAR(cosine_of_pi(m, d), std::cos(M_PI * static_cast<double>(m) / static_cast<double>(d)),
                  4e-15);
  }
}

TEST(Dct, IsOrthonormalAndTheDefinition) {
  for (const std::size_t side : {1, 3, 5, 64}) {
    const Dct dct(equal_tiles(kTensors, side));
    const Vector x = some(100);
    Vector y = x;
    dct.transform(y);
    EXPECT_NEAR(norm_sq(y), norm_sq(x), 1e-13);
    dct.invert(y);
    EXPECT_LE(std::sqrt(distance_sq(x, y)), 1e-13);
  }
  const Dct dct(equal_tiles({.dim = 12, .blocks = {{.offset = 0, .rows = 3, .cols = 4}}}, 64));
  const Vector x = some(12);
  Vector y = x;
  dct.transform(y);
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t l = 0; l < 4; ++l) {
      double sum = 0;
      for (std::size_t r = 0; r < 3; ++r) {
        for (std::size_t c = 0; c < 4; ++c)
          sum += std::cos(M_PI * static_cast<double>((2 * r + 1) * k) / 6) *
                 std::cos(M_PI * static_cast<double>((2 * c + 1) * l) / 8) * x[4 * r + c];
      }
      sum *= std::sqrt((k == 0 ? 1.0 : 2.0) / 3) * std::sqrt((l == 0 ? 1.0 : 2.0) / 4);
      EXPECT_NEAR(y[4 * k + l], sum, 1e-14);
    }
  }
}

TEST(ChunkTopK, KeepsTheLargestOfEachTile) {
  const Vector x = some(100);
  for (const char* bits : {"32", "2"}) {
    const auto c =
        make_compressor(parse("chunk-top-k(2, chunk=9, bits=" + std::string(bits) + ")"), kTensors);
    Message message;
    c->compress({}, x, message);
    EXPECT_DOUBLE_EQ(counted_floats(message, 100), c->bound().floats);
    Vector y(100);
    decode_add({}, message, 1, y);
    for (const Tile& tile : tiles_of_size(kTensors, 9)) {
      std::vector<std::pair<double, std::size_t>> sizes;
      tile.for_each([&](std::size_t, std::size_t j) { sizes.emplace_back(-std::abs(x[j]), j); });
      std::ranges::sort(sizes);
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        const std::size_t j = sizes[i].second;
        if (i >= 2) {
          EXPECT_EQ(y[j], 0);
        } else if (bits == std::string("32")) {
          EXPECT_EQ(y[j], x[j]);
        } else {
          EXPECT_NE(y[j], 0);
        }
      }
    }
  }
}

TEST(ChunkTopK, TwoBitsSayTheMeansOfFourClusters) {
  const auto c =
      make_compressor(parse("chunk-top-k(8, bits=2)"), {.dim = 8, .clients = 1, .wire = Wire::f64});
  // mean 0 and u = 1.5 sqrt(200/7) = 8.02: -1, 1 and 0 times that are the levels.
  const Vector x = {-7, -9, 7, 5, -1, 1, 3, 1};
  Message message;
  c->compress({}, x, message);
  Vector y(8);
  decode_add({}, message, 1, y);
  double squares = 0;
  for (std::size_t j = 0; j < 8; ++j) squares += (x[j] - y[j]) * (x[j] - y[j]);
  EXPECT_LE(squares, 0.2 * norm_sq(x));
  EXPECT_LE(std::set<double>(y.begin(), y.end()).size(), 4U);
}

TEST(Owned, EveryCoordinateHasItsOwners) {
  for (const auto& [dim, clients, owners] :
       {std::tuple{12, 5, 2}, {12, 5, 5}, {3, 7, 2}, {40, 6, 4}, {1, 4, 1}}) {
    std::vector<int> times(static_cast<std::size_t>(dim));
    std::set<std::size_t> sizes;
    for (int i = 0; i < clients; ++i) {
      const Key key{.seed = 5, .round = 9, .client = static_cast<std::uint32_t>(i)};
      const Indices owned =
          owned_coordinates(key, static_cast<std::size_t>(dim), static_cast<std::size_t>(clients),
                            static_cast<std::size_t>(owners));
      for (const std::uint32_t k : owned) ++times[k];
      EXPECT_TRUE(std::ranges::is_sorted(owned));
      EXPECT_LE(owned.size(), static_cast<std::size_t>(dim * owners / clients + 1));
      EXPECT_GE(owned.size(), static_cast<std::size_t>(dim * owners / clients));
    }
    EXPECT_EQ(times, std::vector<int>(static_cast<std::size_t>(dim), owners));
  }
}

}  // namespace
}  // namespace laconic
