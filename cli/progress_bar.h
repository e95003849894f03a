// SPDX-License-Identifier: Apache-2.0
// The progress of the program: one line of a terminal, or without a terminal a line now and then.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace laconic::cli {

/// "12 s", "3 min", "2.5 h".
inline std::string duration_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

/// Writes on standard error. On a terminal it draws one line at most ten times a second, and the destructor
/// erases it. Elsewhere it writes a line after 10 s, and then at intervals that double up to 10 min.
class ProgressBar {
 public:
  using WallClock = std::chrono::steady_clock;

  explicit ProgressBar(bool shows) : shows_(shows), is_terminal_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressBar() {
    if (drawn_) print_err("\r\x1b[K");
  }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `text` is called only if it is written.
  template <class Text>
  void show(std::size_t done, std::size_t all, Text text) {
    if (!shows_) return;
    const auto now = WallClock::now();
    if (!first_) first_ = {now, done};
    if (now - shown_ < (is_terminal_ ? kRedraw : interval_)) return;
    shown_ = now;
    const std::string line = text() + left_text(done, all, now);
    if (is_terminal_) {
      const std::size_t filled = all == 0 ? kWidth : kWidth * std::min(done, all) / all;
      print_err("\r[{:=<{}}{: <{}}] {}\x1b[K", "", filled, "", kWidth - filled, line);
      drawn_ = true;
    } else {
      print_err("laconic: {}\n", line);
      interval_ = std::min<WallClock::duration>(2 * interval_, kLongest);
    }
  }

  /// ", about 12 s left", from the speed so far; "" before the first unit is done.
  [[nodiscard]] std::string left_text(std::size_t done, std::size_t all, WallClock::time_point now) const {
    if (!first_ || done <= first_->done || all <= done) return "";
    const double seconds = std::chrono::duration<double>(now - first_->at).count();
    const double a_unit = seconds / static_cast<double>(done - first_->done);
    return fmt::format(", about {} left", duration_text(a_unit * static_cast<double>(all - done)));
  }

 private:
  static constexpr std::size_t kWidth = 30;
  static constexpr WallClock::duration kRedraw = std::chrono::milliseconds(100);
  static constexpr WallClock::duration kLongest = std::chrono::minutes(10);

  struct Begin {
    WallClock::time_point at;
    std::size_t done;  // a resumed run does not begin at 0
  };

  bool shows_;
  bool is_terminal_;
  bool drawn_ = false;
  std::optional<Begin> first_;
  WallClock::time_point shown_ = WallClock::now();
  WallClock::duration interval_ = std::chrono::seconds(10);
};

}  // namespace laconic::cli
