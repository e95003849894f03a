// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/labelled_data.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <variant>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/data/classes.h"

namespace laconic {

LabelledRows::LabelledRows(const Dataset& data, const std::vector<std::uint32_t>& row_numbers,
                           const Vector& classes, bool bias)
    : columns_(data.columns), bias_(bias), pixels_(std::holds_alternative<PixelRows>(data.features)) {
  for (const std::uint32_t row : row_numbers) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), data.labels[row]);
    check(at != classes.end() && *at == data.labels[row], "a row has a label that is no class");
    class_.push_back(static_cast<double>(at - classes.begin()));
    if (pixels_) {
      const auto first = std::get<PixelRows>(data.features).pixel.begin() +
                         static_cast<std::ptrdiff_t>(data.place_of(row) * columns_);
      pixel_.insert(pixel_.end(), first, first + static_cast<std::ptrdiff_t>(columns_));
      continue;
    }
    const auto add = [&](std::uint32_t column, double value) {
      sparse_.column.push_back(column);
      sparse_.value.push_back(value);
    };
    for_each_entry(data, row, add);
    if (bias_) add(static_cast<std::uint32_t>(columns_), 1.0);
    sparse_.begin.push_back(sparse_.column.size());
  }
  // A run may keep a hundred thousand of these objects.
  class_.shrink_to_fit();
  pixel_.shrink_to_fit();
  sparse_.begin.shrink_to_fit();
  sparse_.column.shrink_to_fit();
  sparse_.value.shrink_to_fit();
}

LabelledData label_rows(const Dataset& data, const Shards& shards, const ModelOptions& options,
                        const std::optional<Dataset>& test, const std::optional<IndexSet>& own) {
  require_usable(data, shards, options);
  const std::set<double> distinct(data.labels.begin(), data.labels.end());
  if (distinct.size() < 2) {
    throw InputError(fmt::format("{}: found 1 distinct label ({}); need at least 2 to tell rows apart",
                                 data.name, *distinct.begin()));
  }
  require_classes(distinct, data.name);
  if (test) require_test_fits(*test, data);
  const Vector classes(distinct.begin(), distinct.end());
  LabelledData labelled{
      .columns = data.columns + (options.bias ? 1 : 0),
      .classes = classes.size(),
      .shards = {shards.size(), own,
                 [&](std::size_t i) { return LabelledRows(data, shards[i], classes, options.bias); }},
      .rows = {},
      .test = {},
      .checksum = data.checksum};
  for (const auto& row_numbers : shards) labelled.rows.push_back(row_numbers.size());
  if (test) {
    labelled.test.emplace(*test, all_rows(test->rows), classes, options.bias);
    // The checksum depends on both sets; a set that is its own test set must not cancel out.
    labelled.checksum = labelled.checksum * 31 + test->checksum;
  }
  return labelled;
}

LabelledData label_rows(const GeneratedOptions& data, std::size_t clients, const ModelOptions& options,
                        const std::optional<IndexSet>& own) {
  Vector classes(data.classes);
  std::iota(classes.begin(), classes.end(), 0.0);
  const std::vector<std::uint32_t> rows = all_rows(data.rows);
  const auto generator = make_generator(data);
  return {.columns = data.columns + (options.bias ? 1 : 0),
          .classes = data.classes,
          .shards = {clients, own,
                     [&](std::size_t i) {
                       return LabelledRows(generator->rows_of(i), rows, classes, options.bias);
                     }},
          .rows = std::vector<std::size_t>(clients, data.rows),
          .test = {},
          .checksum = 0};
}

}  // namespace laconic
