// SPDX-License-Identifier: Apache-2.0
#include "problem.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "arrays.h"
#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/experiment/experiment.h"
#include "laconic/message/wire.h"

namespace laconic::python {
namespace {

using Doubles = py::array_t<double>;

/// A lock that the calls of a Python object share, whichever runs make them.
struct CallLock {
  std::shared_ptr<std::mutex> mutex = std::make_shared<std::mutex>();
};

/// Holds the mutex, if there is one, while an object of the class lives. Waits for it without the GIL, which the
/// owner of the mutex may need. InputError if this thread holds it already: the call would wait for itself.
class OneCall {
 public:
  OneCall(std::mutex* mutex, const std::string& name) : mutex_(mutex), outer_(held) {
    if (mutex_ == nullptr) return;
    for (const OneCall* each = held; each != nullptr; each = each->outer_) {
      if (each->mutex_ == mutex_)
        throw InputError(fmt::format("{} is used inside a call of itself; that needs parallel = True", name));
    }
    if (PyGILState_Check() != 0) {
      const py::gil_scoped_release release;
      mutex_->lock();
    } else {
      mutex_->lock();
    }
    held = this;
  }
  ~OneCall() {
    if (mutex_ == nullptr) return;
    held = outer_;
    mutex_->unlock();
  }
  OneCall(const OneCall&) = delete;
  OneCall& operator=(const OneCall&) = delete;

