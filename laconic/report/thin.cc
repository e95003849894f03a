// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/thin.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace laconic {
namespace {

/// The first row at or below each power of ten that the column reaches; 0 is below all of them.
std::vector<std::size_t> first_below_powers(const std::vector<double>& column) {
  std::vector<std::size_t> rows;
  double power = INFINITY;  // the next power to reach
  for (std::size_t r = 0; r < column.size(); ++r) {
    const double value = column[r];
    if (!(value <= power) || value < 0) continue;
    rows.push_back(r);
    if (value == 0) break;
    power = std::pow(10.0, std::ceil(std::log10(value)));
    while (power >= value) power /= 10;  // skips all powers that this row has reached, including rounding
  }
  return rows;
}

}  // namespace

std::vector<std::size_t> rows_to_show(const Table& trace, std::size_t limit) {
  const std::size_t count = trace.values.empty() ? 0 : trace.values[0].size();
  std::vector<std::size_t> rows;
  if (count <= limit) {
    rows.resize(count);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    return rows;
  }
  // Evaluations are evenly spaced, so the index of a row represents its round.
  const double last = static_cast<double>(count - 1);
  const std::size_t evenly = limit / 2;
  const std::size_t by_logarithm = limit - evenly;
  const auto share = [](std::size_t i, std::size_t of) {
    return of < 2 ? 0.0 : static_cast<double>(i) / static_cast<double>(of - 1);
  };
  for (std::size_t i = 0; i < evenly; ++i)
    rows.push_back(static_cast<std::size_t>(std::lround(last * share(i, evenly))));
  for (std::size_t i = 0; i < by_logarithm; ++i)
    rows.push_back(static_cast<std::size_t>(std::lround(std::pow(last + 1, share(i, by_logarithm)) - 1)));
  rows.front() = 0;
  rows.back() = count - 1;
  if (const auto* norm = trace.column("grad_norm_sq")) {
    const std::vector<std::size_t> reached = first_below_powers(*norm);
    rows.insert(rows.end(), reached.begin(), reached.end());
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

Table with_rows(const Table& table, const std::vector<std::size_t>& rows) {
  Table few{.columns = table.columns, .values = {}};
  for (const std::vector<double>& column : table.values) {
    std::vector<double>& some = few.values.emplace_back();
    some.reserve(rows.size());
    for (const std::size_t row : rows) some.push_back(column[row]);
  }
  return few;
}

}  // namespace laconic
