// SPDX-License-Identifier: Apache-2.0
// The progress of the program, in one line of a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace laconic::cli {

/// Draws on standard error, at most ten times a second. Draws nothing if standard error is not a terminal.
/// The destructor erases the line.
class ProgressBar {
 public:
  explicit ProgressBar(bool shows) : watched_(shows && isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (drawn_) print_err("\r\x1b[K");
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `text` is called only if the line is drawn.
  template <class Text>
  void show(std::size_t done, std::size_t all, Text text) {
    const auto now = WallClock::now();
    if (!watched_ || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    constexpr std::size_t kWidth = 30;
    const std::size_t filled = all == 0 ? kWidth : kWidth * done / all;
    print_err("\r[{:=<{}}{: <{}}] {}\x1b[K", "", filled, "", kWidth - filled, text());
    drawn_ = true;
  }

 private:
  using WallClock = std::chrono::steady_clock;

  bool watched_;
  bool drawn_ = false;
  WallClock::time_point shown_ = WallClock::now();
};

}  // namespace laconic::cli
