// SPDX-License-Identifier: Apache-2.0
// Threads that end together. The library starts all its threads here. If the system refuses one (a limit on
// processes, or on memory for the stack), the run ends with a message and the process does not crash.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "laconic/core/error.h"

namespace laconic {

/// The system refused to start a thread.
class ThreadRefused : public RunError {
 public:
  using RunError::RunError;
};

class ThreadGroup {
 public:
  /// `stop` must make the bodies return that still run, and must not throw. It is called once if the group is
  /// destroyed before join(): because a thread could not be started, or because the owner failed.
  explicit ThreadGroup(std::function<void()> stop) : stop_(std::move(stop)) {}
  ~ThreadGroup();
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;

  /// Runs the body on a thread of its own; the body must not throw. Throws ThreadRefused if the system
  /// refuses the thread; `what` names the thread in the message, for example "thread 5 of 8".
  void start(const std::string& what, std::function<void()> body);
  /// Returns when all bodies have returned.
  void join();
  [[nodiscard]] std::size_t size() const { return threads_.size(); }

 private:
  std::function<void()> stop_;
  std::vector<std::thread> threads_;
};

/// "thread 5 of 8" for number = 4 and of = 8: `number` counts from 0.
std::string nth_thread(std::size_t number, std::size_t of);

}  // namespace laconic
