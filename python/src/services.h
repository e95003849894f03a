// SPDX-License-Identifier: Apache-2.0
// The services: runs, sweeps, theory, advice, experiments of papers, figures and pages. Each takes the words of the
// command line. The package makes its results of the arrays and JSON texts that they return.
#pragma once

#include <pybind11/pybind11.h>

namespace laconic::python {

void bind_services(pybind11::module_& module);

}  // namespace laconic::python
