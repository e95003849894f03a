// SPDX-License-Identifier: Apache-2.0
// The terminal and the signals during a run: shows stages and progress, and passes signals on as requests.
#pragma once

#include <optional>
#include <string>

#include "cli/progress_bar.h"
#include "cli/signals.h"
#include "cli/stage_line.h"
#include "laconic/core/observer.h"

namespace laconic::cli {

/// From begin() to the end of its lifetime SIGINT and SIGTERM are requests; before begin() they end the
/// process. `shows` is true on the rank that prints, rank 0.
class Watch final : public Observer {
 public:
  explicit Watch(bool shows = true) : stages_(std::in_place, shows), bar_(shows) {}

  void stage(const std::string& name) override;
  void begin() override;
  void progress(std::size_t done, std::size_t all, const std::function<std::string()>& text) override;
  void remark(const std::string& sentence) override;
  Request asked() override { return take_request(); }
  Request asked_to_end() override { return end_request(); }

 private:
  std::optional<SignalGuard> guard_;
  std::optional<StageLine> stages_;  // until rounds begin
  ProgressBar bar_;
};

}  // namespace laconic::cli
