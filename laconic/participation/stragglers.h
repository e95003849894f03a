// SPDX-License-Identifier: Apache-2.0
// Stragglers: which clients answer in time. Some models decide this directly. Others give the compute time of
// each client, and the server's policy sets how long it waits. A third kind waits for real processes, by a
// real clock (participation/real_clock.h).
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

/// How long the server waits: until `first` answers have arrived and the deadline, in seconds, has passed, or
/// until all answers have arrived. Without `first` and deadline it waits for all answers.
struct Policy {
  std::optional<double> deadline;
  std::optional<std::size_t> first;
};

class Stragglers {
 public:
  virtual ~Stragglers() = default;

  /// answering = the clients with an answer that arrives in time this round, ascending, possibly none. Every
  /// process draws the same: a pure function of the key, which must be a round's Key::common().
  virtual void draw(const Key& common, std::vector<std::uint32_t>& answering) const = 0;

  /// The number of clients.
  [[nodiscard]] virtual std::size_t clients() const = 0;

  /// p_i: the probability that client i is late in a round.
  [[nodiscard]] virtual double late(std::size_t client) const = 0;

  /// seconds[i] = the compute time of client i in this round, by the model. Returns how long the server
  /// waits: the clients that finish by then answer; infinite if it waits for all. Models without times clear
  /// `seconds` and return 0.
  virtual double delays(const Key& common, std::vector<double>& seconds) const = 0;

  /// Whether a real clock decides. draw() and late() then report the observations so far.
  [[nodiscard]] virtual bool is_real() const { return false; }

  /// A number that distinguishes models read from files; 0 for other models.
  [[nodiscard]] virtual std::uint32_t checksum() const { return 0; }
};

/// The probability of being late, if it is the same for all clients.
std::optional<double> common_lateness(const Stragglers& stragglers, std::size_t clients);
/// Statistics of late() over the clients.
MinMeanMax lateness(const Stragglers& stragglers, std::size_t clients);
/// Whether no client is ever late.
bool is_punctual(const Stragglers& stragglers, std::size_t clients);

/// loads[i] = the number of shards of client i: in models with times, the compute time grows with it. Throws
/// InputError for an unknown model, arguments out of range, and files that do not fit.
std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::span<const std::size_t> loads);
/// The same with one shard per client.
std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::size_t clients);

/// A row of the table behind make_stragglers, for `laconic list`.
struct StragglersRow {
  const char* name;
  const char* usage;
  const char* summary;
  std::unique_ptr<Stragglers> (*make)(Arguments& arguments, std::span<const std::size_t> loads);
  enum class Clock : std::uint8_t { none, modelled, real };
  Clock clock = Clock::none;  // the clock that decides which clients are late
};
std::span<const StragglersRow> straggler_models();

}  // namespace laconic
