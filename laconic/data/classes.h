// SPDX-License-Identifier: Apache-2.0
// Labels as classes: the distinct ones, ascending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace laconic {

/// More distinct labels than this are numbers to be fitted, not classes.
constexpr std::size_t kMostClasses = 1000;
/// The same of labels that are not all whole numbers.
constexpr std::size_t kMostOddClasses = 20;

struct Classes {
  std::vector<double> labels;         // distinct, ascending
  std::vector<std::uint32_t> of_row;  // one a row: which of them it has

  /// How many of these rows each class has.
  [[nodiscard]] std::vector<std::size_t> count(const std::vector<std::uint32_t>& rows) const;
};

/// Nothing where there are more than kMostClasses.
std::optional<Classes> classes_of(const std::vector<double>& labels);

/// InputError that begins with `place` where labels are fractions, and too many to name classes.
void require_classes(const std::set<double>& distinct, const std::string& place);

/// The first ten, for messages: "1, 2, 3, ...".
std::string first_of(const std::set<double>& labels);

}  // namespace laconic
