// SPDX-License-Identifier: Apache-2.0
// The extension module laconic._core, below the package in python/laconic/.
#include <exception>
#include <utility>

#include <pybind11/pybind11.h>

#include "calls.h"
#include "compress.h"
#include "exchange.h"
#include "federation.h"
#include "laconic/core/cpu.h"
#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "problem.h"
#include "services.h"

namespace py = pybind11;
using namespace laconic;

PYBIND11_MODULE(_core, module) {
  module.doc() = "The engine of laconic. Use the package laconic, which is made of it.";
  module.attr("__version__") = LACONIC_VERSION;
  py::register_exception<InputError>(module, "InputError", PyExc_ValueError).doc() =
      "The description, the data or an argument is wrong. One line: the place, and what was expected.";
  py::register_exception<RunError>(module, "RunError", PyExc_RuntimeError).doc() =
      "The run itself failed, for instance because a file was lost.";
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (const SharedFailure& failure) {
      // The classes registered above.
      const py::module_ core = py::module_::import("laconic._core");
      const py::object type = core.attr(failure.kind() == Failure::Kind::input ? "InputError" : "RunError");
      PyErr_SetString(type.ptr(), failure.what());
    }
  });
  try {
    use_cpu_of_environment();
  } catch (const InputError& error) {
    throw py::import_error(error.what());
  }
  module.def("end_calls", &python::end_calls);
  python::bind_problems(module);
  python::bind_compressors(module);
  python::bind_exchanges(module);
  python::bind_services(module);
  python::bind_federation(module);
}
