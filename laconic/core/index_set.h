// SPDX-License-Identifier: Apache-2.0
// A set of natural numbers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "laconic/core/range.h"

namespace laconic {

/// A set of numbers below 2^32, in ascending order. Memory: 4 bytes a number. A lookup is a binary search.
class IndexSet {
 public:
  IndexSet() = default;
  IndexSet(Range range) {  // NOLINT(google-explicit-constructor): a range is such a set
    numbers_.reserve(range.size());
    for (std::size_t i = range.begin; i < range.end; ++i) numbers_.push_back(static_cast<std::uint32_t>(i));
  }
  /// `numbers` may be unordered and may contain duplicates.
  explicit IndexSet(std::vector<std::uint32_t> numbers) : numbers_(std::move(numbers)) {
    std::sort(numbers_.begin(), numbers_.end());
    numbers_.erase(std::unique(numbers_.begin(), numbers_.end()), numbers_.end());
  }

  [[nodiscard]] std::size_t size() const { return numbers_.size(); }
  [[nodiscard]] auto begin() const { return numbers_.begin(); }
  [[nodiscard]] auto end() const { return numbers_.end(); }

  /// How many elements are smaller than i. If i is an element, this is its position.
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
