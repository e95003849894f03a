// SPDX-License-Identifier: Apache-2.0
// What is common to all calls of Python into the engine: the GIL, Python exceptions from any thread, and Ctrl-C.
//
// The engine runs without the GIL. Its threads take the GIL only while they call Python. Python runs signal
// handlers in its main thread only, when that thread runs Python code or asks for them (PyErr_CheckSignals).
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <pybind11/pybind11.h>

#include "laconic/core/failure.h"
#include "laconic/core/observer.h"

namespace laconic::python {

namespace py = pybind11;

/// Throws a TypeError. Call with the GIL.
[[noreturn]] void fail_type(const std::string& message);

/// The first Python exception that a callback raised during a call, on any thread. The engine may translate the
/// exception on its way, or go on without the thread; so it is kept here, and raised when the call ends.
class FirstError {
 public:
  /// Call with the GIL.
  void keep(const py::error_already_set& error);
  [[nodiscard]] bool any() const { return any_.load(); }
  /// Throws the exception, which there must be. Call with the GIL. `message` is that of a KeyboardInterrupt.
  [[noreturn]] void raise(const std::string& message = "");

 private:
  std::mutex mutex_;
  std::atomic<bool> any_ = false;
  std::optional<py::error_already_set> error_;
};

/// Asks all calls to end, as by Ctrl-C, and waits for them, for some seconds at most. For the end of the interpreter,
/// which would end threads inside of the engine.
void end_calls();

/// Counts SIGINT while an object of the class lives, and passes each on to the handler that was there. So threads
/// other than Python's main thread hear Ctrl-C too.
class HearInterrupts {
 public:
  HearInterrupts();
  ~HearInterrupts();
  HearInterrupts(const HearInterrupts&) = delete;
  HearInterrupts& operator=(const HearInterrupts&) = delete;
  static unsigned count();
  /// How many objects of the class live.
  static std::size_t alive();
};

/// The observer of a call. `listener` is None, or a Python object with the methods stage(name), begin(),
/// progress(done, all, text) and remark(sentence). Make it with the GIL, on the thread that calls the service.
class Watch final : public Observer {
 public:
  explicit Watch(py::object listener);
  ~Watch() override;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void stage(const std::string& name) override;
  void working() override;
  void begin() override;
  void progress(std::size_t done, std::size_t all, const std::function<std::string()>& text) override;
  void remark(const std::string& sentence) override;
  Request asked() override;
  Request asked_to_end() override { return asked(); }

  [[nodiscard]] const std::shared_ptr<FirstError>& error() const { return error_; }

 private:
  using WallClock = std::chrono::steady_clock;

  template <class... Args>
  void call(const char* method, const Args&... args);
  /// Runs Python's signal handlers, at most 20 times a second. Only on the thread that called the service.
  void look_for_signals();

  py::object listener_;
  std::shared_ptr<FirstError> error_ = std::make_shared<FirstError>();
  HearInterrupts hearing_;
  unsigned interrupts_before_ = HearInterrupts::count();
  bool ends_on_interrupt_;  // Python's own handler is in place, which raises KeyboardInterrupt
  std::thread::id caller_ = std::this_thread::get_id();
  WallClock::time_point looked_at_ = WallClock::now();
  WallClock::time_point told_at_{};
  std::optional<WallClock::time_point> interrupted_at_;
  bool begun_ = false;
};

/// Calls action() without the GIL. If Python code that it called raised an exception, throws that one in place of the
/// engine's. `how_to_go_on` is added to the message of KeyboardInterrupt.
template <class Action>
auto without_gil(Watch& watch, const std::string& how_to_go_on, Action&& action) {
  try {
    const py::gil_scoped_release release;
    return action();
  } catch (const Interrupted& interrupted) {
    watch.error()->raise(interrupted.what() + how_to_go_on);
  } catch (...) {
    if (watch.error()->any()) watch.error()->raise("interrupted" + how_to_go_on);
    throw;
  }
}

// A thread that waits for the GIL sleeps, and wakes up later than a short callback takes. So threads of the engine
// queue in front of it, and spin there for some microseconds, before they ask for it.

/// The GIL, while an object of the class lives. For threads of the engine.
class Gil {
 public:
  Gil();
  ~Gil();
  Gil(const Gil&) = delete;
  Gil& operator=(const Gil&) = delete;

 private:
  PyGILState_STATE state_;
};

/// Leaves the GIL to others while an object of the class lives. For Python code that a thread of the engine may have
/// called.
class GilRelease {
 public:
  GilRelease();
  ~GilRelease();
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

/// Calls Python code that listens and returns nothing, with the GIL. Keeps the exception that it raises, and throws
/// it. Only keeps that of Ctrl-C: the service then ends when it asks for requests.
template <class Action>
void tell(FirstError& error, Action&& action) {
  const Gil gil;
  try {
    action();
  } catch (const py::error_already_set& raised) {
    error.keep(raised);
    if (!raised.matches(PyExc_KeyboardInterrupt)) throw;
  }
}

}  // namespace laconic::python
