// SPDX-License-Identifier: Apache-2.0
#include "exchange.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <zlib.h>

#include "arrays.h"
#include "calls.h"
#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/message/message.h"
#include "laconic/message/wire.h"
#include "laconic/methods/exchange_plan.h"
#include "laconic/rounds/exchange.h"

namespace laconic::python {
namespace {

namespace py = pybind11;

std::uint32_t crc_of(std::uint32_t start, const void* data, std::size_t bytes) {
  return static_cast<std::uint32_t>(crc32_z(start, static_cast<const Bytef*>(data), bytes));
}

/// The arguments of an exchange, checked.
struct Described {
  std::string spec;  // the method
  ClientPlan plan;
  std::string text;  // all of them in one line
};

/// Throws InputError.
Described describe_exchange(const std::string& spec, std::size_t dim, std::size_t workers,
                            std::uint32_t worker, const std::string& wire, const std::string& dtype,
                            std::uint64_t seed, std::optional<double> momentum,
                            const std::vector<Matrix>& matrices) {
  const CompressorSetting sizes = setting_of(dim, workers, wire, matrices);
  if (worker >= workers) throw InputError(fmt::format("worker = {}; need 0 <= worker < {}", worker, workers));
  if (dtype != "float32" && dtype != "float64")
    throw InputError(fmt::format("dtype = {}; need float32 or float64", dtype));
  const ExchangeSetting setting{
      .dim = dim, .clients = workers, .wire = sizes.wire, .blocks = sizes.blocks, .momentum = momentum};
  const auto parsed = of_text("spec", [&] { return parse(spec); });
  Described described;
  described.plan = of_text("spec", [&] { return plan_of_exchange(parsed, setting); });
  described.spec = print(method_of_exchange(parsed, setting));
  described.text = fmt::format("{} dim={} workers={} wire={} dtype={} seed={}", described.spec, dim, workers,
                               wire, dtype, seed);
  if (momentum) described.text += fmt::format(" momentum={}", *momentum);
  if (!matrices.empty()) described.text += fmt::format(" matrices={}", matrices);
  return described;
}

/// An Exchange of float or double.
class ArrayExchange {
  // First, because the compiler must have seen what returns `auto`.

  /// Calls action(exchange) for the Exchange of either width.
  template <class Action>
  auto with(Action&& action) {
    if (auto* floats = std::get_if<Exchange<float>>(&exchange_)) return action(*floats);
    return action(std::get<Exchange<double>>(exchange_));
  }
  template <class Action>
  auto look(Action&& action) {
    const GilRelease release;
    const std::lock_guard lock(mutex_);
    return with(action);
  }

 public:
  ArrayExchange(const std::string& spec, std::size_t dim, std::size_t workers, std::uint32_t worker,
                const std::string& wire, const std::string& dtype, std::uint64_t seed,
                std::optional<double> momentum, const std::vector<Matrix>& matrices)
      : described_(describe_exchange(spec, dim, workers, worker, wire, dtype, seed, momentum, matrices)) {
    const ClientPlan& plan = described_.plan;
    if (dtype == "float32") {
      exchange_.emplace<Exchange<float>>(plan, dim, workers, worker, seed);
    } else {
      exchange_.emplace<Exchange<double>>(plan, dim, workers, worker, seed);
    }
    with([&](auto& exchange) {
      exchange.resume(0, crc_of(0, described_.text.data(), described_.text.size()));
    });
  }

  Message send(const py::array& gradient) {
    Message message;
    with_values(gradient, "gradient", [&](auto& exchange, auto values) { exchange.send(values, message); });
    return message;
  }

  void receive(std::uint32_t worker, const py::object& object) {
    const Bytes bytes(object);
    const GilRelease release;
    const std::lock_guard lock(mutex_);
    received_.bytes.assign(bytes.span().begin(), bytes.span().end());
    with([&](auto& exchange) { exchange.receive(worker, received_); });
  }

