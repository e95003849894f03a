// SPDX-License-Identifier: Apache-2.0
// Stragglers in real time, without a model: a server with a real clock (served/served.h) reports what it
// observed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "laconic/core/error.h"
#include "laconic/core/vec.h"
#include "laconic/participation/stragglers.h"

namespace laconic {

class RealClock final : public Stragglers {
 public:
  /// `patience` > 0: seconds without a sign of life after which a process counts as lost. `answer_within` > 0:
  /// seconds for which the server waits for a process that gives signs of life and does not answer.
  RealClock(std::size_t clients, const Policy& policy, double patience,
            double answer_within = std::numeric_limits<double>::infinity())
      : policy_(policy), patience_(patience), answer_within_(answer_within), late_(clients, 0.0) {
    check(patience > 0 && answer_within > 0, "a real clock needs patience > 0");
  }
  /// One with the same settings, for other clients.
  [[nodiscard]] std::shared_ptr<RealClock> with(std::size_t clients) const {
    return std::make_shared<RealClock>(clients, policy_, patience_, answer_within_);
  }

  /// From now on clients() are these alone, ascending, and draw() and late() number them from 0. hear(),
  /// learn() and seen() are of all clients still.
  void number(std::vector<std::uint32_t> members) { members_ = std::move(members); }

  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] double patience() const { return patience_; }
  [[nodiscard]] double answer_within() const { return answer_within_; }

  /// Sets the clients that answered this round in time, ascending. draw() returns them until the next call.
  void hear(std::span<const std::uint32_t> answering) {
    answering_.assign(answering.begin(), answering.end());
  }
  /// Updates late() of the clients that are not gone, for the next rounds. late() is an exponential average:
  /// a round weighs 0.05, and the value is at most 0.95. Rounds without any answer are ignored.
  void learn(const std::vector<bool>& gone) {
    if (answering_.empty()) return;
    auto next = answering_.begin();
    for (std::uint32_t i = 0; i < late_.size(); ++i) {
      const bool answered = next != answering_.end() && *next == i;
      if (answered) ++next;
      if (gone[i]) continue;
      late_[i] = std::min(kMost, late_[i] + kWeight * ((answered ? 0 : 1) - late_[i]));
    }
  }

  void draw(const Key& /*common*/, std::vector<std::uint32_t>& answering) const override {
    answering = answering_;
    if (!members_) return;
    for (std::uint32_t& client : answering) {
      const auto at = std::lower_bound(members_->begin(), members_->end(), client);
      client = static_cast<std::uint32_t>(at - members_->begin());
    }
  }
  [[nodiscard]] std::size_t clients() const override { return members_ ? members_->size() : late_.size(); }
  [[nodiscard]] double late(std::size_t client) const override {
    return late_[members_ ? (*members_)[client] : client];
  }
  double delays(const Key& /*common*/, std::vector<double>& seconds) const override {
    seconds.clear();
    return 0;
  }
  [[nodiscard]] bool is_real() const override { return true; }

  /// late() of all clients, to save or restore it.
  [[nodiscard]] MutView seen() { return late_; }

 private:
  static constexpr double kWeight = 0.05;
  static constexpr double kMost = 0.95;

  Policy policy_;
  double patience_;
  double answer_within_;
  std::optional<std::vector<std::uint32_t>> members_;
  std::vector<std::uint32_t> answering_;
  Vector late_;
};

}  // namespace laconic
