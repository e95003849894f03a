// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that share the iterations of a loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>

namespace laconic {

class ThreadPool {
 public:
  /// `threads` >= 1 includes the calling thread, which also works: ThreadPool(1) starts no thread. Throws
  /// RunError if the system refuses a thread.
  explicit ThreadPool(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] std::size_t threads() const;

  /// `working` is called on the calling thread when a loop begins, and again between its iterations if 0.1 s
  /// have passed. It may throw: the loop then ends as if an iteration had thrown. Empty: nothing is called.
  /// Returns the earlier one. Not during a loop.
  std::function<void()> set_working(std::function<void()> working);

  /// Calls body(i) once for every i in [0, n), on any thread and in any order, and returns when all calls
  /// have returned. The result of the body must not depend on the order. If calls throw, the first exception
  /// is rethrown here after the running calls have finished. One loop at a time: throws std::logic_error if
  /// the body or another thread starts a second loop.
  template <class Body>
  void for_each(std::size_t n, Body&& body) {
    using Callable = std::remove_reference_t<Body>;
    run(
        n, [](void* context, std::size_t i) { (*static_cast<Callable*>(context))(i); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 private:
  void run(std::size_t n, void (*body)(void*, std::size_t), void* context);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace laconic