 private:
  static thread_local const OneCall* held;  // the innermost one of this thread
  std::mutex* mutex_;
  const OneCall* outer_;
};
thread_local const OneCall* OneCall::held = nullptr;

std::string type_of(const py::handle& object) {
  return py::str(py::type::handle_of(object).attr("__name__"));
}

std::string shape_of(const py::array& array) { return py::str(array.attr("shape")); }

using ContiguousDoubles = py::array_t<double, py::array::c_style>;

/// The entries of an array of doubles of one dimension, in place; empty for any other object.
View entries_of(const py::handle& object, std::size_t size) {
  if (!py::isinstance<ContiguousDoubles>(object)) return {};
  const auto array = py::reinterpret_borrow<ContiguousDoubles>(object);
  if (array.ndim() != 1 || array.shape(0) != static_cast<py::ssize_t>(size)) return {};
  return {array.data(), size};
}

/// Copies an array of real numbers of this shape. `what` names it in errors, as in "Mine.value_gradient: the
/// gradient".
void copy_array(const py::handle& object, const std::string& what, MutView to) {
  if (const View entries = entries_of(object, to.size()); !entries.empty()) return copy(entries, to);
  const py::array array = py::array::ensure(object);
  if (!array) {
    PyErr_Clear();
    fail_type(fmt::format("{} is no array ({}); need {} real numbers", what, type_of(object), to.size()));
  }
  if (!has_real_numbers(array)) {
    fail_type(fmt::format("{} has the dtype {}; need real numbers, as float64", what,
                          std::string(py::str(array.dtype()))));
  }
  if (array.ndim() != 1 || array.shape(0) != static_cast<py::ssize_t>(to.size()))
    throw InputError(fmt::format("{} has the shape {}; need ({},)", what, shape_of(array), to.size()));
  const auto doubles = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(array);
  if (!doubles) fail_type(fmt::format("{} cannot be converted to float64", what));
  copy({doubles.data(), to.size()}, to);
}

double number_of(const py::handle& object, const std::string& what) {
  if (PyComplex_Check(object.ptr()) != 0) fail_type(fmt::format("{} is complex; need a real number", what));
  const double value = PyFloat_AsDouble(object.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail_type(fmt::format("{} is no real number ({})", what, type_of(object)));
  }
  return value;
}

/// A whole number in [least, most].
std::size_t whole_of(const py::handle& object, const std::string& what, std::size_t least, std::size_t most) {
  const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!index) {
    PyErr_Clear();
    fail_type(fmt::format("{} is no whole number ({})", what, type_of(object)));
  }
  const long long value = PyLong_AsLongLong(index.ptr());
  if (PyErr_Occurred() != nullptr || value < static_cast<long long>(least) ||
      static_cast<unsigned long long>(value) > most) {
    PyErr_Clear();
    throw InputError(fmt::format("{} = {}; need a whole number >= {} and <= {}", what,
                                 std::string(py::str(index)), least, most));
  }
  return static_cast<std::size_t>(value);
}

Doubles array_of(View x) {
  Doubles array(static_cast<py::ssize_t>(x.size()));  // the constructor that takes data makes two arrays
  copy(x, {array.mutable_data(), x.size()});
  return array;
}

/// Reads the constants that a user knows. An upper bound that is not given follows from those that are, as far as they
/// imply one: L_minus, L_pm <= L_plus <= L_tilde <= L_max <= sqrt(n) L_plus.
Constants constants_of(const py::object& object, const std::string& what, std::size_t shards) {
  if (!py::isinstance<py::dict>(object)) {
    fail_type(fmt::format("{} returned no dict ({}); need one as {{\"L_max\": 2.0, \"mu\": 0.1}}", what,
                          type_of(object)));
  }
  Constants c;
  const std::vector<std::pair<std::string, std::function<void(double)>>> members = {
      {"L_minus", [&](double v) { c.L_minus = v; }}, {"L_plus", [&](double v) { c.L_plus = v; }},
      {"L_tilde", [&](double v) { c.L_tilde = v; }}, {"L_max", [&](double v) { c.L_max = v; }},
      {"L_pm", [&](double v) { c.L_pm = v; }},       {"L_sample", [&](double v) { c.L_sample = v; }},
      {"mu", [&](double v) { c.mu = v; }},           {"mu_min", [&](double v) { c.mu_min = v; }},
      {"f_lower", [&](double v) { c.f_lower = v; }},
  };
  std::vector<std::string> known;
  for (const auto& [name, set] : members) known.push_back(name);
  std::vector<std::string> given;
  for (const auto& [key, value] : object.cast<py::dict>()) {
    const std::string name = py::str(key);
    const auto member =
        std::find_if(members.begin(), members.end(), [&](const auto& each) { return each.first == name; });
    if (member == members.end()) {
      throw InputError(fmt::format("{}: unknown constant \"{}\"{}; known: {}", what, name,
                                   did_you_mean(name, known), fmt::join(known, ", ")));
    }
    if (value.is_none()) continue;
    const double number = number_of(value, fmt::format("{}: {}", what, name));
    if (!std::isfinite(number) || (number < 0 && name != "f_lower"))
      throw InputError(fmt::format("{}: {} = {}; need a finite number >= 0", what, name, number));
    member->second(number);
    given.push_back(name);
  }
  const auto has = [&](const char* name) {
    return std::find(given.begin(), given.end(), name) != given.end();
  };
  if (!has("L_plus") && !has("L_tilde") && !has("L_max"))
    throw InputError(fmt::format("{}: L_max is missing: the largest smoothness constant of an f_i", what));
  const double root = std::sqrt(static_cast<double>(shards));
  if (!has("L_max")) c.L_max = root * (has("L_plus") ? c.L_plus : c.L_tilde);
  if (!has("L_tilde")) c.L_tilde = c.L_max;
  if (!has("L_plus")) c.L_plus = c.L_tilde;
  if (!has("L_minus")) c.L_minus = c.L_plus;
  if (!has("L_pm")) c.L_pm = c.L_plus;
  if (!has("L_sample")) c.L_sample = std::numeric_limits<double>::infinity();
  return c;
}

/// A Python object as a problem. Vectors are copied, so that Python may keep what it gets.
class PythonProblem final : public Problem {
 public:
  PythonProblem(const py::object& object, std::shared_ptr<FirstError> error)
      : error_(std::move(error)),
        object_(object),
        name_(py::str(py::type::handle_of(object).attr("__name__"))),
        value_name_(name_ + ".value_gradient: the value"),
        gradient_name_(name_ + ".value_gradient: the gradient"),
        dim_(whole_of(attribute("dim"), name_ + ".dim", 1, kDimLimit - 1)),
        shards_(whole_of(attribute("shards"), name_ + ".shards", 1, std::size_t{1} << 31)),
        value_gradient_(attribute("value_gradient")),
        hessian_vector_(optional_attribute("hessian_vector")),
        accuracy_(optional_attribute("accuracy")),
        constants_(optional_attribute("constants")),
        ridge_(number_of(attribute("ridge"), name_ + ".ridge")),
        is_convex_(flag_of("is_convex")),
        checksum_(
            static_cast<std::uint32_t>(whole_of(attribute("checksum"), name_ + ".checksum", 0, 0xffffffff))),
        all_rows_(py::slice(std::nullopt, std::nullopt, std::nullopt)) {
    const py::object rows = attribute("rows");
    for (std::size_t i = 0; i < shards_; ++i)
      rows_.push_back(whole_of(rows(i), fmt::format("{}.rows({})", name_, i), 1, 0xffffffff));
    start_.assign(dim_, 0.0);
    if (const py::object start = optional_attribute("start"); !start.is_none())
      copy_array(start(), name_ + ".start: the point", start_);
    if (!flag_of("parallel")) lock_ = attribute("_lock").cast<CallLock>();
  }

