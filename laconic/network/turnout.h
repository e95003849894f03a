// SPDX-License-Identifier: Apache-2.0
// Who takes part in a round, and with which weight the server counts what each one says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "laconic/core/rng.h"

namespace laconic {

struct Share {
  std::uint32_t worker = 0;
  double weight = 0;
};

class Turnout {
 public:
  virtual ~Turnout() = default;

  /// Ascending workers; one may be named twice. Every process draws the same. Valid until the next call.
  virtual const std::vector<Share>& draw(const Key& common) = 0;
};

/// All n workers, each with weight 1/n.
std::unique_ptr<Turnout> everyone(std::size_t workers);

}  // namespace laconic
