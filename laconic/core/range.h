// SPDX-License-Identifier: Apache-2.0
// Consecutive numbers, and how they are dealt out in blocks.
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

/// Block `part` of 0 .. count-1 dealt to `parts` in order: sizes differ by at most one, and are 0 for some
/// where there are more parts than numbers.
constexpr Range block_of(std::size_t count, std::size_t part, std::size_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace laconic
