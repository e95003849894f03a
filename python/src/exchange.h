// SPDX-License-Identifier: Apache-2.0
// Exchanges of gradients: the messages of a star method, which Python code carries.
#pragma once

#include <pybind11/pybind11.h>

namespace laconic::python {

void bind_exchanges(pybind11::module_& module);

}  // namespace laconic::python
