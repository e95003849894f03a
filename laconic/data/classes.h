// SPDX-License-Identifier: Apache-2.0
// Labels as classes: the distinct labels, ascending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace laconic {

/// With more distinct labels than this, the labels are regression targets, not classes.
constexpr std::size_t kMostClasses = 1000;
/// The same limit for labels that are not all integers.
constexpr std::size_t kMostOddClasses = 20;

struct Classes {
  std::vector<double> labels;         // distinct, ascending
  std::vector<std::uint32_t> of_row;  // for each row, the index of its label in `labels`

  /// The number of these rows in each class.
  [[nodiscard]] std::vector<std::size_t> count(const std::vector<std::uint32_t>& rows) const;
};

/// Empty if there are more than kMostClasses.
std::optional<Classes> classes_of(const std::vector<double>& labels);

/// Throws InputError, beginning with `place`, if labels are not integers and too many to be classes.
void require_classes(const std::set<double>& distinct, const std::string& place);

/// Replaces the labels by false ones. Of classes, the k-th smallest label becomes the k-th largest (two
/// classes are swapped); numbers are negated.
void falsify(std::vector<double>& labels, bool classes);

/// The first ten labels, for messages: "1, 2, 3, ...".
std::string first_of(const std::set<double>& labels);

}  // namespace laconic
