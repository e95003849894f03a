// SPDX-License-Identifier: Apache-2.0
// How a server that has heard some of the workers makes a gradient of what they said: the weights of their
// messages. A round that none answers, or that cannot be decoded, weighs nothing: no step is taken in it.
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

  /// Sets the weights of the workers that answered, who are set already, ascending. May keep what it has worked out
  /// for other calls; no weight depends on that. For any thread.
  virtual void weigh(std::vector<Share>& answered) const = 0;

  /// Of how many workers, where the weights depend on it.
  [[nodiscard]] virtual std::optional<std::size_t> workers() const { return {}; }
  /// The weight of every answer, where it is the same whoever answers.
  [[nodiscard]] virtual std::optional<double> weight() const { return {}; }
};

/// `factor` / n (1 - p_i): unbiased, whoever is how often late, rounds without an answer included (Horvitz
/// and Thompson 1952; stochastic gradient coding, arXiv 1905.05383).
std::unique_ptr<Decoder> by_expectation(std::shared_ptr<const Stragglers> stragglers, std::size_t workers,
                                        double factor = 1);

/// `factor` / r of r answers: unbiased without knowing p, where all are equally likely to be late.
std::unique_ptr<Decoder> by_count(double factor = 1);

/// One weight for all. With 1/n what the absent would have said counts as 0, and of memories the mean stays
/// the mean (EF21).
std::unique_ptr<Decoder> equally(double weight);

/// Of fractional repetition, where the workers of a group say the same: 1/n for the lowest of each group that
/// answered, 0 for the rest. Groups without an answer are left out (ErasureHead, arXiv 1901.09671), or with
/// `exact` the round cannot be decoded.
std::unique_ptr<Decoder> one_of_each_group(const Allocation& fractional, bool exact);

/// a_i / n with |B_R' a - 1| least over the answers R, by an orthogonal decomposition: O(n r^2) for r
/// answers, kept for the last patterns of answers. With `exact`, a round in which that is not 0 (to 1e-7)
/// cannot be decoded (arXiv 1612.03301); else it counts as the best there is (arXiv 1711.06771).
std::unique_ptr<Decoder> by_least_squares(const Code& code, bool exact);

/// The workers that answer, weighed by the decoder. Both are of as many workers.
std::unique_ptr<Participation> answers(std::shared_ptr<const Stragglers> stragglers,
                                       std::unique_ptr<Decoder> decoder);

}  // namespace laconic
