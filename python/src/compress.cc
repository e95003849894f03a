// SPDX-License-Identifier: Apache-2.0
#include "compress.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "arrays.h"
#include "calls.h"
#include "laconic/compress/compressor.h"
#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/message/message.h"
#include "laconic/message/registered.h"
#include "laconic/message/wire.h"

namespace laconic::python {
namespace {

namespace py = pybind11;

Key key_of(std::uint64_t seed, std::uint32_t round, std::uint32_t worker, std::uint32_t step) {
  return {.seed = seed, .round = round, .client = worker, .step = step};
}

/// A compressor for vectors of one length.
class ArrayCompressor {
 public:
  ArrayCompressor(const std::string& spec, std::size_t dim, std::size_t workers, const std::string& wire,
                  const std::vector<Matrix>& matrices)
      : setting_(setting_of(dim, workers, wire, matrices)) {
    const Spec parsed = parse(spec);
    name_ = print(parsed);
    compressor_ = make_compressor(parsed, setting_);
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const CompressorSetting& setting() const { return setting_; }
  [[nodiscard]] Bound bound() const { return compressor_->bound(); }

  [[nodiscard]] Message encode(const py::array& x, const Key& key) const {
    Message message;
    try {
      with_entries(x, "x", setting_.dim, [&](auto entries) {
        const GilRelease release;
        compress(key, entries, message);
      });
    } catch (const std::logic_error&) {  // only some compressors deal the coordinates among the workers
      if (key.client < setting_.clients) throw;
      throw InputError(
          fmt::format("worker = {}; {} was made for {} workers", key.client, name_, setting_.clients));
    }
    return message;
  }

 private:
  void compress(const Key& key, View x, Message& out) const { compressor_->compress(key, x, out); }
  void compress(const Key& key, FloatView x, Message& out) const {
    compressor_->compress_floats(key, x, out);
  }

  CompressorSetting setting_;
  std::string name_;
  std::unique_ptr<Compressor> compressor_;
};

py::array decode(const py::object& message, std::size_t dim, const Key& key, const py::object& out,
                 double weight) {
  if (dim >= kDimLimit) throw InputError(fmt::format("dim = {}; need dim < 2^32", dim));
  py::array to;
  if (out.is_none()) {
    py::array_t<double> zeros(static_cast<py::ssize_t>(dim));
    std::fill_n(zeros.mutable_data(), dim, 0.0);
    to = std::move(zeros);
  } else {
    if (!py::isinstance<py::array>(out)) fail_type("out is no NumPy array");
    to = py::reinterpret_borrow<py::array>(out);
    if (!to.writeable()) throw InputError("out is read-only");
  }
  const Bytes bytes(message);
  try {
    with_entries(to, "out", dim, [&]<class Value>(std::span<const Value> entries) {
      const GilRelease release;
      // The array is writeable, so its entries are not constants.
      decode_add(key, bytes.span(), weight, std::span<Value>(const_cast<Value*>(entries.data()), dim));
    });
  } catch (const RunError& error) {  // not the messages of a run: the caller's argument is wrong
    throw InputError(error.what());
  }
  return to;
}

/// A Python object that engine threads hold without the GIL.
class Held {
 public:
  explicit Held(py::object object) : object_(std::make_unique<py::object>(std::move(object))) {}
  ~Held() {
    if (Py_IsInitialized() == 0) {
      static_cast<void>(object_.release());  // the interpreter has ended, and its objects with it
      return;
    }
    const Gil gil;
    object_.reset();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  [[nodiscard]] const py::object& operator*() const { return *object_; }

 private:
  std::unique_ptr<py::object> object_;
};

py::tuple tuple_of(const Key& key) {
  return py::make_tuple(key.seed, key.round, key.client, key.step, key.copy);
}

/// A compressor with encode() in Python: encode(x, key, arguments) -> bytes.
class PythonCompressor final : public Compressor {
 public:
  PythonCompressor(std::string name, std::shared_ptr<Held> encode, py::dict arguments, const Bound& bound,
                   std::size_t dim)
      : name_(std::move(name)),
        encode_(std::move(encode)),
        arguments_(std::move(arguments)),
        bound_(bound),
        dim_(dim) {}

  void compress(const Key& key, View x, Message& out) const override {
    check(x.size() == dim_, "a registered compressor was made for another dim");
    const Gil gil;
    const py::array_t<double> copy(static_cast<py::ssize_t>(x.size()), x.data());
    const py::object payload = (**encode_)(copy, tuple_of(key), *arguments_);
    const Bytes bytes(payload);
    write_registered(name_, bytes.span(), out);
  }
  [[nodiscard]] Bound bound() const override { return bound_; }

