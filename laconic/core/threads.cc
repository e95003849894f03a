// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/threads.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace laconic {

ThreadGroup::~ThreadGroup() {
  if (threads_.empty()) return;
  stop_();
  join();
}

void ThreadGroup::start(const std::string& what, std::function<void()> body) {
  try {
    threads_.emplace_back(std::move(body));
  } catch (const std::system_error& error) {
    throw ThreadRefused(
        fmt::format("cannot start {}: {}; use fewer threads (threads=), or raise the limit of processes "
                    "(ulimit -u) or of memory (ulimit -v)",
                    what, error.code().message()));
  }
}

void ThreadGroup::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::string nth_thread(std::size_t number, std::size_t of) {
  return fmt::format("thread {} of {}", number + 1, of);
}

}  // namespace laconic
