// SPDX-License-Identifier: Apache-2.0
// What the program does before round 0, and for how long, in one line of a terminal that is watched.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace laconic::cli {

/// Draws on standard error once a second; nothing where that is no terminal, and nothing in the first
/// second. Wipes itself.
class StageLine {
 public:
  using Clock = std::chrono::steady_clock;
  struct Stage {
    std::string name;
    Clock::time_point begin;
  };

  explicit StageLine(bool shows);
  ~StageLine();
  StageLine(const StageLine&) = delete;
  StageLine& operator=(const StageLine&) = delete;

  /// That stage begins; the one before it is over.
  void begin(std::string_view stage);

  /// The stage that lasts, then those before it that took a second or more, as in
  /// "5 s constants; before: 31 s reading kdd12". At most 79 characters.
  static std::string text(const std::vector<Stage>& stages, Clock::time_point now);

 private:
  void draw_until(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Stage> stages_;
  bool drawn_ = false;
  std::jthread thread_;  // the last member: its thread uses the others
};

}  // namespace laconic::cli
