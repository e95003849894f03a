// SPDX-License-Identifier: Apache-2.0
#include "services.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "calls.h"
#include "laconic/advise/advise.h"
#include "laconic/catalogue/catalogue.h"
#include "laconic/experiment/resume.h"
#include "laconic/experiment/run.h"
#include "laconic/experiment/theory.h"
#include "laconic/page/page.h"
#include "laconic/plot/plot.h"
#include "laconic/problem/make.h"
#include "laconic/report/palette.h"
#include "laconic/report/saved_run.h"
#include "laconic/sweep/csv.h"
#include "laconic/sweep/reproduce.h"
#include "laconic/sweep/results.h"
#include "laconic/sweep/resume.h"
#include "laconic/sweep/sweep.h"
#include "problem.h"
#include "rows.h"

namespace laconic::python {
namespace {

using Words = std::vector<std::string>;

/// What the arguments of a call share besides its words.
struct Call {
  Words folders;
  py::object problem;   // None, or the caller's own problem
  py::object listener;  // see Watch
};

Resources resources_of(const Call& call, const Watch& watch) {
  Resources resources{.folders = call.folders};
  if (!call.problem.is_none()) resources.own_problem = problem_of(call.problem, watch.error());
  return resources;
}

/// What the user can do after an interruption.
std::string how_to_go_on(const std::string& folder) {
  return folder.empty() ? "; not saved: no out=" : fmt::format("; to go on: laconic.resume({:?})", folder);
}

py::dict run_in(RunFolder* out, const Config& config, bool goes_on, Watch& watch, Rows& rows) {
  const std::string advice = how_to_go_on(config.out);
  const RunResult result = without_gil(watch, advice, [&] {
    return laconic::run(config, *alone(), 1, watch, {.out = out, .goes_on = goes_on, .recorder = &rows});
  });
  if (result.interrupted()) watch.error()->raise(result.summary.reason + advice);
  return dict_of(result, rows);
}

py::dict run(const Words& words, const Call& call, bool force, py::object on_row) {
  Watch watch(call.listener);
  Config config = describe(words);
  config.resources = resources_of(call, watch);
  require_folder(config);
  const std::unique_ptr<RunFolder> out = new_folder_for(config, force);
  Rows rows(std::move(on_row), watch.error());
  return run_in(out.get(), config, false, watch, rows);
}

/// InputError if the folder has a problem of the caller's, and the call has none.
void require_own_problem(const Spec& problem, const Call& call) {
  if (!call.problem.is_none()) return;
  for (const ProblemRow& row : problems())
    if (row.name == problem.name) return;
  throw InputError(fmt::format("the run has a problem of the caller's, {}: give problem=", print(problem)));
}

/// Goes on with the run or the sweep in the folder, unless it has ended. Returns its kind, "run" or "sweep".
std::string resume(const std::string& folder, const Words& changes, const Call& call, py::object on_row) {
  Watch watch(call.listener);
  RunFolder out(folder);
  out.take_up();
  const bool of_sweep = is_sweep(read_toml(out.description()));
  const std::string kind = of_sweep ? "sweep" : "run";
  if (out.is_finished()) {
    out.finish();  // repeated, because the run may have been killed during finish()
    return kind;
  }
  if (of_sweep) {
    SweepToResume sweep = sweep_to_resume(out, changes, resources_of(call, watch));
    without_gil(watch, how_to_go_on(folder),
                [&] { run_sweep(sweep.plan, &out, std::move(sweep.outcomes), sweep.goes_on, watch); });
    return kind;
  }
  Config config = config_to_resume(out, changes);
  require_own_problem(config.problem, call);
  config.resources = resources_of(call, watch);
  Rows rows(std::move(on_row), watch.error());
  run_in(&out, config, out.has_checkpoint(), watch, rows);
  return kind;
}

/// For each run the score of its setting; None if it has none.
std::vector<std::optional<double>> scores_of_runs(const SweepPlan& plan, const std::vector<double>& scores) {
  std::vector<std::optional<double>> of_runs;
  for (const SweepRun& run : plan.runs) {
    const double score = scores[run.setting];
    of_runs.push_back(std::isfinite(score) ? std::optional(score) : std::nullopt);
  }
  return of_runs;
}

py::dict sweep(const Words& words, const Call& call, bool quick, bool force) {
  Watch watch(call.listener);
  SweepPlan plan = plan_of(settings_of(words, quick), resources_of(call, watch));
  std::optional<RunFolder> out;
  if (!plan.out.empty()) {
    out.emplace(plan.out);
    out->take(force, description_of(plan));
  }
  const SweepResult result = without_gil(watch, how_to_go_on(plan.out), [&] {
    return run_sweep(plan, out ? &*out : nullptr, RunOutcomes(plan.runs.size()), false, watch);
  });
  py::dict end;
  end["runs"] = sweep_csv(plan, result.outcomes);
  end["cells"] = cells_csv(plan, result.outcomes);
  end["scores"] = scores_of_runs(plan, result.scores);
  end["summary"] = summary_json(plan, result, {});
  end["table"] = report_of(plan, result);
  end["folder"] = plan.out;
  end["warnings"] = result.lost_figures;
  return end;
}

/// The table of the sweep in a folder that has ended and took so many seconds, and scores_of_runs().
py::tuple table_of_sweep(const std::string& folder, double seconds) {
  const SweepPlan plan = plan_of(read_toml(folder + "/run.toml"));
  RunOutcomes outcomes = read_sweep_csv(plan, folder + "/sweep.csv");
  const bool has_ended =
      std::all_of(outcomes.begin(), outcomes.end(), [](const auto& outcome) { return outcome.has_value(); });
  if (!has_ended)
    throw InputError(fmt::format("{}: the sweep has not ended; laconic.resume() goes on", folder));
  SweepResult result = judged_again(plan, std::move(outcomes));
  result.scores = scores_of(plan, result.outcomes);
  result.best = best_of(plan, result.scores);
  result.seconds = seconds;
  return py::make_tuple(report_of(plan, result), scores_of_runs(plan, result.scores));
}

std::string theory(const Words& words, const Call& call) {
  Watch watch(call.listener);
  Config config = describe(words);
  config.resources = resources_of(call, watch);
  return without_gil(watch, "", [&] {
    ThreadPool pool(threads_of(config));
    const Working working(pool, watch);
    Fleet fleet(pool);
    return theory_json(theory_of(Experiment(config, open_problem(config, fleet, watch)), fleet));
  });
}

py::dict advise(const Words& words, const Call& call) {
  Watch watch(call.listener);
  AdviceRequest request = advice_request_of(words);
  request.config.resources = resources_of(call, watch);
  const AdviceResult result = without_gil(watch, "", [&] { return laconic::advise(request, watch); });
  py::dict end;
  end["head"] = result.head;
  end["table"] = result.table;
  end["sentences"] = result.sentences;
  end["summary"] = result.json;
  end["failure"] = result.failure;
  end["out"] = request.out;
  return end;
}

/// Runs the experiments of papers of this name. Returns a dict for each statement.
py::list reproduce(const std::string& name, bool quick, bool force, const std::string& out,
                   std::size_t threads, const Call& call) {
  Watch watch(call.listener);
  const ReproduceRequest wanted{.papers = papers_named(name),
                                .quick = quick,
                                .force = force,
                                .out = out,
                                .threads = threads,
                                .folders = call.folders};
  std::deque<PaperSweep> sweeps = sweeps_of(wanted);
  py::list statements;
  for (PaperSweep& sweep : sweeps) {
    without_gil(watch, "; to go on: the same call again", [&] { run_paper_sweep(sweep, watch); });
    if (sweep.failure != Failure::Kind::none) throw RunError(sweep.part.config + (": " + sweep.why_not));
    const auto add = [&](const std::string& statement, const std::string& place, const py::object& holds,
                         const std::string& numbers) {
      py::dict one;
      one["experiment"] = sweep.paper->name;
      one["sweep"] = sweep.part.config;
      one["statement"] = statement;
      one["place"] = place;
      one["holds"] = holds;
      one["numbers"] = numbers;
      statements.append(one);
    };
    if (!sweep.result) {
      add(sweep.why_not, "", py::none(), "");
      continue;
    }
    for (const Judged& one : sweep.result->judged) {
      add(one.claim.empty() ? one.statement : one.claim, place_of(sweep.plan, one.workload),
          py::bool_(one.verdict.holds), one.numbers);
    }
  }
  write_verdicts(wanted, sweeps);
  return statements;
}

/// The columns of a table as arrays; whole numbers where the trace has them.
py::dict arrays_of(const Table& table) {
  py::dict arrays;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const std::string& name = table.columns[c];
    const std::vector<double>& values = table.values[c];
    const auto size = static_cast<py::ssize_t>(values.size());
    if (name == "round" || name == "participants") {
      py::array_t<std::int64_t> whole(size);
      std::transform(values.begin(), values.end(), whole.mutable_data(),
                     [](double value) { return static_cast<std::int64_t>(value); });
      arrays[name.c_str()] = whole;
    } else {
      arrays[name.c_str()] = py::array_t<double>(size, values.data());
    }
  }
  return arrays;
}

/// The names of runs in a legend, from their descriptions.
std::vector<std::string> legend_of(
    const std::vector<std::vector<std::pair<std::string, std::string>>>& runs) {
  std::vector<SavedRun> saved;
  for (const auto& description : runs) {
    SavedRun& run = saved.emplace_back();
    run.description = description;
    run.folder = fmt::format("run {}", saved.size());
  }
  return legend(saved);
}

/// The looks of the curves of these methods: colour, marker, whether it is filled, dashes.
py::list looks_of(const Words& methods) {
  py::list looks;
  for (const CurveStyle& style : styles_of(methods)) {
    const Marker& marker = markers()[style.marker];
    looks.append(
        py::make_tuple(colours()[style.colour].on_light, marker.name, marker.is_full, dashes()[style.dash]));
  }
  return looks;
}

py::list tables() {
  py::list tables;
  for (const NameTable& table : catalogue()) {
    py::list entries;
    for (const NameRow& row : table.entries)
      entries.append(py::make_tuple(
          row.name, row.usage, row.summary,
          py::dict(py::cast(std::map<std::string, std::string>(row.facts.begin(), row.facts.end())))));
    tables.append(py::make_tuple(table.name, table.title, entries));
  }
  return tables;
}

/// Name, example and help of the keys of a run, and those that only sweeps have.
py::tuple keys() {
  const auto list_of = [](std::span<const KeyRow> rows) {
    py::list keys;
    for (const KeyRow& row : rows) keys.append(py::make_tuple(row.name, row.example, row.help));
    return keys;
  };
  return py::make_tuple(list_of(config_keys()), list_of(sweep_keys()));
}

}  // namespace

