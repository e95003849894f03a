// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/threads.h"

#include <atomic>
#include <cstddef>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "tests/out_of_threads.h"

namespace laconic::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr std::size_t kStacks = std::size_t{1} << 26;  // bytes of the stacks of some of many threads

TEST(ThreadGroup, JoinsWhatItHasStarted) {
  std::atomic<int> ran = 0;
  bool stopped = false;
  {
    ThreadGroup group([&] { stopped = true; });
    for (int t = 0; t < 3; ++t) group.start("a thread", [&] { ++ran; });
    EXPECT_EQ(group.size(), 3U);
    group.join();
    EXPECT_EQ(ran, 3);
    EXPECT_EQ(group.size(), 0U);
  }
  EXPECT_FALSE(stopped) << "they had ended by themselves";
}

TEST(ThreadGroup, StopsTheOthersWhereOneCannotBeStarted) {
  if (!kLimitsHold) GTEST_SKIP() << "a sanitizer maps more than the limit";
  std::atomic<bool> over = false;
  std::atomic<int> running = 0;
  int stops = 0;
  const auto start_many = [&] {
    const MemoryLimit limit(kStacks);
    ThreadGroup group([&] {
      ++stops;
      over = true;
      over.notify_all();
    });
    for (std::size_t t = 0; t < 100; ++t) {
      group.start(nth_thread(t, 100), [&] {
        ++running;
        over.wait(false);
        --running;
      });
    }
  };
  EXPECT_THAT(start_many, ThrowsMessage<RunError>(
                              ContainsRegex("^cannot start thread [0-9]+ of 100: .*threads=.*ulimit")));
  EXPECT_EQ(stops, 1);
  EXPECT_EQ(running, 0);
}

TEST(ThreadPool, SaysThatAThreadCannotBeStarted) {
  if (!kLimitsHold) GTEST_SKIP() << "a sanitizer maps more than the limit";
  {
    const MemoryLimit limit(kStacks);
    EXPECT_THAT([] { ThreadPool pool(100); }, ThrowsMessage<RunError>(HasSubstr(" of 100: ")));
  }
  {
    const OutOfThreads none;
    EXPECT_THAT([] { ThreadPool pool(2); }, ThrowsMessage<RunError>(HasSubstr("thread 2 of 2: ")));
    ThreadPool alone(1);
    int sum = 0;
    alone.for_each(3, [&](std::size_t i) { sum += static_cast<int>(i); });
    EXPECT_EQ(sum, 3);
  }
  ThreadPool pool(2);
  EXPECT_EQ(pool.threads(), 2U);
}

// A nested loop, or a loop of a second thread, would wait for threads that wait for it.
TEST(ThreadPool, RunsOneLoopAtATime) {
  for (const std::size_t threads : {1, 3}) {
    for (const std::size_t n : {1, 8}) {
      ThreadPool pool(threads);
      const auto nested = [&] {
        pool.for_each(n, [&](std::size_t) { pool.for_each(2, [](std::size_t) {}); });
      };
      EXPECT_THAT(nested, ThrowsMessage<std::logic_error>(HasSubstr("one loop at a time")));
      std::atomic<std::size_t> ran = 0;
      pool.for_each(n, [&](std::size_t) { ++ran; });
      EXPECT_EQ(ran, n) << "it goes on as before";
    }
  }
}

TEST(ThreadPool, IsOneThreadsAtATime) {
  for (const std::size_t threads : {1, 2}) {
    ThreadPool pool(threads);
    std::atomic<bool> refused = false;
    ThreadGroup other([] {});
    pool.for_each(1, [&](std::size_t) {
      other.start("another thread", [&] {
        try {
          pool.for_each(5, [](std::size_t) {});
        } catch (const std::logic_error&) {
          refused = true;
        }
      });
      other.join();
    });
    EXPECT_TRUE(refused) << threads;
  }
}

TEST(ThreadPool, ABodyMayUseAPoolOfItsOwn) {
  ThreadPool outer(3);
  std::atomic<int> ran = 0;
  outer.for_each(4, [&](std::size_t) {
    ThreadPool inner(2);
    inner.for_each(5, [&](std::size_t) { ++ran; });
  });
  EXPECT_EQ(ran, 20);
}

}  // namespace
}  // namespace laconic::testing
