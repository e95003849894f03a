// SPDX-License-Identifier: Apache-2.0
// The workers that this process runs, and the threads that share them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "laconic/core/parallel.h"

namespace laconic {

class Fleet {
 public:
  /// The pool must outlive the fleet.
  explicit Fleet(ThreadPool& pool) : pool_(pool) {}

  [[nodiscard]] ThreadPool& pool() { return pool_; }

  /// body(entry) for each entry in [first, last), on any thread, in any order; returns when all are done.
  template <class Body>
  void for_each(std::size_t first, std::size_t last, Body&& body) {
    pool_.for_each(last - first, [&](std::size_t offset) { body(first + offset); });
  }

  /// How many entries of a round may be in memory at once when each holds `dim` doubles: enough to keep all
  /// threads busy, few enough that dense vectors of many workers never stand in memory together.
  [[nodiscard]] std::size_t window(std::size_t entries, std::size_t dim) const {
    constexpr std::size_t kDoubles = std::size_t{1} << 24;  // 128 MiB
    const std::size_t affordable = kDoubles / std::max<std::size_t>(dim, 1);
    return std::clamp(affordable, pool_.threads(), std::max(entries, pool_.threads()));
  }

 private:
  ThreadPool& pool_;
};

}  // namespace laconic
