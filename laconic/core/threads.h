// SPDX-License-Identifier: Apache-2.0
// Threads that end together. All threads of laconic are started here, so that a system that refuses one (a
// limit of processes, or of memory for its stack) ends the run with a message and not the process.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "laconic/core/error.h"

namespace laconic {

/// The system has refused a thread.
class ThreadRefused : public RunError {
 public:
  using RunError::RunError;
};

class ThreadGroup {
 public:
  /// `stop` makes the bodies return that still run. It is called once, where the group is destroyed before
  /// join(): so when one of its threads could not be started, or the owner has failed. It throws nothing.
  explicit ThreadGroup(std::function<void()> stop) : stop_(std::move(stop)) {}
  ~ThreadGroup();
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;

  /// Runs the body, which throws nothing, on a thread of its own. Throws ThreadRefused where the system refuses
  /// that; `what` names the thread there, as "thread 5 of 8" does.
  void start(const std::string& what, std::function<void()> body);
  /// Returns when all bodies have.
  void join();
  [[nodiscard]] std::size_t size() const { return threads_.size(); }

 private:
  std::function<void()> stop_;
  std::vector<std::thread> threads_;
};

/// "thread 5 of 8" for number 4, counted from 0.
std::string nth_thread(std::size_t number, std::size_t of);

}  // namespace laconic
