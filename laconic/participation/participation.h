// SPDX-License-Identifier: Apache-2.0
// Participation: which clients take part in a round, and the weight of each one's message at the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "laconic/core/coin.h"
#include "laconic/core/rng.h"

namespace laconic {

struct Share {
  std::uint32_t client = 0;
  double weight = 0;
  std::uint32_t copy = 0;  // 1 for the second share of the same client in a round, and so on
};

class Participation {
 public:
  virtual ~Participation() = default;

  /// The shares by ascending client; a client may occur twice. Every process draws the same. Overwrites
  /// `out`.
  virtual void draw(const Key& common, std::vector<Share>& out) const = 0;
  [[nodiscard]] std::vector<Share> draw(const Key& common) const {
    std::vector<Share> shares;
    draw(common, shares);
    return shares;
  }

  /// The number of clients from which it draws.
  [[nodiscard]] virtual std::size_t clients() const = 0;
  /// Whether all clients take part in every round.
  [[nodiscard]] virtual bool complete() const = 0;
  /// Whether a client may occur twice in a round.
  [[nodiscard]] virtual bool repeats() const { return false; }
  /// The weight of each share, if it is the same for all shares of all rounds.
  [[nodiscard]] virtual std::optional<double> weight() const { return {}; }
};

/// All n >= 1 clients, each with weight 1/n.
std::unique_ptr<Participation> everyone(std::size_t clients);

/// All clients, client i with weight weights[i]. At least one.
std::unique_ptr<Participation> everyone_weighted(const std::vector<double>& weights);

/// All clients if the coin shows heads; otherwise `sample` draws from all clients, uniform and with
/// replacement, each with weight 1/sample: PP-MARINA (arXiv 2102.07845, Algorithm 4). sample >= 1. A round
/// without heads costs O(sample).
std::unique_ptr<Participation> sample_unless(SharedCoin coin, std::size_t clients, std::size_t sample);

/// `sample` clients, drawn uniformly and without replacement, each with weight 1/sample: FedAvg (arXiv
/// 1602.05629). 1 <= sample <= clients.
std::unique_ptr<Participation> sampled(std::size_t clients, std::size_t sample);

/// All clients in round 0. Later `sample` clients, drawn uniformly and without replacement, or each client by
/// itself with probability p. Each has weight 1/n, so that absent clients count as 0: EF21-PP (arXiv
/// 2110.03294) and DASHA-PP (arXiv 2205.15580). 1 <= sample <= clients, 0 < p <= 1.
std::unique_ptr<Participation> sampled_after_start(std::size_t clients, std::size_t sample);
std::unique_ptr<Participation> joining(std::size_t clients, double p);

}  // namespace laconic