  py::array finish(const py::object& out) {
    py::array to;
    if (out.is_none()) {
      to = with([]<class Value>(Exchange<Value>& exchange) -> py::array {
        return py::array_t<Value>(static_cast<py::ssize_t>(exchange.dim()));
      });
    } else {
      if (!py::isinstance<py::array>(out)) fail_type("out is no NumPy array");
      to = py::reinterpret_borrow<py::array>(out);
      if (!to.writeable()) throw InputError("out is read-only");
    }
    with_values(to, "out", [&]<class Value>(Exchange<Value>& exchange, ViewOf<Value> values) {
      // The array is writeable, so its entries are not constants.
      exchange.finish({const_cast<Value*>(values.data()), values.size()});
    });
    return to;
  }

  py::dict state() {
    const std::unique_lock lock = locked();
    return with([&]<class Value>(Exchange<Value>& exchange) {
      const auto state = exchange.state();
      const auto copies = [](const std::vector<MutViewOf<Value>>& vectors) {
        py::list list;
        for (const MutViewOf<Value> v : vectors)
          list.append(py::array_t<Value>(static_cast<py::ssize_t>(v.size()), v.data()));
        return list;
      };
      py::dict dict;
      dict["description"] = described_.text;
      dict["worker"] = exchange.own();
      dict["round"] = exchange.round();
      dict["checksum"] = exchange.checksum();
      dict["client"] = copies(state.client);
      dict["server"] = copies(state.server);
      dict["numbers"] =
          py::array_t<double>(static_cast<py::ssize_t>(state.numbers.size()), state.numbers.data());
      dict["digest"] = digest_of(dict);
      return dict;
    });
  }

  void restore(const py::dict& saved) {
    const std::unique_lock lock = locked();
    with([&]<class Value>(Exchange<Value>& exchange) {
      const std::string description = entry<std::string>(saved, "description");
      if (description != described_.text)
        throw InputError(
            fmt::format("state: it is of {}; this exchange is of {}", description, described_.text));
      if (const auto worker = entry<std::uint32_t>(saved, "worker"); worker != exchange.own())
        throw InputError(fmt::format("state: it is of worker {}; this is worker {}", worker, exchange.own()));
      if (entry<std::uint32_t>(saved, "digest") != digest_of(saved))
        throw InputError("state: its digest does not fit its content: it was damaged, or changed");
      exchange.resume(exchange.round(), exchange.checksum());  // an open round is given up
      auto state = exchange.state();
      const auto client = vectors_of<Value>(saved, "client", state.client);
      const auto server = vectors_of<Value>(saved, "server", state.server);
      const auto numbers = vectors_of<double>(py::dict(py::arg("numbers") = py::make_tuple(saved["numbers"])),
                                              "numbers", {state.numbers});
      const auto write = [](const auto& arrays, const auto& vectors) {
        for (std::size_t k = 0; k < vectors.size(); ++k)
          std::copy_n(arrays[k].data(), vectors[k].size(), vectors[k].begin());
      };
      write(client, state.client);
      write(server, state.server);
      write(numbers, std::vector<MutView>{state.numbers});
      exchange.resume(entry<std::uint32_t>(saved, "round"), entry<std::uint32_t>(saved, "checksum"));
    });
  }

  [[nodiscard]] const std::string& spec() const { return described_.spec; }
  [[nodiscard]] std::uint32_t round() {
    return look([](auto& exchange) { return exchange.round(); });
  }
  [[nodiscard]] std::uint32_t checksum() {
    return look([](auto& exchange) { return exchange.checksum(); });
  }
  [[nodiscard]] std::size_t dim() {
    return look([](auto& exchange) { return exchange.dim(); });
  }
  [[nodiscard]] std::size_t workers() {
    return look([](auto& exchange) { return exchange.clients(); });
  }
  [[nodiscard]] std::uint32_t worker() {
    return look([](auto& exchange) { return exchange.own(); });
  }
  [[nodiscard]] std::size_t nbytes() {
    return look([](auto& exchange) {
      std::size_t bytes = 0;
      const auto vectors = exchange.state();
      for (const auto& v : vectors.client) bytes += v.size_bytes();
      for (const auto& v : vectors.server) bytes += v.size_bytes();
      return bytes + vectors.numbers.size_bytes();
    });
  }

 private:
  /// The lock, for a caller that goes on with the GIL. It waits without the GIL, which the owner of the lock may need.
  [[nodiscard]] std::unique_lock<std::mutex> locked() {
    const GilRelease release;
    return std::unique_lock(mutex_);
  }

