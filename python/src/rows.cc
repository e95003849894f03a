// SPDX-License-Identifier: Apache-2.0
#include "rows.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

#include <pybind11/stl.h>

namespace laconic::python {
namespace {

template <class Entry>
Entry entry_of(std::size_t value) {
  return static_cast<Entry>(value);
}
template <class Entry>
Entry entry_of(double value) {
  return value;
}
template <class Entry>
Entry entry_of(const std::optional<double>& value) {
  return value.value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

void Rows::record(const Row& row, const Timing& /*timing*/) {
  rows_.push_back(row);
  if (on_row_.is_none()) return;
  tell(*error_, [&] {
    py::dict columns;
    for_each_column(row, [&](const char* name, const auto& value) { columns[name] = value; });
    on_row_(row.round, columns);
  });
}

template <class Value>
py::array Rows::column(std::size_t wanted) const {
  using Entry = std::conditional_t<std::is_same_v<Value, std::size_t>, std::int64_t, double>;
  py::array_t<Entry> array(static_cast<py::ssize_t>(rows_.size()));
  Entry* to = array.mutable_data();
  for (const Row& row : rows_) {
    std::size_t c = 0;
    for_each_column(row, [&](const char*, const auto& value) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, Value>) {
        if (c == wanted) *to++ = entry_of<Entry>(value);
      }
      ++c;
    });
  }
  return py::array(array);
}

py::dict Rows::columns() const {
  const bool has_accuracy = std::any_of(
      rows_.begin(), rows_.end(), [](const Row& row) { return row.train_accuracy || row.test_accuracy; });
  py::dict arrays;
  const Row row;
  std::size_t c = 0;
  for_each_column(row, [&](const char* name, const auto& member) {
    using Value = std::decay_t<decltype(member)>;
    if (!std::is_same_v<Value, std::optional<double>> || has_accuracy) arrays[name] = column<Value>(c);
    ++c;
  });
  return arrays;
}

py::dict dict_of(const RunResult& result, const Rows& rows) {
  py::dict end;
  end["trace"] = rows.columns();
  end["x"] = py::array_t<double>(static_cast<py::ssize_t>(result.x.size()), result.x.data());
  end["summary"] = result.json;
  end["warnings"] = result.sentences;
  return end;
}

}  // namespace laconic::python
