// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/parallel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/core/threads.h"

namespace laconic {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable work_came;
  std::condition_variable work_done;
  std::uint64_t generation = 0;  // counts loops; an idle thread waits for the next one
  std::size_t busy = 0;          // helpers still inside the current loop
  bool closing = false;
  std::exception_ptr error;

  std::size_t n = 0;
  void (*body)(void*, std::size_t) = nullptr;
  void* context = nullptr;
  std::atomic<std::size_t> next{0};

  std::atomic<bool> in_loop{false};

  std::function<void()> working;
  std::chrono::steady_clock::time_point said_working;

  /// Of the calling thread, before an iteration.
  void say_working(bool begins) {
    if (!working) return;
    const auto now = std::chrono::steady_clock::now();
    if (!begins && now - said_working < std::chrono::milliseconds(100)) return;
    said_working = now;
    working();
  }

  ThreadGroup helpers{[this] {
    {
      const std::lock_guard lock(mutex);
      closing = true;
    }
    work_came.notify_all();
  }};

  void take_iterations(bool is_caller) {
    try {
      if (is_caller) say_working(true);
      for (std::size_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) {
        if (is_caller) say_working(false);
        body(context, i);
      }
    } catch (...) {
      next.store(n);  // no thread begins another iteration
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  }

  void help() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex);
    while (true) {
      work_came.wait(lock, [&] { return closing || generation != seen; });
      if (closing) return;
      seen = generation;
      lock.unlock();
      take_iterations(false);
      lock.lock();
      if (--busy == 0) work_done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(std::size_t threads) : state_(std::make_unique<State>()) {
  check(threads >= 1, "ThreadPool needs at least one thread");
  for (std::size_t t = 1; t < threads; ++t)
    state_->helpers.start(nth_thread(t, threads), [state = state_.get()] { state->help(); });
}

ThreadPool::~ThreadPool() = default;

std::size_t ThreadPool::threads() const { return state_->helpers.size() + 1; }

std::function<void()> ThreadPool::set_working(std::function<void()> working) {
  return std::exchange(state_->working, std::move(working));
}

void ThreadPool::run(std::size_t n, void (*body)(void*, std::size_t), void* context) {
  const bool first = !state_->in_loop.exchange(true);
  check(first,
        "a ThreadPool runs one loop at a time: a loop within a loop, and every thread, needs its own pool");
  struct End {
    ~End() { in_loop.store(false); }
    std::atomic<bool>& in_loop;
  } const end{state_->in_loop};
  if (state_->helpers.size() == 0 || n <= 1) {
    state_->say_working(true);
    for (std::size_t i = 0; i < n; ++i) {
      state_->say_working(false);
      body(context, i);
    }
    return;
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->n = n;
    state_->body = body;
    state_->context = context;
    state_->next.store(0);
    state_->busy = state_->helpers.size();
    ++state_->generation;
  }
  state_->work_came.notify_all();
  state_->take_iterations(true);
  std::unique_lock lock(state_->mutex);
  state_->work_done.wait(lock, [&] { return state_->busy == 0; });
  if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
}

}  // namespace laconic