  /// Calls action(exchange, values) without the GIL, where values are the entries of the array.
  template <class Action>
  void with_values(const py::array& array, const std::string& what, Action&& action) {
    with_entries(array, what, with([](auto& exchange) { return exchange.dim(); }),
                 [&]<class Value>(std::span<const Value> values) {
                   auto* exchange = std::get_if<Exchange<Value>>(&exchange_);
                   if (exchange == nullptr) {
                     fail_type(fmt::format("{} has the dtype {}; the state has the other width", what,
                                           std::string(py::str(array.dtype()))));
                   }
                   const GilRelease release;
                   const std::lock_guard lock(mutex_);
                   action(*exchange, values);
                 });
  }

  template <class Type>
  static Type entry(const py::dict& saved, const char* name) {
    if (!saved.contains(name)) throw InputError(fmt::format("state: it has no \"{}\"", name));
    try {
      return saved[name].cast<Type>();
    } catch (const py::cast_error&) {
      throw InputError(fmt::format("state: \"{}\" is {}", name, std::string(py::repr(saved[name]))));
    }
  }

  /// The arrays under a name, which must have the lengths of these vectors.
  template <class Value>
  static std::vector<py::array_t<Value>> vectors_of(const py::dict& saved, const char* name,
                                                    const std::vector<MutViewOf<Value>>& like) {
    std::vector<py::array_t<Value>> arrays;
    for (const py::handle each : saved[name]) {
      if (!py::isinstance<py::array_t<Value>>(each))
        throw InputError(fmt::format("state: \"{}\" has something else than arrays of its width", name));
      arrays.push_back(py::array_t<Value, py::array::c_style>::ensure(each));
    }
    bool fits = arrays.size() == like.size();
    for (std::size_t k = 0; fits && k < like.size(); ++k)
      fits = arrays[k].ndim() == 1 && static_cast<std::size_t>(arrays[k].size()) == like[k].size();
    if (!fits) throw InputError(fmt::format("state: \"{}\" has other vectors than this exchange", name));
    return arrays;
  }

  /// CRC-32 of all that a saved state holds but the digest.
  static std::uint32_t digest_of(const py::dict& saved) {
    std::uint32_t digest = 0;
    const auto add = [&](const py::handle& object) {
      const py::array array = py::array::ensure(object, py::array::c_style);
      if (!array) throw InputError("state: it holds something else than arrays");
      digest = crc_of(digest, array.data(), static_cast<std::size_t>(array.nbytes()));
    };
    const std::string text = fmt::format(
        "{} {} {} {}", entry<std::string>(saved, "description"), entry<std::uint32_t>(saved, "worker"),
        entry<std::uint32_t>(saved, "round"), entry<std::uint32_t>(saved, "checksum"));
    digest = crc_of(digest, text.data(), text.size());
    for (const char* name : {"client", "server"}) {
      for (const py::handle each : entry<py::sequence>(saved, name)) add(each);
    }
    add(entry<py::object>(saved, "numbers"));
    return digest;
  }