 private:
  std::string name_;
  std::shared_ptr<Held> encode_;
  Held arguments_;
  Bound bound_;
  std::size_t dim_;
};

/// The numbers among the arguments of a spec, by the names of the parameters and their defaults.
py::dict arguments_of(const Spec& spec, const py::dict& parameters) {
  Arguments args(spec);
  py::dict values;
  std::size_t position = 0;
  for (const auto& [key, fallback] : parameters) {
    const std::string name = py::str(key);
    const double value = args.number(name, fallback.cast<double>(), position++);
    if (PyLong_Check(fallback.ptr()) == 0) {
      values[key] = value;
    } else if (value == std::floor(value) && std::abs(value) < 0x1p53) {
      values[key] = static_cast<std::int64_t>(value);
    } else {
      args.fail(fmt::format("{} = {}; need a whole number", name, value));
    }
  }
  args.done();
  return values;
}

/// Adds a compressor and the format of its messages. `encode` and `decode` take (x, key, arguments) and (payload,
/// dim, key); `promise` takes (dim, arguments) and returns (omega, alpha, floats), each a number or None.
void register_python_compressor(const std::string& name, const std::string& usage, const std::string& summary,
                                py::object encode, py::object decode, py::object promise,
                                py::dict parameters) {
  const auto held_encode = std::make_shared<Held>(std::move(encode));
  const auto held_decode = std::make_shared<Held>(std::move(decode));
  const auto held_promise = std::make_shared<Held>(std::move(promise));
  const auto held_parameters = std::make_shared<Held>(std::move(parameters));
  require_new(name, "compressor", compressors());
  register_format(
      {.name = name,
       .decode =
           [held_decode, name](const Key& key, std::span<const std::uint8_t> payload, MutView x) {
             const Gil gil;
             const py::bytes bytes(reinterpret_cast<const char*>(payload.data()), payload.size());
             const py::object decoded = (**held_decode)(bytes, x.size(), tuple_of(key));
             const py::array given = py::array::ensure(decoded);
             const bool is_real = given && has_real_numbers(given);
             const auto vector = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(
                 is_real ? given : py::array());
             if (!is_real || !vector || vector.ndim() != 1 ||
                 vector.shape(0) != static_cast<py::ssize_t>(x.size())) {
               PyErr_Clear();
               throw RunError(fmt::format("decode of {} returned {}; need an array of {} real numbers", name,
                                          std::string(py::repr(decoded)).substr(0, 100), x.size()));
             }
             std::copy_n(vector.data(), x.size(), x.begin());
           },
       .floats =
           [](std::span<const std::uint8_t> payload) { return static_cast<double>(payload.size()) / 4; }});
  register_compressor(
      {name, usage, summary,
       [=](const Spec& spec, const CompressorSetting& setting) -> std::unique_ptr<Compressor> {
         const Gil gil;
         py::dict arguments = arguments_of(spec, (**held_parameters).cast<py::dict>());
         const auto [omega, alpha, floats] =
             (**held_promise)(setting.dim, arguments)
                 .cast<std::tuple<std::optional<double>, std::optional<double>, double>>();
         // Methods send the vector itself where the compressor loses nothing, with alpha = 1.
         // These bytes are the caller's, and are sent in any case.
         constexpr double kAlmostOne = 1 - 1e-15;
         const Bound bound{.omega = omega,
                           .alpha = alpha ? std::optional(std::min(*alpha, kAlmostOne)) : alpha,
                           .density = static_cast<double>(setting.dim),
                           .floats = floats,
                           .A = omega.value_or(0) / static_cast<double>(setting.clients)};
         return std::make_unique<PythonCompressor>(name, held_encode, std::move(arguments), bound,
                                                   setting.dim);
       }});
}

}  // namespace

void bind_compressors(py::module_& module) {
  py::class_<Message>(module, "Message", py::buffer_protocol(), R"(The encoded bytes of one vector.

Bytes-like: `len(m)`, `bytes(m)`, `memoryview(m)`, and wherever a function takes a buffer. Equal to another
message, or to bytes, with the same content.)")
      .def(py::init([](const py::object& bytes) {
             const Bytes view(bytes);
             return Message{{view.span().begin(), view.span().end()}};
           }),
           py::arg("data"))
      .def_buffer([](Message& message) {
        return py::buffer_info(message.bytes.data(), static_cast<py::ssize_t>(message.bytes.size()), true);
      })
      .def("__len__", [](const Message& message) { return message.bytes.size(); })
      .def("__bytes__",
           [](const Message& m) {
             return py::bytes(reinterpret_cast<const char*>(m.bytes.data()), m.bytes.size());
           })
      .def("__eq__",
           [](const Message& message, const py::object& other) -> py::object {
             if (PyObject_CheckBuffer(other.ptr()) == 0)
               return py::reinterpret_borrow<py::object>(Py_NotImplemented);
             const Bytes view(other);
             return py::bool_(std::equal(message.bytes.begin(), message.bytes.end(), view.span().begin(),
                                         view.span().end()));
           })
      .def("__repr__",
           [](const Message& m) { return fmt::format("<laconic.Message of {} bytes>", m.bytes.size()); })
      .def(py::pickle(
          [](const Message& m) {
            return py::bytes(reinterpret_cast<const char*>(m.bytes.data()), m.bytes.size());
          },
          [](const py::bytes& bytes) {
            const Bytes view(bytes);
            return Message{{view.span().begin(), view.span().end()}};
          }))
      .def_property_readonly("bits", &Message::bits, "The length in bits.")
      .def(
          "floats", [](const Message& message, std::size_t dim) { return counted_floats(message, dim); },
          py::arg("dim"), "The number of values as the papers count them, in floats; `dim` is d.");

  py::class_<ArrayCompressor>(module, "Compressor", R"(A compressor of vectors with `dim` coordinates.

Made by `laconic.compressor()`. It has no state, and threads may share it.)")
      .def(py::init<const std::string&, std::size_t, std::size_t, const std::string&,
                    const std::vector<Matrix>&>(),
           py::arg("spec"), py::arg("dim"), py::arg("workers"), py::arg("wire"), py::arg("matrices"))
      .def_property_readonly("spec", &ArrayCompressor::name,
                             "The description, as `laconic.compressor()` and the key `method` take it.")
      .def_property_readonly(
          "dim", [](const ArrayCompressor& c) { return c.setting().dim; }, "The number d of coordinates.")
      .def_property_readonly(
          "workers", [](const ArrayCompressor& c) { return c.setting().clients; }, "The number n of clients.")
      .def_property_readonly(
          "wire", [](const ArrayCompressor& c) { return c.setting().wire == Wire::f32 ? "f32" : "f64"; },
          "The width of values in messages: f32 or f64.")
      .def_property_readonly(
          "omega", [](const ArrayCompressor& c) { return c.bound().omega; },
          "E|Q(x) - x|^2 <= omega |x|^2, if the compressor is unbiased; else None.")
      .def_property_readonly(
          "alpha", [](const ArrayCompressor& c) { return c.bound().alpha; },
          "E|C(x) - x|^2 <= (1 - alpha) |x|^2, if the compressor is contractive; else None.")
      .def_property_readonly(
          "density", [](const ArrayCompressor& c) { return c.bound().density; },
          "An upper bound of the expected number of non-zeros.")
      .def_property_readonly(
          "floats", [](const ArrayCompressor& c) { return c.bound().floats; },
          "The expected number of values in a message as the papers count them, in floats.")
      .def(
          "encode",
          [](const ArrayCompressor& c, const py::object& object, std::uint64_t seed, std::uint32_t round,
             std::uint32_t worker, std::uint32_t step) {
            if (!py::isinstance<py::array>(object)) {
              fail_type(fmt::format("x is no NumPy array ({})",
                                    std::string(py::str(py::type::handle_of(object).attr("__name__")))));
            }
            return c.encode(py::reinterpret_borrow<py::array>(object), key_of(seed, round, worker, step));
          },
          py::arg("x"), py::arg("seed") = 1, py::arg("round") = 0, py::arg("worker") = 0, py::arg("step") = 0,
          R"(The message that encodes C(x).

x is a contiguous array (dim,) of finite float32 or float64 numbers. It is read in place, and float32 numbers
give the bytes that they give as float64. All random draws are a function of (seed, round, worker, step), which
`laconic.decode()` needs too. Releases the GIL.

TypeError: another dtype. InputError: another shape, not contiguous or not aligned, or a worker that the compressor
does not have.)")
      .def("__repr__", [](const ArrayCompressor& c) {
        return fmt::format("<laconic.Compressor {}, dim={}>", c.name(), c.setting().dim);
      });

  module.def(
      "decode",
      [](const py::object& message, std::size_t dim, std::uint64_t seed, std::uint32_t round,
         std::uint32_t worker, std::uint32_t step, const py::object& out,
         double weight) { return decode(message, dim, key_of(seed, round, worker, step), out, weight); },
      py::arg("message"), py::arg("dim"), py::arg("seed") = 1, py::arg("round") = 0, py::arg("worker") = 0,
      py::arg("step") = 0, py::arg("out") = py::none(), py::arg("weight") = 1.0,
      R"(weight * C(x), decoded from the message of any compressor.

Returns a new float64 array (dim,). With `out`, a contiguous writeable array (dim,) of float32 or float64, adds to
it in place and returns it. seed, round, worker and step are those of `encode()`. Releases the GIL.

InputError (a ValueError): the bytes are not a message for dim coordinates; out may then be partly changed.
TypeError: message is no buffer, or out no array of these types.)");
  module.def("register_compressor", &register_python_compressor, py::arg("name"), py::arg("usage"),
             py::arg("summary"), py::arg("encode"), py::arg("decode"), py::arg("promise"),
             py::arg("parameters"));
}

}  // namespace laconic::python
