// SPDX-License-Identifier: Apache-2.0
// Problems across the border: a Python object as a problem of the engine, and a problem of the engine as an object
// of Python.
#pragma once

#include <memory>

#include <pybind11/pybind11.h>

#include "calls.h"
#include "laconic/problem/problem.h"

namespace laconic::python {

/// The problem that a Python object describes (laconic.Problem). Calls one gradient, so that an error in it is
/// found before round 0. The error of a callback goes to `error`. Needs the GIL; so does the last owner. Throws
/// InputError or a Python exception that names what was expected.
std::shared_ptr<const Problem> problem_of(const py::object& object, std::shared_ptr<FirstError> error);

void bind_problems(py::module_& module);

}  // namespace laconic::python
