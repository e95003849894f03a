// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.h"

#include "cli/terminal.h"

namespace laconic::cli {

void Watch::stage(const std::string& name) {
  if (stages_) stages_->begin(name);
}

void Watch::begin() {
  stages_.reset();
  if (!guard_) guard_.emplace();
}

void Watch::progress(std::size_t done, std::size_t all, const std::function<std::string()>& text) {
  bar_.show(done, all, text);
}

void Watch::remark(const std::string& sentence) { print_err("laconic: {}\n", sentence); }

}  // namespace laconic::cli
