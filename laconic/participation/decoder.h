// SPDX-License-Identifier: Apache-2.0
// Decoders: the weights with which a server that received some of the answers combines them to a gradient. If
// no client answers, or the round cannot be decoded, all weights are 0 and the round makes no step.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "laconic/participation/code.h"
#include "laconic/participation/participation.h"
#include "laconic/participation/stragglers.h"

namespace laconic {

class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Sets the weights of the clients that answered; `answered` lists them, ascending. May cache results for
  /// other calls; no weight depends on the cache. Thread-safe.
  virtual void weigh(std::vector<Share>& answered) const = 0;

  /// The number of clients, if the weights depend on it.
  [[nodiscard]] virtual std::optional<std::size_t> clients() const { return {}; }
  /// The weight of every answer, if it is the same for every set of answers.
  [[nodiscard]] virtual std::optional<double> weight() const { return {}; }
};

/// `factor` / n (1 - p_i): unbiased for any probabilities of being late, including rounds without an answer
/// (Horvitz and Thompson 1952; stochastic gradient coding, arXiv 1905.05383).
std::unique_ptr<Decoder> by_expectation(std::shared_ptr<const Stragglers> stragglers, std::size_t clients,
                                        double factor = 1);

/// `factor` / r for r answers: unbiased without knowledge of p, if all clients are equally likely to be late.
std::unique_ptr<Decoder> by_count(double factor = 1);

/// One weight for all answers. With 1/n, missing answers count as 0, and the mean of memories stays their
/// mean (EF21).
std::unique_ptr<Decoder> equally(double weight);

/// For fractional repetition, where all clients of a group send the same: 1/n for the lowest client of each
/// group that answered, 0 for the others. Groups without an answer are omitted (ErasureHead, arXiv
/// 1901.09671); with `exact`, the round then cannot be decoded.
std::unique_ptr<Decoder> one_of_each_group(const Allocation& fractional, bool exact);

/// a_i / n, where a minimises |B_R' a - 1| over the answers R, by an orthogonal decomposition: O(n r^2) for r
/// answers. The solutions for recent sets of answers are cached. With `exact`, a round with a minimum other
/// than 0 (to 1e-7) cannot be decoded (arXiv 1612.03301); otherwise the minimiser is used (arXiv 1711.06771).
std::unique_ptr<Decoder> by_least_squares(const Code& code, bool exact);

/// The clients that answer, with the weights of the decoder. Both arguments must be for the same number of
/// clients.
std::unique_ptr<Participation> answers(std::shared_ptr<const Stragglers> stragglers,
                                       std::unique_ptr<Decoder> decoder);

}  // namespace laconic
