// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/classes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/core/error.h"

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

void require_classes(const std::set<double>& distinct, const std::string& place) {
  if (distinct.size() <= kMostOddClasses) return;
  const auto fraction =
      std::find_if(distinct.begin(), distinct.end(), [](double label) { return label != std::floor(label); });
  if (fraction == distinct.end()) return;
  throw InputError(
      fmt::format("{}: found {} distinct labels, {} among them: these are numbers to be fitted, as "
                  "least-squares does; need whole numbers, or at most {} labels, as classes",
                  place, distinct.size(), *fraction, kMostOddClasses));
}

void falsify(std::vector<double>& labels, bool classes) {
  const std::set<double> distinct =
      classes ? std::set<double>(labels.begin(), labels.end()) : std::set<double>();
  const std::vector<double> ascending(distinct.begin(), distinct.end());
  for (double& label : labels) {
    if (!classes) {
      label = -label;
      continue;
    }
    const auto at = std::lower_bound(ascending.begin(), ascending.end(), label);
    label = *(ascending.end() - 1 - (at - ascending.begin()));
  }
}

std::string first_of(const std::set<double>& labels) {
  constexpr std::size_t kMost = 10;
  std::string text;
  std::size_t shown = 0;
  for (const double label : labels) {
    if (shown == kMost) return text + ", ...";
    text += fmt::format("{}{}", shown++ == 0 ? "" : ", ", label);
  }
  return text;
}

}  // namespace laconic
