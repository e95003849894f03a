// SPDX-License-Identifier: Apache-2.0
// The rows of a run as NumPy arrays.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <pybind11/numpy.h>

#include "calls.h"
#include "laconic/experiment/run.h"
#include "laconic/report/columns.h"

namespace laconic::python {

/// Keeps the rows, and calls `on_row`, unless that is None, with the round and a dict of the columns.
class Rows final : public Recorder {
 public:
  Rows(py::object on_row, std::shared_ptr<FirstError> error)
      : on_row_(std::move(on_row)), error_(std::move(error)) {}

  void record(const Row& row, const Timing& timing) override;
  /// An array for each column of trace.csv; what was not measured is NaN.
  [[nodiscard]] py::dict columns() const;

 private:
  template <class Value>
  [[nodiscard]] py::array column(std::size_t wanted) const;

  py::object on_row_;
  std::shared_ptr<FirstError> error_;
  std::vector<Row> rows_;
};

/// What the package makes a Run of. Call with the GIL.
py::dict dict_of(const RunResult& result, const Rows& rows);

}  // namespace laconic::python
