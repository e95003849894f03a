// SPDX-License-Identifier: Apache-2.0
// Who answers in time. Some models only say so; others say how long each worker computes, and the server has
// a policy: how long it waits. Or it waits for real processes, by a real clock (participation/real_clock.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/min_mean_max.h"
#include "laconic/core/rng.h"
#include "laconic/core/spec.h"

namespace laconic {

/// How long the server waits: until `first` answers are there and the deadline, in seconds, has passed, or
/// all answers are there; without either for all.
struct Policy {
  std::optional<double> deadline;
  std::optional<std::size_t> first;
};

class Stragglers {
 public:
  virtual ~Stragglers() = default;

  /// answering = the workers whose answer of this round arrives, ascending, perhaps none. Every process draws
  /// the same: a pure function of the key, which is a round's Key::common().
  virtual void draw(const Key& common, std::vector<std::uint32_t>& answering) const = 0;

  /// Of how many workers it says that.
  [[nodiscard]] virtual std::size_t workers() const = 0;

  /// p_i: the probability that worker i is late in a round.
  [[nodiscard]] virtual double late(std::size_t worker) const = 0;

  /// seconds[i] = how long worker i computes in this round, in the model; 0 where it does not know. Returns
  /// how long the server waits for that: those who are done by then answer; infinite where it waits for all.
  virtual double delays(const Key& common, std::vector<double>& seconds) const = 0;

  /// Whether a real clock decides: then draw() and late() say what was seen so far.
  [[nodiscard]] virtual bool is_real() const { return false; }

  /// A number that tells models read from files apart; 0 of others.
  [[nodiscard]] virtual std::uint32_t checksum() const { return 0; }
};

/// The probability of being late where it is the same for all workers.
std::optional<double> common_lateness(const Stragglers& stragglers, std::size_t workers);
/// Over the workers.
MinMeanMax lateness(const Stragglers& stragglers, std::size_t workers);
/// Whether no worker is ever late.
bool is_punctual(const Stragglers& stragglers, std::size_t workers);

/// loads[i] = how many shards worker i computes on: more take it longer, in models that say how long.
/// InputError for an unknown model, arguments out of range, and files that do not fit.
std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::span<const std::size_t> loads);
/// The same where each has one shard.
std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::size_t workers);

/// A row of the table behind make_stragglers, for `laconic list`.
struct StragglersRow {
  const char* name;
  const char* usage;
  const char* summary;
  std::unique_ptr<Stragglers> (*make)(Arguments& arguments, std::span<const std::size_t> loads);
  enum class Clock : std::uint8_t { none, modelled, real };
  Clock clock = Clock::none;  // by which workers are late
};
std::span<const StragglersRow> straggler_models();

}  // namespace laconic
