// SPDX-License-Identifier: Apache-2.0
// Some of the numbers 0, 1, 2, ...
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "laconic/core/range.h"

namespace laconic {

/// A set of numbers below 2^32, in ascending order. 4 bytes a number; to find one is a binary search.
class IndexSet {
 public:
  IndexSet() = default;
  IndexSet(Range range) {  // NOLINT(google-explicit-constructor): a range is such a set
    numbers_.reserve(range.size());
    for (std::size_t i = range.begin; i < range.end; ++i) numbers_.push_back(static_cast<std::uint32_t>(i));
  }
  /// Of numbers in any order, some perhaps twice.
  explicit IndexSet(std::vector<std::uint32_t> numbers) : numbers_(std::move(numbers)) {
    std::sort(numbers_.begin(), numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
  }

  [[nodiscard]] std::size_t size() const { return numbers_.size(); }
  [[nodiscard]] auto begin() const { return numbers_.begin(); }
  [[nodiscard]] auto end() const { return numbers_.end(); }

  /// How many of them are smaller than i: where i is among them, its place.
  [[nodiscard]] std::size_t place_of(std::size_t i) const {
    return static_cast<std::size_t>(std::lower_bound(begin(), end(), i) - begin());
  }
  [[nodiscard]] bool contains(std::size_t i) const {
    const std::size_t place = place_of(i);
    return place < size() && numbers_[place] == i;
  }

 private:
  std::vector<std::uint32_t> numbers_;
};

}  // namespace laconic
