// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/parallel.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
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

TEST(ThreadPool, SaysThatItWorks) {
  for (const std::size_t threads : {1, 3}) {
    ThreadPool pool(threads);
    std::size_t calls = 0;  // no data race: on the calling thread only
    EXPECT_FALSE(pool.set_working([&] { ++calls; }));
    for (int loop = 0; loop < 5; ++loop) pool.for_each(2, [](std::size_t) {});
    EXPECT_GE(calls, 5U);
    const auto earlier = pool.set_working([] { throw std::runtime_error("stop"); });
    EXPECT_TRUE(earlier);
    std::atomic<int> count = 0;
    EXPECT_THROW(pool.for_each(1, [&](std::size_t) { ++count; }), std::runtime_error);
    EXPECT_EQ(count, 0);
    pool.set_working(earlier);
    pool.for_each(100, [&](std::size_t) { ++count; });
    EXPECT_EQ(count, 100);
  }
}

TEST(ThreadPool, SaysThatItWorksDuringALongLoop) {
  ThreadPool pool(1);
  std::size_t calls = 0;
  pool.set_working([&] { ++calls; });
  pool.for_each(3, [](std::size_t) { std::this_thread::sleep_for(std::chrono::milliseconds(150)); });
  EXPECT_GE(calls, 3U);  // at the beginning, and before the second and the third iteration
}

}  // namespace
}  // namespace laconic