  Described described_;
  std::mutex mutex_;
  Message received_;
  std::variant<std::monostate, Exchange<float>, Exchange<double>> exchange_;
};

}  // namespace

void bind_exchanges(py::module_& module) {
  py::class_<ArrayExchange>(module, "Exchange",
                            R"doc(Both sides of a star method, for gradients of the caller's own.

    ex = lc.Exchange("ef21-sgdm(top-k(1%), eta=0.1)", dim=d, workers=n, worker=rank)
    message = ex.send(gradient)                      # bytes: bring them to all workers
    for i, each in enumerate(messages):              # of all workers, the own one included
        ex.receive(i, each)
    mean = ex.finish()                               # the estimate of the mean gradient, the same bits on all workers

spec : str
    A star method, as the key `method` takes it: "ef21(C)", "ef21-sgdm(C, eta=0.1)", "ef(C)", "dcgd(Q)", "diana(Q)",
    "marina(Q)", "clag(C, zeta=16)" ... InputError, with the reason, for methods that need more than one gradient of
    every worker a round. A compressor C alone is "ef(C)" (error feedback) if it is contractive, else "dcgd(C)".
dim, workers, worker : int
    The length d of the vectors, the number n of workers, and this one of them, from 0.
wire : "f32" or "f64"
    The width of values in messages.
dtype : "float32" or "float64"
    The width of the state, and of the gradients. With "float64" the estimates are those of `laconic.run()`, bit for bit.
seed : int
    All draws are a function of (seed, round, worker).
momentum : float or None
    m: a worker compresses the running mean v <- m v + (1 - m) gradient, 0 <= m < 1. Not for methods that have one.
matrices : list of (begin, rows, cols)
    The stretches of the vector that are matrices, for low-rank and sketch.

Memory: vectors of length dim: the client's (for ef21-sgdm two: the running mean and the memory) and the server's (one;
two for diana; n for lag and clag). All calls release the GIL; a second thread waits.)doc")
      .def(py::init<const std::string&, std::size_t, std::size_t, std::uint32_t, const std::string&,
                    const std::string&, std::uint64_t, std::optional<double>, const std::vector<Matrix>&>(),
           py::arg("spec"), py::kw_only(), py::arg("dim"), py::arg("workers"), py::arg("worker"),
           py::arg("wire") = "f32", py::arg("dtype") = "float32", py::arg("seed") = 1,
           py::arg("momentum") = py::none(), py::arg("matrices") = std::vector<Matrix>{})
      .def(
          "send",
          [](ArrayExchange& exchange, const py::object& gradient) {
            if (!py::isinstance<py::array>(gradient)) fail_type("gradient is no NumPy array");
            return exchange.send(py::reinterpret_borrow<py::array>(gradient));
          },
          py::arg("gradient"),
          R"(The message of this worker about its gradient, an array (dim,) of `dtype`, which is read in place.

Once a round; what the worker remembers moves on. InputError if the gradient is not finite; nothing has moved then.)")
      .def("receive", &ArrayExchange::receive, py::arg("worker"), py::arg("message"),
           R"(Adds the message of a worker: bytes, or a `Message`.

In ascending order of the workers, each once a round, the own one included. RunError if the bytes are not a message of dim
values: only restore() helps then.)")
      .def(
          "finish", &ArrayExchange::finish, py::arg("out") = py::none(),
          R"(Ends the round: the estimate of the mean gradient, an array (dim,) of `dtype`; `out`, if it is given.)")
      .def(
          "state", &ArrayExchange::state,
          R"(All that is kept between rounds, as a dict of numbers, strings and lists of arrays, which are copies.

InputError inside a round.)")
      .def("restore", &ArrayExchange::restore, py::arg("state"),
           R"(Continues from a state() of the same description and worker.

InputError if it is of another one, or was damaged.)")
      .def_property_readonly("spec", &ArrayExchange::spec, "The description of the method.")
      .def_property_readonly("dim", &ArrayExchange::dim, "The length d of the vectors.")
      .def_property_readonly("workers", &ArrayExchange::workers, "The number n of workers.")
      .def_property_readonly("worker", &ArrayExchange::worker, "This worker, from 0.")
      .def_property_readonly("round", &ArrayExchange::round, "The round that comes next, 0 at first.")
      .def_property_readonly(
          "checksum", &ArrayExchange::checksum,
          "Of the description and all messages received so far: workers that have the same "
          "estimate have the same checksum.")
      .def_property_readonly("nbytes", &ArrayExchange::nbytes, "The size of the state in bytes.")
      .def("__repr__", [](ArrayExchange& e) {
        return fmt::format("<laconic.Exchange {}, dim={}, worker {} of {}, round {}>", e.spec(), e.dim(),
                           e.worker(), e.workers(), e.round());
      });
  // For vectors of a length that is not known yet.
  module.def(
      "check_exchange",
      [](const std::string& spec, std::size_t workers, const std::string& wire, const std::string& dtype,
         std::optional<double> momentum) {
        describe_exchange(spec, kDimLimit - 1, workers, 0, wire, dtype, 0, momentum, {});
      },
      py::arg("spec"), py::arg("workers"), py::arg("wire"), py::arg("dtype"), py::arg("momentum"));
}

}  // namespace laconic::python
