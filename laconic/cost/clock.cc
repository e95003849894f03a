// SPDX-License-Identifier: Apache-2.0
#include "laconic/cost/clock.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "laconic/core/error.h"

namespace laconic {

Clock::Clock(std::size_t clients, std::vector<Link> links, std::vector<double> seconds_a_gradient,
             std::shared_ptr<const Stragglers> stragglers, std::uint64_t seed)
    : clients_(clients),
      links_(std::move(links)),
      seconds_a_gradient_(std::move(seconds_a_gradient)),
      stragglers_(std::move(stragglers)),
      seed_(seed) {
  check(!stragglers_ || stragglers_->clients() == clients,
        "a clock of stragglers of another number of clients");
  if (links_.empty()) links_.emplace_back();
  if (seconds_a_gradient_.empty()) seconds_a_gradient_.push_back(0);
}

double Clock::seconds(std::size_t round, std::span<const Turn> turns) const {
  double sum = 0;
  std::vector<double> delays;  // of this round; used in its first turn only
  double wait = 0;
  if (stragglers_ && !turns.empty())
    wait = stragglers_->delays(Key{seed_, static_cast<std::uint32_t>(round)}.common(), delays);
  if (std::isinf(wait)) wait = 0;  // no limit: a turn waits for its own clients only
  for (const Turn& turn : turns) {
    sum += seconds(turn, delays, wait);
    wait = 0;
    delays.clear();
  }
  return sum;
}

double Clock::seconds(const Turn& turn, std::span<const double> delays, double wait) const {
  struct Sum {
    bool is_there = false;
    double computing = 0;
    double bits_out = 0;
    double bits_in = 0;
  };
  std::vector<Sum> sums(clients_);
  for (const Turn::Client& client : turn.clients) {
    Sum& sum = sums[client.number];
    sum.is_there = true;
    sum.computing +=
        seconds_a_gradient_[client.number % seconds_a_gradient_.size()] * static_cast<double>(client.calls);
    sum.bits_out += client.bits_out;
    sum.bits_in += client.bits_in;
  }
  double speaking = 0;
  double hearing = 0;
  for (std::size_t i = 0; i < clients_; ++i) {
    const Sum& sum = sums[i];
    const Link& link = links_[i % links_.size()];
    const double told = turn.server_speaks ? link.seconds_down(turn.bits_of_server) : 0;
    speaking = std::max(speaking, told + wait);
    if (!sum.is_there) continue;
    const double delay = delays.empty() ? 0 : delays[i];
    const double sending = sum.bits_out > 0 ? link.seconds_up(sum.bits_out) : 0;
    speaking = std::max(speaking, told + sum.computing + delay + sending);
    if (turn.among_clients) hearing = std::max(hearing, link.seconds_down(sum.bits_in));
  }
  return speaking + hearing;
}

}  // namespace laconic
