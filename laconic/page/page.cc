// SPDX-License-Identifier: Apache-2.0
#include "laconic/page/page.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"
#include "laconic/experiment/config.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/page/html.h"
#include "laconic/page/run.h"
#include "laconic/page/sweep.h"
#include "laconic/report/file.h"
#include "laconic/report/palette.h"
#include "laconic/report/saved_run.h"
#include "laconic/sweep/folders.h"

namespace laconic {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kPageBytes = 3'000'000;  // upper limit of the size of a page
/// Points of a run. The largest number that fits is used.
constexpr std::array<std::size_t, 6> kPoints = {400, 200, 100, 50, 25, 12};
constexpr std::size_t kMapBytes = 500'000;  // of the settings of all sweeps together

/// Runs that are compared: of one workload of a sweep, or with the same problem, clients and split.
struct Group {
  std::string workload;
  std::optional<std::size_t> sweep;
  std::vector<PageRun> runs;
};

struct Report {
  std::string title;
  std::vector<PageSweep> sweeps;
  std::vector<Group> groups;
  Json verdicts = Json::array();
  std::vector<std::string> notes;
};

Json read_verdicts(const std::string& path) {
  Json json = Json::parse(read_whole(path), nullptr, false);
  if (!json.is_object() || !json.contains("experiments") || !json["experiments"].is_array())
    throw InputError(fmt::format(
        "{}: need a JSON object with a list of experiments, as laconic reproduce leaves it", path));
  json["folder"] = fs::path(path).parent_path().string();
  return json;
}

Report read_report(const FoundResults& found) {
  Report report;
  for (const std::string& path : found.verdicts) report.verdicts.push_back(read_verdicts(path));
  for (const std::string& folder : found.sweeps) {
    PageSweep& sweep = report.sweeps.emplace_back(read_page_sweep(folder));
    const std::size_t first = report.groups.size();
    for (const auto& [workload, description] : sweep.workloads)
      report.groups.push_back({workload, report.sweeps.size() - 1, {}});
    for (const std::string& path : sweep.run_folders) {
      PageRun run = read_page_run(path, kPoints[0]);
      report.groups[first + sweep.workload_of(run.saved)].runs.push_back(std::move(run));
    }
  }
  std::map<std::string, std::size_t> group_of;
  for (const std::string& folder : found.runs) {
    PageRun run = read_page_run(folder, kPoints[0]);
    const auto [at, is_new] = group_of.try_emplace(run.workload(), report.groups.size());
    if (is_new) report.groups.push_back({run.workload(), {}, {}});
    report.groups[at->second].runs.push_back(std::move(run));
  }
  for (const std::string& folder : found.empty)
    report.notes.push_back(fmt::format("{} is left out: it ended before its first row.", folder));
  return report;
}

/// The runs of a group without their traces.
std::vector<SavedRun> descriptions_of(const Group& group) {
  std::vector<SavedRun> descriptions;
  for (const PageRun& run : group.runs)
    descriptions.push_back({.folder = run.saved.folder, .description = run.saved.description, .trace = {}});
  return descriptions;
}

/// The names of the runs, group by group.
std::vector<std::string> names_of(const Report& report) {
  std::vector<std::string> names;
  for (const Group& group : report.groups) {
    for (std::string& name : legend(descriptions_of(group))) names.push_back(std::move(name));
  }
  return names;
}

/// The curves of a group: their names, their runs (places in the group), and their looks (palette.h).
Json curves_of(const Group& group) {
  const std::vector<SavedRun> runs = descriptions_of(group);
  const std::vector<RunGroup> of_curve = grouped_by_seed(runs);
  const std::vector<std::string> names = legend(runs, of_curve);
  std::vector<std::string> methods;
  for (const RunGroup& curve : of_curve) methods.push_back(runs[curve.front()].value("method"));
  const std::vector<CurveStyle> styles = styles_of(methods);
  Json curves = Json::array();
  for (std::size_t c = 0; c < of_curve.size(); ++c) {
    const Colour& colour = colours()[styles[c].colour];
    const Marker& marker = markers()[styles[c].marker];
    curves.push_back({{"label", names[c]},
                      {"runs", of_curve[c]},
                      {"looks",
                       {{"light", colour.on_light},
                        {"dark", colour.on_dark},
                        {"marker", marker.name},
                        {"full", marker.is_full},
                        {"dash", dashes()[styles[c].dash]}}}});
  }
  return curves;
}

/// The runs as JSON, in the same order.
std::vector<Json> runs_of(const Report& report, const std::vector<std::string>& names, std::size_t points) {
  std::vector<Json> runs;
  for (std::size_t g = 0; g < report.groups.size(); ++g) {
    for (const PageRun& run : report.groups[g].runs)
      runs.push_back(json_of(run, names[runs.size()], g, points));
  }
  return runs;
}

/// The sweeps as JSON. Maps that do not fit into kMapBytes are left out, with a note.
Json sweeps_of(Report& report) {
  Json sweeps = Json::array();
  std::size_t bytes = 0;
  for (PageSweep& sweep : report.sweeps) {
    const std::size_t of_map = json_text(sweep.settings).size();
    const bool fits = bytes + of_map <= kMapBytes;
    if (fits)
      bytes += of_map;
    else
      report.notes.push_back(fmt::format("The map of {} is left out: {} runs are too many for this page.",
                                         sweep.folder, sweep.runs));
    Json json = std::move(sweep.facts);
    json["settings"] = fits ? std::move(sweep.settings) : Json::array();
    sweeps.push_back(std::move(json));
  }
  return sweeps;
}

/// How many of the runs, from the first on, fit into `room` bytes.
std::size_t fitting(const std::vector<Json>& runs, std::size_t room) {
  std::size_t bytes = 0;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::string text = json_text(runs[r]);
    bytes +=
        text.size() + 1 + 5 * std::count(text.begin(), text.end(), '<');  // the page writes '<' as six bytes
    if (bytes > room) return r;
  }
  return runs.size();
}

