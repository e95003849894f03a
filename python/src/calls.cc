// SPDX-License-Identifier: Apache-2.0
#include "calls.h"

#include <csignal>
#include <utility>

#include "laconic/core/failure.h"

namespace laconic::python {
namespace {

std::atomic<unsigned> interrupts = 0;
std::atomic<bool> interpreter_ends = false;
std::mutex hearers_mutex;
std::size_t hearers = 0;
struct sigaction before {};

void hear(int signal, siginfo_t* info, void* context) {
  interrupts.fetch_add(1);
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_IGN && before.sa_handler != SIG_DFL) {
    before.sa_handler(signal);
  }
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == hear;
}

/// Whether Python has a handler of its own for SIGINT, which the user may have replaced.
bool has_default_handler() {
  const py::module_ signal = py::module_::import("signal");
  return signal.attr("getsignal")(SIGINT).is(signal.attr("default_int_handler"));
}

/// The head of the queue for the GIL.
std::atomic_flag is_taken;
thread_local bool is_mine = false;

/// Goes on after some microseconds without the head of the queue: its owner may run Python code for long.
void queue() {
  constexpr int kSpins = 400;
  for (int spin = 0; spin < kSpins; ++spin) {
    if (!is_taken.test(std::memory_order_relaxed) && !is_taken.test_and_set(std::memory_order_acquire)) {
      is_mine = true;
      return;
    }
    __builtin_ia32_pause();
  }
}

void leave_queue() {
  if (!is_mine) return;
  is_mine = false;
  is_taken.clear(std::memory_order_release);
}

/// Keeps Python's state of a thread from its first callback to the end of the thread. The thread must end while
/// another thread can give it the GIL.
class ThreadState {
 public:
  ThreadState() {
    if (PyGILState_GetThisThreadState() != nullptr) return;
    first_ = PyGILState_Ensure();
    PyEval_SaveThread();
    is_kept_ = true;
  }
  ~ThreadState() {
    if (!is_kept_) return;
    PyEval_RestoreThread(PyGILState_GetThisThreadState());
    PyGILState_Release(first_);
  }
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;

 private:
  bool is_kept_ = false;
  PyGILState_STATE first_{};
};

void set_error(PyObject* type, const std::string& message) { PyErr_SetString(type, message.c_str()); }

}  // namespace

void fail_type(const std::string& message) {
  set_error(PyExc_TypeError, message);
  throw py::error_already_set();
}

Gil::Gil() {
  thread_local const ThreadState state;
  queue();
  state_ = PyGILState_Ensure();
}

Gil::~Gil() {
  PyGILState_Release(state_);
  leave_queue();
}

GilRelease::GilRelease() : state_(PyEval_SaveThread()) { leave_queue(); }

GilRelease::~GilRelease() {
  queue();
  PyEval_RestoreThread(state_);
}

void FirstError::keep(const py::error_already_set& error) {
  const std::lock_guard lock(mutex_);
  if (error_) return;
  error_ = error;
  any_ = true;
}

void FirstError::raise(const std::string& message) {
  const std::lock_guard lock(mutex_);
  any_ = false;
  py::error_already_set error = *std::exchange(error_, std::nullopt);
  if (!message.empty() && error.matches(PyExc_KeyboardInterrupt)) {
    set_error(PyExc_KeyboardInterrupt, message);
    throw py::error_already_set();
  }
  throw error;  // NOLINT: a copy
}

HearInterrupts::HearInterrupts() {
  const std::lock_guard lock(hearers_mutex);
  if (hearers++ > 0) return;
  struct sigaction action {};
  sigaction(SIGINT, nullptr, &before);
  if (is_ours(before) || before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) return;
  action = before;
  action.sa_flags |= SA_SIGINFO;
  action.sa_sigaction = hear;
  sigaction(SIGINT, &action, nullptr);
}

HearInterrupts::~HearInterrupts() {
  const std::lock_guard lock(hearers_mutex);
  if (--hearers > 0) return;
  struct sigaction now {};
  sigaction(SIGINT, nullptr, &now);
  if (is_ours(now)) sigaction(SIGINT, &before, nullptr);  // else the user has set another handler since
}

unsigned HearInterrupts::count() { return interrupts.load(); }

std::size_t HearInterrupts::alive() {
  const std::lock_guard lock(hearers_mutex);
  return hearers;
}

void end_calls() {
  constexpr auto kPatience = std::chrono::seconds(5);
  interpreter_ends = true;
  const py::gil_scoped_release release;
  const auto begin = std::chrono::steady_clock::now();
  while (HearInterrupts::alive() > 0 && std::chrono::steady_clock::now() - begin < kPatience)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

Watch::Watch(py::object listener)
    : listener_(std::move(listener)), ends_on_interrupt_(has_default_handler()) {}

Watch::~Watch() {
  const py::gil_scoped_acquire acquire;
  listener_ = {};
}

template <class... Args>
void Watch::call(const char* method, const Args&... args) {
  python::tell(*error_, [&] {
    if (!listener_.is_none()) listener_.attr(method)(args...);
  });
}

void Watch::stage(const std::string& name) { call("stage", name); }

void Watch::begin() {
  call("begin");
  begun_ = true;
}

void Watch::remark(const std::string& sentence) { call("remark", sentence); }

void Watch::progress(std::size_t done, std::size_t all, const std::function<std::string()>& text) {
  const auto now = WallClock::now();
  if (now - told_at_ < std::chrono::milliseconds(100)) return;
  told_at_ = now;
  call("progress", done, all, text());
}

void Watch::look_for_signals() {
  if (std::this_thread::get_id() != caller_) return;
  const auto now = WallClock::now();
  if (now - looked_at_ < std::chrono::milliseconds(50)) return;
  looked_at_ = now;
  const py::gil_scoped_acquire acquire;
  const bool raised = PyErr_CheckSignals() != 0;
  if (raised) {
    error_->keep(py::error_already_set());
  } else if ((interpreter_ends || (ends_on_interrupt_ && HearInterrupts::count() != interrupts_before_)) &&
             !error_->any()) {
    set_error(PyExc_KeyboardInterrupt, "");  // not in the main thread: no handler runs here
    error_->keep(py::error_already_set());
  }
}

void Watch::working() {
  look_for_signals();
  if (!error_->any()) return;
  // A request ends a run after the round, with a checkpoint. Long rounds do not get the time.
  constexpr auto kPatience = std::chrono::milliseconds(400);
  const auto now = WallClock::now();
  if (!interrupted_at_) interrupted_at_ = now;
  if (begun_ && now - *interrupted_at_ < kPatience) return;
  throw Interrupted(Request::interrupt, "interrupted");
}

Request Watch::asked() {
  look_for_signals();
  return error_->any() ? Request::interrupt : Request::none;
}

}  // namespace laconic::python
