// SPDX-License-Identifier: Apache-2.0
// A fixed set of threads that share the iterations of a loop.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace laconic {

class ThreadPool {
 public:
  /// `threads` >= 1 counts the calling thread, which works too: ThreadPool(1) starts no thread. Throws
  /// RunError where the system refuses a thread.
  explicit ThreadPool(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] std::size_t threads() const;

  /// body(i) once for every i in [0, n), on any thread, in any order; returns when all are done. The body
  /// must not depend on the order. The first exception is rethrown here, after the others have finished.
  /// One loop at a time: std::logic_error where the body itself, or another thread, asks for a second one.
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
