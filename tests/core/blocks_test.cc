// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/blocks.h"

#include <cmath>

#include <gtest/gtest.h>

namespace laconic {
namespace {

Vector some_vector(std::size_t n) {
  Vector v(n);
  for (std::size_t j = 0; j < n; ++j) v[j] = std::sin(static_cast<double>(j * j));
  return v;
}

TEST(Blocks, EachCoordinateIsInOneBlock) {
  ThreadPool pool(3);
  for (const std::size_t dim : {std::size_t{0}, std::size_t{1}, kBlock - 1, kBlock, kBlock + 1, 5 * kBlock}) {
    Vector seen(dim, 0.0);
    for_each_block(dim, pool, [&](std::size_t b, Range range) {
      EXPECT_EQ(range.begin, b * kBlock);
      EXPECT_LE(range.size(), kBlock);
      for (double& each : part(MutView(seen), range)) each += 1;
    });
    EXPECT_EQ(seen, Vector(dim, 1.0)) << dim;
  }
}

TEST(Blocks, SumsRunInAscendingOrderOnAnyNumberOfThreads) {
  const Vector a = some_vector(5 * kBlock + 7);
  double first = 0;
  double second = 0;
  for (std::size_t begin = 0; begin < a.size(); begin += kBlock) {
    const View block = part(View(a), {begin, std::min(begin + kBlock, a.size())});
    first += norm_sq(block);
    second += block.front();
  }
  for (const std::size_t threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    const Vector sums = sums_of_blocks(a.size(), 2, pool, [&](Range range, MutView terms) {
      const View block = part(View(a), range);
      terms[0] = norm_sq(block);
      terms[1] = block.front();
    });
    EXPECT_EQ(sums, (Vector{first, second})) << threads;
  }
}

TEST(Blocks, SumsOverNoCoordinateAreZero) {
  ThreadPool pool(1);
  const Vector sums = sums_of_blocks(0, 2, pool, [](Range, MutView) { FAIL(); });
  EXPECT_EQ(sums, Vector(2, 0.0));
}

}  // namespace
}  // namespace laconic
