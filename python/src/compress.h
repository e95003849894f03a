// SPDX-License-Identifier: Apache-2.0
// Compressors on arrays, and compressors that are written in Python.
#pragma once

#include <pybind11/pybind11.h>

namespace laconic::python {

void bind_compressors(pybind11::module_& module);

}  // namespace laconic::python
