// SPDX-License-Identifier: Apache-2.0
// Limits under which the system refuses to start threads: limits of memory, which apply to root too.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <fstream>
#include <mutex>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "laconic/core/error.h"
#include "laconic/core/threads.h"

namespace laconic::testing {

/// Sanitizers map more memory than any limit allows.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitsHold = false;
#else
constexpr bool kLimitsHold = true;
#endif

/// While this object exists, the process can map at most so many more bytes.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::size_t more) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &before_);
    rlimit now = before_;
    now.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + more;
    setrlimit(RLIMIT_AS, &now);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before_); }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit before_{};
};

/// While this object exists, no thread can be started: the constructor starts all threads that are possible.
class OutOfThreads {
 public:
  OutOfThreads() {
    std::vector<char> spare(std::size_t{1} << 20);  // memory that tests may allocate
    try {
      for (;;) {
        standing_.start("one more", [this] {
          std::unique_lock lock(mutex_);
          over_changed_.wait(lock, [&] { return over_; });
        });
      }
    } catch (const RunError&) {
    }
  }

 private:
  static constexpr std::size_t kMore = std::size_t{1} << 26;
  MemoryLimit limit_{kMore};
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;
  ThreadGroup standing_{[this] {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    over_changed_.notify_all();
  }};
};

}  // namespace laconic::testing
