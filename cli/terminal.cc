// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/verbs.h"

namespace laconic::cli {
namespace {

/// The errno of the first failed write to standard output. Global, because the process has one standard
/// output.
std::atomic<int> output_error{0};
std::atomic<bool> output_is_muted{false};

/// Returns 0, or the errno of a failed write.
int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // another program made the stream non-blocking
      pollfd ready{.fd = descriptor, .events = POLLOUT, .revents = 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void open_standard_streams() {
  // A closed standard output is opened read-only, so that writes still fail. open() returns the lowest free
  // number. Without /dev/null the program can neither continue nor print an error.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) != -1) continue;
    if (open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY) != descriptor) _exit(kFailed);
  }
  // An empty handler instead of SIG_IGN, which child processes would inherit.
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  sigaction(SIGPIPE, &action, nullptr);
}

void write_out(std::string_view text) {
  if (output_is_muted) return;
  if (output_error != 0) return;  // otherwise the output would have a gap
  output_error = write_all(STDOUT_FILENO, text);
}

void mute_output() { output_is_muted = true; }

void write_err(std::string_view text) { write_all(STDERR_FILENO, text); }

int code_after_output(int code) {
  if (output_error == 0) return code;
  if (output_error == EPIPE) return code == kDone ? kReaderGone : code;
  print_err("laconic: standard output: cannot write: {}\n", std::strerror(output_error));
  return kFailed;
}

}  // namespace laconic::cli
