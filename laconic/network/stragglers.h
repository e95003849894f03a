// SPDX-License-Identifier: Apache-2.0
// Who answers in time, by models without a clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "laconic/core/rng.h"
#include "laconic/core/spec.h"

namespace laconic {

class Stragglers {
 public:
  virtual ~Stragglers() = default;

  /// answering = the workers whose answer of this round arrives, ascending, perhaps none. Every process draws
  /// the same: a pure function of the key, which is a round's Key::common().
  virtual void draw(const Key& common, std::vector<std::uint32_t>& answering) const = 0;

  /// p_i: the probability that worker i is late in a round.
  [[nodiscard]] virtual double late(std::size_t worker) const = 0;
};

/// The probability of being late where it is the same for all workers.
std::optional<double> common_lateness(const Stragglers& stragglers, std::size_t workers);

/// Throws InputError for an unknown model, or arguments out of range.
std::unique_ptr<Stragglers> make_stragglers(const Spec& spec, std::size_t workers);

/// A row of the table behind make_stragglers, for `laconic list`.
struct StragglersRow {
  const char* name;
  const char* usage;
  const char* summary;
  std::unique_ptr<Stragglers> (*make)(Arguments& arguments, std::size_t workers);
};
std::span<const StragglersRow> straggler_models();

}  // namespace laconic