  ~PythonProblem() override {
    const Gil gil;
    for (py::object* object :
         {&object_, &value_gradient_, &hessian_vector_, &accuracy_, &constants_, &all_rows_})
      *object = {};
  }
  PythonProblem(const PythonProblem&) = delete;
  PythonProblem& operator=(const PythonProblem&) = delete;

  [[nodiscard]] std::size_t dim() const override { return dim_; }
  [[nodiscard]] std::size_t shards() const override { return shards_; }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return rows_[shard]; }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    Measured measured;
    call([&] {
      const py::int_ number(shard);
      const py::object selected = object_of(rows);
      const py::object point = array_of(x);
      PyObject* const arguments[] = {number.ptr(), selected.ptr(), point.ptr()};
      const auto result = py::reinterpret_steal<py::object>(
          PyObject_Vectorcall(value_gradient_.ptr(), arguments, 3, nullptr));
      if (!result) throw py::error_already_set();
      if (PyTuple_Check(result.ptr()) == 0 || PyTuple_GET_SIZE(result.ptr()) != 2) {
        fail_type(fmt::format("{}.value_gradient returned no pair ({}); need (value, gradient)", name_,
                              type_of(result)));
      }
      measured.value = number_of(PyTuple_GET_ITEM(result.ptr(), 0), value_name_);
      copy_array(PyTuple_GET_ITEM(result.ptr(), 1), gradient_name_, g);
    });
    return measured;
  }

  [[nodiscard]] bool has_curvature() const override { return !hessian_vector_.is_none(); }
  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    call([&] {
      const py::object product = hessian_vector_(shard, object_of(rows), array_of(x), array_of(v));
      copy_array(product, name_ + ".hessian_vector: the product", out);
    });
  }

  [[nodiscard]] double ridge() const override { return ridge_; }
  [[nodiscard]] bool is_convex() const override { return is_convex_; }
  void start(MutView x) const override { copy(start_, x); }

  [[nodiscard]] std::optional<Constants> constants(AllShards& /*all*/) const override {
    if (constants_.is_none()) return {};
    std::optional<Constants> constants;
    call([&] {
      const py::object found = constants_();
      if (!found.is_none()) constants = constants_of(found, name_ + ".constants", shards_);
    });
    return constants;
  }

  /// Of what is known without a call: the caller's checksum, the rows and the start.
  [[nodiscard]] std::uint32_t data_checksum() const override {
    const auto bytes_of = [](const auto& values) {
      return std::string_view(reinterpret_cast<const char*>(values.data()),
                              values.size() * sizeof(values[0]));
    };
    return checksum_of(bytes_of(start_), checksum_of(bytes_of(rows_), checksum_));
  }

  [[nodiscard]] bool has_accuracy() const override { return !accuracy_.is_none(); }
  [[nodiscard]] std::optional<double> test_accuracy(View x, ThreadPool& /*pool*/) const override {
    if (accuracy_.is_none()) return {};
    double share = 0;
    call([&] {
      const std::string what = name_ + ".accuracy";
      share = number_of(accuracy_(array_of(x)), what);
      if (!(share >= 0 && share <= 1))
        throw InputError(fmt::format("{} = {}; need a share from 0 to 1", what, share));
    });
    return share;
  }

 private:
  [[nodiscard]] py::object attribute(const char* name) const {
    if (!py::hasattr(object_, name)) {
      fail_type(fmt::format("{} has no {}; need an object as laconic.Problem describes it", name_, name));
    }
    return object_.attr(name);
  }
  [[nodiscard]] bool flag_of(const char* name) const {
    const py::object value = attribute(name);
    if (!py::isinstance<py::bool_>(value))
      fail_type(fmt::format("{}.{} is {}; need True or False", name_, name, type_of(value)));
    return value.cast<bool>();
  }
  /// None if the object does not have it.
  [[nodiscard]] py::object optional_attribute(const char* name) const {
    return py::getattr(object_, name, py::none());
  }

  [[nodiscard]] py::object object_of(Rows rows) const {
    if (rows.all) return all_rows_;
    py::array_t<std::int64_t> positions(static_cast<py::ssize_t>(rows.list.size()));
    std::copy(rows.list.begin(), rows.list.end(), positions.mutable_data());
    return py::object(positions);
  }

  /// Calls Python code, one call at a time unless the object allows more. Ctrl-C may interrupt the code. Where the
  /// call is short it is repeated, so that the round ends and a checkpoint can be saved.
  template <class Action>
  void call(Action&& action) const {
    constexpr auto kShort = std::chrono::milliseconds(200);
    const OneCall one(lock_ ? lock_->mutex.get() : nullptr, name_);
    const Gil gil;
    const auto begin = std::chrono::steady_clock::now();
    try {
      action();
    } catch (const py::error_already_set& error) {
      const bool repeats = error.matches(PyExc_KeyboardInterrupt) && !error_->any() &&
                           std::chrono::steady_clock::now() - begin < kShort;
      error_->keep(error);
      if (!repeats) throw;
      action();
    }
  }

  std::shared_ptr<FirstError> error_;
  py::object object_;
  std::string name_;                        // of its class
  std::string value_name_, gradient_name_;  // in errors
  std::size_t dim_;
  std::size_t shards_;
  py::object value_gradient_, hessian_vector_, accuracy_, constants_;  // None: it has no such method
  double ridge_;
  bool is_convex_;
  std::uint32_t checksum_;
  py::object all_rows_;
  std::vector<std::size_t> rows_;
  Vector start_;
  std::optional<CallLock> lock_;
};

