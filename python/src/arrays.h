// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <pybind11/numpy.h>

namespace laconic::python {

/// Whether the entries are real numbers of any width: floating point, whole numbers or truth values.
inline bool has_real_numbers(const pybind11::array& array) {
  return std::string_view("fiub").find(array.dtype().kind()) != std::string_view::npos;
}

}  // namespace laconic::python
