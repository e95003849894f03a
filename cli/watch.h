// SPDX-License-Identifier: Apache-2.0
// What the program shows and hears while a service works: stages and progress on a terminal, signals as requests.
#pragma once

#include <optional>
#include <string>

#include "cli/progress_bar.h"
#include "cli/signals.h"
#include "cli/stage_line.h"
#include "laconic/core/observer.h"

namespace laconic::cli {

/// From begin() to its own end SIGINT and SIGTERM are requests; before, they end the process. `shows`: on a rank
/// that speaks, the first.
class Watch final : public Observer {
 public:
  explicit Watch(bool shows = true) : stages_(std::in_place, shows), bar_(shows) {}

  void stage(const std::string& name) override;
  void begin() override;
  void progress(std::size_t done, std::size_t all, const std::function<std::string()>& text) override;
  void remark(const std::string& sentence) override;
  Request asked() override { return take_request(); }

 private:
  std::optional<SignalGuard> guard_;
  std::optional<StageLine> stages_;  // until rounds begin
  ProgressBar bar_;
};

}  // namespace laconic::cli
