// SPDX-License-Identifier: Apache-2.0
// The stages before round 0 and their durations, in one line of a terminal.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace laconic::cli {

/// Draws on standard error once a second. Draws nothing if standard error is not a terminal, and nothing in
/// the first second. The destructor erases the line.
class StageLine {
 public:
  using WallClock = std::chrono::steady_clock;
  struct Stage {
    std::string name;
    WallClock::time_point begin;
  };

  explicit StageLine(bool shows);
  ~StageLine();
  StageLine(const StageLine&) = delete;
  StageLine& operator=(const StageLine&) = delete;

  /// Begins the stage and ends the previous one.
  void begin(std::string_view stage);

  /// The current stage, then the earlier stages that took a second or more, as in "5 s constants; before: 31
  /// s reading kdd12". At most 79 characters.
  static std::string text(const std::vector<Stage>& stages, WallClock::time_point now);

 private:
  void draw_until(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Stage> stages_;
  bool drawn_ = false;
  std::jthread thread_;  // declared last, because the thread uses the other members
};

}  // namespace laconic::cli
