// SPDX-License-Identifier: Apache-2.0
#include "cli/signals.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

namespace laconic::cli {
namespace {

// The operations that signal handlers may use here: lock-free atomics, write() and raise().
std::atomic<Request> end{Request::none};
std::atomic<bool> checkpoint{false};
std::atomic<bool> user_watches{false};
static_assert(std::atomic<Request>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

struct sigaction before_interrupt, before_terminate;  // saved by SignalGuard

void on_checkpoint(int /*signal*/) { checkpoint = true; }

void on_terminate(int /*signal*/) { end = Request::terminate; }

void on_interrupt(int /*signal*/) {
  if (end != Request::none) {
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);  // delivered when the handler returns
    return;
  }
  end = Request::interrupt;
  if (!user_watches) return;
  const int error = errno;
  constexpr std::string_view kText = "\nlaconic: ends after this round; Ctrl-C again ends it at once\n";
  static_cast<void>(!write(STDERR_FILENO, kText.data(), kText.size()));
  errno = error;
}

void install(int signal, void (*handler)(int), struct sigaction* before) {
  sigaction(signal, nullptr, before);
  if (before->sa_handler == SIG_IGN) return;
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

}  // namespace

void hear_checkpoint_requests() {
  struct sigaction before {};
  install(SIGUSR1, on_checkpoint, &before);
}

SignalGuard::SignalGuard() {
  user_watches = isatty(STDERR_FILENO) == 1;
  install(SIGINT, on_interrupt, &before_interrupt);
  install(SIGTERM, on_terminate, &before_terminate);
}

SignalGuard::~SignalGuard() {
  sigaction(SIGINT, &before_interrupt, nullptr);
  sigaction(SIGTERM, &before_terminate, nullptr);
}

Request take_request() {
  const bool saves = checkpoint.exchange(false);
  if (end != Request::none) return end;
  return saves ? Request::checkpoint : Request::none;
}

Request end_request() { return end; }

int exit_code_of(Request request) { return 128 + (request == Request::interrupt ? SIGINT : SIGTERM); }

std::string resume_command(const std::string& folder) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-,:@%";
  if (!folder.starts_with('-') && folder.find_first_not_of(kPlain) == std::string::npos)
    return "laconic resume " + folder;
  std::string quoted;
  for (const char c : folder) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return fmt::format("laconic resume '{}'", quoted);
}

}  // namespace laconic::cli
