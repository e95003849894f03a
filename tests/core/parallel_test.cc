// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/parallel.h"

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

namespace laconic {
namespace {

TEST(ThreadPool, RunsEveryIterationOnce) {
  for (const std::size_t threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const std::size_t n : {0, 1, 2, 3, 1000}) {  // one pool serves many loops
      std::vector<int> visits(n);
      pool.for_each(n, [&](std::size_t i) { ++visits[i]; });
      EXPECT_EQ(visits, std::vector<int>(n, 1)) << n << " iterations on " << threads << " threads";
    }
  }
}

TEST(ThreadPool, WhatTheBodyWroteIsSeenByTheCaller) {
  ThreadPool pool(3);
  std::vector<std::size_t> values(500);
  for (std::size_t loop = 1; loop <= 50; ++loop) {
    pool.for_each(values.size(), [&](std::size_t i) { values[i] += i; });
    ASSERT_EQ(std::accumulate(values.begin(), values.end(), std::size_t{0}), loop * 500 * 499 / 2);
  }
}

TEST(ThreadPool, RethrowsAndWorksOn) {
  for (const std::size_t threads : {1, 4}) {
    ThreadPool pool(threads);
    EXPECT_THROW(pool.for_each(100,
                               [](std::size_t i) {
                                 if (i == 7) throw std::runtime_error("seven");
                               }),
                 std::runtime_error);
    std::atomic<int> count = 0;
    pool.for_each(100, [&](std::size_t) { ++count; });
    EXPECT_EQ(count, 100);
  }
}

}  // namespace
}  // namespace laconic
