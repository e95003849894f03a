// SPDX-License-Identifier: Apache-2.0
#include "federation.h"

#include <chrono>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "calls.h"
#include "laconic/core/error.h"
#include "rows.h"
#ifdef LACONIC_SITES
#include "laconic/sites/words.h"
#endif

namespace laconic::python {
namespace {

using Words = std::vector<std::string>;

#ifdef LACONIC_SITES
constexpr bool kHasSites = true;

/// Runs the action on a thread of its own, while this one hears Ctrl-C: across sites, the thread that calls
/// carries letters.
template <class Action>
RunResult hear_while(Watch& watch, Action action) {
  std::future<RunResult> result = std::async(std::launch::async, std::move(action));
  while (result.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) watch.asked();
  return result.get();
}

py::dict serve(const Words& words, const Words& folders, const py::object& listener, bool force,
               py::object on_row, const py::object& on_listening) {
  Watch watch(listener);
  auto [config, options] = read_serve_words(settings_of(words), folders);
  const ServeFolder folder = folder_to_serve(config, force);
  options.on_listening = [&](int port) { tell(*watch.error(), [&] { on_listening(port); }); };
  Rows rows(std::move(on_row), watch.error());
  const std::string advice = config.out.empty() ? "; not saved: no out=" : "; to go on: the same call again";
  const RunResult result = without_gil(watch, advice, [&, &config = config, &options = options] {
    return hear_while(watch, [&] {
      return laconic::serve(config, options, watch,
                            {.out = folder.out.get(), .goes_on = folder.goes_on, .recorder = &rows});
    });
  });
  if (result.interrupted()) watch.error()->raise(result.summary.reason + advice);
  return dict_of(result, rows);
}

std::string join(const std::string& server, const Words& words, const Words& folders,
                 const py::object& listener) {
  Watch watch(listener);
  const JoinOptions options = read_join_words(server, settings_of(words), folders);
  const RunResult result = without_gil(
      watch, "", [&] { return hear_while(watch, [&] { return laconic::join(options, watch); }); });
  if (result.diverged()) return "diverged";
  return result.interrupted() ? "interrupted" : "done";
}
#else
constexpr bool kHasSites = false;

[[noreturn]] void fail_without_sites() {
  throw InputError(
      "this laconic was built without sites; after `make sites`, `make python` builds it with them");
}

py::dict serve(const Words& /*words*/, const Words& /*folders*/, const py::object& /*listener*/,
               bool /*force*/, const py::object& /*on_row*/, const py::object& /*on_listening*/) {
  fail_without_sites();
}

std::string join(const std::string& /*server*/, const Words& /*words*/, const Words& /*folders*/,
                 const py::object& /*listener*/) {
  fail_without_sites();
}
#endif

}  // namespace

void bind_federation(py::module_& module) {
  module.attr("has_sites") = kHasSites;
  module.def("serve", &serve, py::arg("words"), py::arg("folders"), py::arg("listener"), py::arg("force"),
             py::arg("on_row"), py::arg("on_listening"));
  module.def("join", &join, py::arg("server"), py::arg("words"), py::arg("folders"), py::arg("listener"));
}

}  // namespace laconic::python
