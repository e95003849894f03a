// SPDX-License-Identifier: Apache-2.0
// All output of the program for people goes through here. Output may be lost: a terminal is closed, a reader
// exits, a disk is full. That never ends a run, and no function here throws because of it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace laconic::cli {

/// Must be the first call in main(). Opens closed standard streams on /dev/null; otherwise the first file
/// that the program opens would get their number and receive its messages. From here on a write to a pipe
/// without a reader fails instead of ending the process.
void open_standard_streams();

/// Writes the text at once. A failure is stored for code_after_output().
void write_out(std::string_view text);
/// From here on write_out() writes nothing.
void mute_output();
/// The same as write_out() on standard error, where a failure is ignored.
void write_err(std::string_view text);

template <class... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  write_err(fmt::format(format, std::forward<Args>(args)...));
}

/// The exit code of a verb that prints its result and writes no file. Returns `code` if everything was
/// written. Otherwise returns kFailed after a message, or kReaderGone without one if the reader of a pipe has
/// exited, as `head` does.
int code_after_output(int code);

}  // namespace laconic::cli