/// A problem of the engine, as an object with the methods of laconic.Problem.
class OpenProblem {
 public:
  OpenProblem(const std::vector<std::string>& words, Resources resources, py::object listener)
      : config_(describe(words)), pool_(std::make_unique<ThreadPool>(threads_of(config_))), fleet_(*pool_) {
    config_.resources = std::move(resources);
    Watch watch(std::move(listener));
    without_gil(watch, "", [&] {
      const Working working(*pool_, watch);
      opened_ = open_problem(config_, fleet_, watch);
    });
  }

  [[nodiscard]] std::string name() const { return print(config_.problem); }
  [[nodiscard]] const Problem& problem() const { return opened_->objective(); }
  [[nodiscard]] std::size_t rows(std::size_t shard) const {
    require_shard(shard);
    return problem().rows(shard);
  }

  [[nodiscard]] std::pair<double, Doubles> value_gradient(std::size_t shard, const py::object& rows,
                                                          const py::object& x) const {
    const Positions positions(rows, this->rows(shard));
    const Point point(x, "x", problem().dim());
    Doubles gradient(static_cast<py::ssize_t>(problem().dim()));
    const MutView g(gradient.mutable_data(), problem().dim());
    double value = 0;
    {
      const GilRelease release;
      value = problem().value_gradient(shard, positions.rows(), point.view(), g).value;
    }
    return {value, gradient};
  }

  [[nodiscard]] Doubles hessian_vector(std::size_t shard, const py::object& rows, const py::object& x,
                                       const py::object& v) const {
    if (!problem().has_curvature()) throw InputError("the problem has no Hessian-vector products");
    const Positions positions(rows, this->rows(shard));
    const Point point(x, "x", problem().dim());
    const Point direction(v, "v", problem().dim());
    Doubles product(static_cast<py::ssize_t>(problem().dim()));
    const MutView out(product.mutable_data(), problem().dim());
    {
      const GilRelease release;
      problem().hessian_vector(shard, positions.rows(), point.view(), direction.view(), out);
    }
    return product;
  }

  [[nodiscard]] Doubles start() const {
    Vector x(problem().dim());
    problem().start(x);
    return array_of(x);
  }

  [[nodiscard]] std::optional<double> accuracy(const py::object& x) {
    const Point point(x, "x", problem().dim());
    const GilRelease release;
    ThreadPool alone(1);
    return problem().test_accuracy(point.view(), alone);
  }

  [[nodiscard]] py::object constants() const {
    if (!opened_->facts.constants) return py::none();
    py::dict named;
    for (const auto& [name, value] : named_constants(*opened_->facts.constants)) named[name.c_str()] = value;
    return py::object(named);
  }

 private:
  /// An argument of a call, in place where it is an array of doubles. The caller keeps the object.
  class Point {
   public:
    Point(const py::object& object, const char* name, std::size_t dim) : view_(entries_of(object, dim)) {
      if (!view_.empty()) return;
      copy_.resize(dim);
      copy_array(object, name, copy_);
      view_ = copy_;
    }
    [[nodiscard]] View view() const { return view_; }

   private:
    Vector copy_;
    View view_;
  };

