// SPDX-License-Identifier: Apache-2.0
// All that the program says to people goes through here. What they hear may be lost: a terminal is closed, a
// reader leaves, a disk is full. That never ends a run, and nothing here throws for it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace laconic::cli {

/// The first call in main(). Standard streams that are closed are opened on /dev/null: else the first file that
/// the program opens would take their place, and messages would be written into it. A write to a pipe without a
/// reader fails from here on, and no longer ends the process.
void open_standard_streams();

/// Writes the text at once. A failure is remembered for code_after_output().
void write_out(std::string_view text);
/// The same on standard error, where a failure is ignored.
void write_err(std::string_view text);

template <class... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  write_err(fmt::format(format, std::forward<Args>(args)...));
}

/// The exit code of a verb whose result is in no file but was printed: `code` where all of it was written. Else
/// kFailed, after a message; or silently kReaderGone where the reader of a pipe has left, as `head` does.
int code_after_output(int code);

}  // namespace laconic::cli
