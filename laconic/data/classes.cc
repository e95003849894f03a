// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/classes.h"

#include <algorithm>
#include <set>

namespace laconic {

std::vector<std::size_t> Classes::count(const std::vector<std::uint32_t>& rows) const {
  std::vector<std::size_t> counts(labels.size());
  for (const std::uint32_t row : rows) ++counts[of_row[row]];
  return counts;
}

std::optional<Classes> classes_of(const std::vector<double>& labels) {
  std::set<double> distinct;
  for (const double label : labels) {
    distinct.insert(label);
    if (distinct.size() > kMostClasses) return {};
  }
  Classes classes{{distinct.begin(), distinct.end()}, {}};
  classes.of_row.reserve(labels.size());
  for (const double label : labels) {
    const auto at = std::lower_bound(classes.labels.begin(), classes.labels.end(), label);
    classes.of_row.push_back(static_cast<std::uint32_t>(at - classes.labels.begin()));
  }
  return classes;
}

}  // namespace laconic