  /// The rows of a call: a slice or None for all, or positions.
  class Positions {
   public:
    Positions(const py::object& rows, std::size_t count) {
      if (rows.is_none()) return;
      if (py::isinstance<py::slice>(rows)) {
        std::size_t start = 0, stop = 0, step = 0, length = 0;
        if (!rows.cast<py::slice>().compute(count, &start, &stop, &step, &length))
          throw py::error_already_set();
        if (start == 0 && length == count) return;
        for (std::size_t k = 0; k < length; ++k)
          list_.push_back(static_cast<std::uint32_t>(start + k * step));
      } else {
        const py::array given = py::array::ensure(rows);
        const bool has_positions =
            given && given.ndim() == 1 && std::string("iu").find(given.dtype().kind()) != std::string::npos;
        const auto array =
            has_positions ? py::array_t<std::int64_t>::ensure(given) : py::array_t<std::int64_t>();
        if (!has_positions || !array) {
          PyErr_Clear();
          fail_type(fmt::format("rows is neither a slice nor an array of whole numbers ({})", type_of(rows)));
        }
        const auto view = array.unchecked<1>();
        for (py::ssize_t k = 0; k < array.size(); ++k) {
          if (view(k) < 0 || view(k) >= static_cast<std::int64_t>(count))
            throw InputError(
                fmt::format("rows: position {}; those of this shard are 0 to {}", view(k), count - 1));
          list_.push_back(static_cast<std::uint32_t>(view(k)));
        }
      }
      if (list_.empty()) throw InputError("rows is empty; need at least one row");
      is_all_ = false;
    }
    [[nodiscard]] Rows rows() const { return is_all_ ? Rows::everything() : Rows::listed(list_); }

   private:
    bool is_all_ = true;
    std::vector<std::uint32_t> list_;
  };

  void require_shard(std::size_t shard) const {
    if (shard >= problem().shards())
      throw InputError(fmt::format("shard = {}; the problem has {} shards", shard, problem().shards()));
  }
  Config config_;
  std::unique_ptr<ThreadPool> pool_;
  Fleet fleet_;
  std::shared_ptr<const OpenedProblem> opened_;
};

}  // namespace

std::shared_ptr<const Problem> problem_of(const py::object& object, std::shared_ptr<FirstError> error) {
  auto problem = std::make_shared<PythonProblem>(object, std::move(error));
  Vector x(problem->dim());
  Vector g(problem->dim());
  problem->start(x);
  problem->value_gradient(0, Rows::everything(), x, g);
  return problem;
}

void bind_problems(py::module_& module) {
  py::class_<CallLock>(module, "CallLock").def(py::init<>());
  py::class_<OpenProblem>(module, "OpenProblem",
                          R"(A problem of the engine, with the methods of `laconic.Problem`.

Made by `laconic.open_problem()`. Its methods release the GIL and may be called from several threads.)")
      .def(py::init([](const std::vector<std::string>& words, const std::vector<std::string>& folders,
                       py::object listener) {
             return std::make_unique<OpenProblem>(words, Resources{.folders = folders}, std::move(listener));
           }),
           py::arg("words"), py::arg("folders"), py::arg("listener"))
      .def_property_readonly("name", &OpenProblem::name, "The description of the problem.")
      .def_property_readonly(
          "dim", [](const OpenProblem& p) { return p.problem().dim(); }, "d, the number of coordinates.")
      .def_property_readonly(
          "shards", [](const OpenProblem& p) { return p.problem().shards(); }, "n, the number of clients.")
      .def_property_readonly(
          "is_convex", [](const OpenProblem& p) { return p.problem().is_convex(); },
          "Whether f is known to be convex.")
      .def_property_readonly(
          "ridge", [](const OpenProblem& p) { return p.problem().ridge(); },
          "lambda, where every f_i includes (lambda/2) |x|^2; else 0.")
      .def_property_readonly(
          "checksum", [](const OpenProblem& p) { return p.problem().data_checksum(); },
          "A checksum of the data files, 0 for a problem without any.")
      .def("rows", &OpenProblem::rows, py::arg("shard"), "The number of rows of a shard.")
      .def("value_gradient", &OpenProblem::value_gradient, py::arg("shard"), py::arg("rows"), py::arg("x"),
           "The mean loss over rows of the shard at x (d,), and its gradient (d,). `rows` is a slice, None "
           "for all, "
           "or an array of positions.")
      .def("hessian_vector", &OpenProblem::hessian_vector, py::arg("shard"), py::arg("rows"), py::arg("x"),
           py::arg("v"),
           "H v (d,), with the Hessian H at x of the mean loss over rows of the shard, as in "
           "value_gradient().")
      .def("start", &OpenProblem::start, "The point (d,) from which runs start.")
      .def("constants", &OpenProblem::constants,
           "A dict of the smoothness and convexity constants; None where they are not known.")
      .def("accuracy", &OpenProblem::accuracy, py::arg("x"),
           "The share of the test set that x classifies correctly; None without a test set.");
}

}  // namespace laconic::python
