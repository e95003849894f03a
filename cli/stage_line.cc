// SPDX-License-Identifier: Apache-2.0
#include "cli/stage_line.h"

#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/terminal.h"

namespace laconic::cli {
namespace {

constexpr std::chrono::seconds kTick(1);
constexpr std::size_t kMostCharacters = 79;

}  // namespace

StageLine::StageLine(bool shows) {
  if (!shows || isatty(STDERR_FILENO) != 1) return;
  try {
    thread_ = std::jthread([this](const std::stop_token& stop) { draw_until(stop); });
  } catch (const std::system_error&) {
    // The run does not need this thread, so it continues if the system refuses one.
  }
}

StageLine::~StageLine() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  if (drawn_) print_err("\r\x1b[K");
}

void StageLine::begin(std::string_view stage) {
  if (!thread_.joinable()) return;
  const std::lock_guard lock(mutex_);
  stages_.push_back({std::string(stage), WallClock::now()});
}

std::string StageLine::text(const std::vector<Stage>& stages, WallClock::time_point now) {
  std::string text;
  for (std::size_t k = stages.size(); k-- > 0;) {
    const bool lasts = k + 1 == stages.size();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
        (lasts ? now : stages[k + 1].begin) - stages[k].begin);
    if (lasts) {
      text = fmt::format("{} s {}", seconds.count(), stages[k].name);
    } else if (seconds >= kTick) {
      text += fmt::format("; before: {} s {}", seconds.count(), stages[k].name);
    }
  }
  return text.substr(0, kMostCharacters);
}

void StageLine::draw_until(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, stop, kTick, [&] { return stop.stop_requested(); })) {
    if (stages_.empty()) continue;
    print_err("\r{}\x1b[K", text(stages_, WallClock::now()));
    drawn_ = true;
  }
}

}  // namespace laconic::cli
