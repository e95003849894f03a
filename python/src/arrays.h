// SPDX-License-Identifier: Apache-2.0
// Arguments of compressors and exchanges: arrays, messages, and what describes a vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <pybind11/numpy.h>

#include "calls.h"
#include "laconic/compress/compressor.h"
#include "laconic/core/error.h"
#include "laconic/core/vec.h"

namespace laconic::python {

/// Whether the entries are real numbers of any width: floating point, whole numbers or truth values.
inline bool has_real_numbers(const pybind11::array& array) {
  return std::string_view("fiub").find(array.dtype().kind()) != std::string_view::npos;
}

/// Calls f with a span over the entries of a vector of float32 or float64, without a copy. TypeError or InputError
/// if the array is not such a vector of `dim` entries.
template <class F>
auto with_entries(const pybind11::array& array, const std::string& what, std::size_t dim, F&& f) {
  const bool is_double = pybind11::isinstance<pybind11::array_t<double>>(array);
  if (!is_double && !pybind11::isinstance<pybind11::array_t<float>>(array)) {
    fail_type(fmt::format("{} has the dtype {}; need float32 or float64", what,
                          std::string(pybind11::str(array.dtype()))));
  }
  if (array.ndim() != 1 || array.shape(0) != static_cast<pybind11::ssize_t>(dim)) {
    throw InputError(fmt::format("{} has the shape {}; need ({},)", what,
                                 std::string(pybind11::str(array.attr("shape"))), dim));
  }
  if ((array.flags() & pybind11::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0)
    throw InputError(
        fmt::format("{} is not aligned; numpy.require(..., requirements=\"A\") copies it", what));
  if (dim > 1 && array.strides(0) != array.itemsize())
    throw InputError(fmt::format("{} is not contiguous; numpy.ascontiguousarray copies it", what));
  if (is_double) return f(View(static_cast<const double*>(array.data()), dim));
  return f(FloatView(static_cast<const float*>(array.data()), dim));
}

/// The stretch of a vector that is a matrix: begin, rows, cols.
using Matrix = std::tuple<std::size_t, std::size_t, std::size_t>;

/// Throws InputError for arguments out of range.
CompressorSetting setting_of(std::size_t dim, std::size_t workers, const std::string& wire,
                             const std::vector<Matrix>& matrices);

/// A read-only view of the bytes of an object with the buffer protocol.
class Bytes {
 public:
  explicit Bytes(const pybind11::object& object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) {
      PyErr_Clear();
      fail_type("the message is neither bytes nor a contiguous buffer of them");
    }
  }
  ~Bytes() { PyBuffer_Release(&view_); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  [[nodiscard]] std::span<const std::uint8_t> span() const {
    return {static_cast<const std::uint8_t*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

}  // namespace laconic::python