/// All data of the page, still without runs.
Json data_without_runs(Report& report) {
  Json sweeps = sweeps_of(report);  // first, because it adds notes
  Json data = {{"laconic", LACONIC_VERSION}, {"title", report.title}, {"verdicts", report.verdicts}};
  data["groups"] = Json::array();
  for (const Group& group : report.groups)
    data["groups"].push_back({{"scene", group.workload},
                              {"sweep", group.sweep ? Json(*group.sweep) : Json(nullptr)},
                              {"curves", curves_of(group)}});
  data["notes"] = report.notes;
  data["points"] = kPoints[0];
  data["sweeps"] = std::move(sweeps);
  data["runs"] = Json::array();
  return data;
}

/// The page with as many points of each run as fit, and as many runs as fit.
std::string fitted_page(Report& report) {
  Json data = data_without_runs(report);
  const std::size_t others = page_of(json_text(data)).size() + 1000;  // leaves room for one more note
  const std::size_t room = kPageBytes - std::min(others, kPageBytes);
  const std::vector<std::string> names = names_of(report);
  std::vector<Json> runs;
  std::size_t count = 0;
  for (const std::size_t points : kPoints) {
    data["points"] = points;
    runs = runs_of(report, names, points);
    count = fitting(runs, room);
    if (count == runs.size()) break;
  }
  runs.resize(count);
  if (others > kPageBytes || count < std::min<std::size_t>(names.size(), 1))
    throw InputError(
        fmt::format("report: what these folders hold is too much for a page of {} MB; give fewer of them",
                    kPageBytes / 1'000'000));
  if (count < names.size()) {
    data["notes"].push_back(
        fmt::format("Only the first {} of {} runs are shown: more are too many for one page. "
                    "Give laconic report fewer folders.",
                    count, names.size()));
  }
  data["runs"] = std::move(runs);
  return page_of(json_text(data));
}

/// InputError if `out`, after links are followed, is not an HTML file that can be written.
void require_page(const std::string& out) {
  std::error_code error;
  const fs::path path = fs::weakly_canonical(fs::absolute(out, error), error);
  if (!out.empty() && !fs::is_directory(path, error) && path.extension() != ".html" &&
      path.extension() != ".htm")
    throw InputError(fmt::format("out: {}{}; need a file that ends in .html", out,
                                 fs::is_symlink(out, error) ? " is a link to " + path.string() : ""));
  require_output(out);
}

}  // namespace

std::string write_report(const std::vector<std::string>& folders, const std::string& title,
                         const std::string& out) {
  require_charts();
  if (folders.empty())
    throw InputError(
        "report needs the folder of at least one run or sweep, as in: laconic report runs -o report.html");
  require_page(out);
  Report all = read_report(find_results(folders));
  all.title = title;
  std::size_t runs = 0;
  for (const Group& group : all.groups) runs += group.runs.size();
  if (all.groups.empty() && all.verdicts.empty())
    throw InputError(fmt::format("{}: no run in it has a row yet", fmt::join(folders, ", ")));
  const std::string page = fitted_page(all);
  write_output(out, page);
  return fmt::format("{} run{}, {} sweep{}, {:.2f} MB -> {}", runs, runs == 1 ? "" : "s", all.sweeps.size(),
                     all.sweeps.size() == 1 ? "" : "s", static_cast<double>(page.size()) / 1e6, out);
}

}  // namespace laconic
