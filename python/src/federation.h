// SPDX-License-Identifier: Apache-2.0
// Runs across sites: the server and a site. In a build without sites they raise InputError.
#pragma once

#include <pybind11/pybind11.h>

namespace laconic::python {

void bind_federation(pybind11::module_& module);

}  // namespace laconic::python
