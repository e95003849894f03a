// SPDX-License-Identifier: Apache-2.0
// Consecutive numbers, and their division into blocks.
#pragma once

#include <cstddef>

namespace laconic {

/// The numbers begin, ..., end - 1.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] std::size_t size() const { return end - begin; }
  [[nodiscard]] bool contains(std::size_t i) const { return begin <= i && i < end; }
};

/// Block `part` when 0 .. count-1 is divided into `parts` consecutive blocks. Block sizes differ by at most
/// one; some are 0 if there are more parts than numbers.
constexpr Range block_of(std::size_t count, std::size_t part, std::size_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace laconic