void bind_services(py::module_& module) {
  py::class_<Call>(module, "Call")
      .def(py::init([](Words folders, py::object problem, py::object listener) {
             return Call{std::move(folders), std::move(problem), std::move(listener)};
           }),
           py::arg("folders"), py::arg("problem"), py::arg("listener"));
  module.def("run", &run, py::arg("words"), py::arg("call"), py::arg("force"), py::arg("on_row"));
  module.def("resume", &resume, py::arg("folder"), py::arg("changes"), py::arg("call"), py::arg("on_row"));
  module.def("sweep", &sweep, py::arg("words"), py::arg("call"), py::arg("quick"), py::arg("force"));
  module.def("table_of_sweep", &table_of_sweep, py::arg("folder"), py::arg("seconds"));
  module.def("theory", &theory, py::arg("words"), py::arg("call"));
  module.def("advise", &advise, py::arg("words"), py::arg("call"));
  module.def("reproduce", &reproduce, py::arg("name"), py::arg("quick"), py::arg("force"), py::arg("out"),
             py::arg("threads"), py::arg("call"));
  module.def(
      "plot",
      [](const Words& words) {
        const py::gil_scoped_release release;
        const Plotted plotted = laconic::plot(plot_request_of(words), false);
        return plotted.paths;
      },
      py::arg("words"));
  module.def(
      "report",
      [](const Words& folders, const std::string& title, const std::string& out) {
        const py::gil_scoped_release release;
        return write_report(folders, title, out);
      },
      py::arg("folders"), py::arg("title"), py::arg("out"));
  module.def(
      "read_run",
      [](const std::string& folder) {
        const SavedRun run = laconic::read_run(folder);
        py::dict description;
        for (const KeyValue& setting : read_toml(folder + "/run.toml"))
          description[setting.key.c_str()] = setting.value;
        return py::make_tuple(arrays_of(run.trace), description);
      },
      py::arg("folder"));
  module.def("legend", &legend_of, py::arg("descriptions"));
  module.def("looks", &looks_of, py::arg("methods"));
  module.def("axis_title", &axis_title, py::arg("column"));
  module.def("falls_to_zero", &falls_to_zero, py::arg("column"));
  module.def("tables", &tables);
  module.def("keys", &keys);
  module.def("did_you_mean", &did_you_mean, py::arg("word"), py::arg("candidates"));
  module.def(
      "is_word", [](const std::string& text) { return parse(text).kind == Spec::Kind::word; },
      py::arg("text"));
}

}  // namespace laconic::python
