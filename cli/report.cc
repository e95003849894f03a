// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "cli/description.h"
#include "cli/report_folders.h"
#include "cli/report_page.h"
#include "cli/report_run.h"
#include "cli/report_sweep.h"
#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/report/figures.h"
#include "laconic/report/file.h"

namespace laconic::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kPageBytes = 3'000'000;  // no page is larger
constexpr std::array<std::size_t, 6> kPoints = {400, 200, 100,
                                                50,  25,  12};  // of a run: as many as there is room for
constexpr std::size_t kMapBytes = 500'000;                      // of all settings of all sweeps

/// Runs to compare: of one scene of a sweep, or of the same problem, clients and split.
struct Group {
  std::string scene;
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

/// Texts may hold bytes that are no UTF-8: names of folders.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json read_verdicts(const std::string& path) {
  std::ifstream file(path);
  Json json = Json::parse(file, nullptr, false);
  if (!json.is_object() || !json.contains("experiments") || !json["experiments"].is_array())
    throw InputError(fmt::format(
        "{}: need a JSON object with a list of experiments, as laconic reproduce leaves it", path));
  json["folder"] = fs::path(path).parent_path().string();
  return json;
}

Report read_report(const Found& found) {
  Report report;
  for (const std::string& path : found.verdicts) report.verdicts.push_back(read_verdicts(path));
  std::set<std::string> taken;
  for (const std::string& folder : found.sweeps) {
    PageSweep& sweep = report.sweeps.emplace_back(read_page_sweep(folder));
    for (const std::string& scene : sweep.scenes) {
      Group& group = report.groups.emplace_back(Group{scene, report.sweeps.size() - 1, {}});
      for (const auto& [run, its_scene] : sweep.best_runs) {
        if (its_scene == scene) group.runs.push_back(read_page_run(run, kPoints[0]));
      }
    }
  }
  std::map<std::string, std::size_t> group_of;
  for (const std::string& folder : found.runs) {
    PageRun run = read_page_run(folder, kPoints[0]);
    const auto [at, is_new] = group_of.try_emplace(run.scene(), report.groups.size());
    if (is_new) report.groups.push_back({run.scene(), {}, {}});
    report.groups[at->second].runs.push_back(std::move(run));
  }
  for (const std::string& folder : found.empty)
    report.notes.push_back(fmt::format("{} is left out: it ended before its first row.", folder));
  return report;
}

/// Of each run the JSON text, group by group.
std::vector<std::string> run_texts(const Report& report, std::size_t points) {
  std::vector<std::string> texts;
  for (std::size_t g = 0; g < report.groups.size(); ++g) {
    const Group& group = report.groups[g];
    std::vector<SavedRun> descriptions;
    for (const PageRun& run : group.runs)
      descriptions.push_back({run.saved.folder, run.saved.description, {}});
    const std::vector<std::string> names = legend(descriptions);
    for (std::size_t r = 0; r < group.runs.size(); ++r) {
      Json json = json_of(group.runs[r], names[r], points);
      json["group"] = g;
      texts.push_back(dump(json));
    }
  }
  return texts;
}

/// Sweeps, of which the largest lose their maps where all of them are too large.
Json sweeps_of(Report& report) {
  Json list = Json::array();
  std::size_t bytes = 0;
  for (const PageSweep& sweep : report.sweeps) {
    Json json = sweep.facts;
    bytes += dump(json["settings"]).size();
    if (bytes > kMapBytes) {
      json["settings"] = Json::array();
      report.notes.push_back(fmt::format("The map of {} is left out: {} runs are too many for this page.",
                                         sweep.folder, sweep.facts["runs"].get<std::size_t>()));
    }
    list.push_back(std::move(json));
  }
  return list;
}

std::size_t total(const std::vector<std::string>& texts) {
  std::size_t bytes = 0;
  for (const std::string& text : texts)
    bytes += text.size() + 1 + 5 * std::count(text.begin(), text.end(), '<');
  return bytes;
}

/// As many points of each run as there is room for, and as many runs.
std::string fitted_page(Report& report) {
  Json json = {{"laconic", LACONIC_VERSION}, {"title", report.title}};
  json["sweeps"] = sweeps_of(report);
  json["verdicts"] = report.verdicts;
  json["groups"] = Json::array();
  for (const Group& group : report.groups)
    json["groups"].push_back(
        {{"scene", group.scene}, {"sweep", group.sweep ? Json(*group.sweep) : Json(nullptr)}});
  json["notes"] = report.notes;
  const std::size_t others = page_of(dump(json)).size() + 1000;  // a note more
  const std::size_t room = kPageBytes - std::min(others, kPageBytes);
  std::vector<std::string> texts;
  for (const std::size_t points : kPoints) {
    json["points"] = points;
    texts = run_texts(report, points);
    if (total(texts) <= room) break;
  }
  const std::size_t all = texts.size();
  while (total(texts) > room && !texts.empty()) texts.pop_back();
  if (texts.size() < all) {
    json["notes"].push_back(
        fmt::format("Only the first {} of {} runs are shown: more are too many for one page. "
                    "Give laconic report fewer folders.",
                    texts.size(), all));
  }
  if (others > kPageBytes || (texts.empty() && all > 0))
    throw InputError(
        fmt::format("report: what these folders hold is too much for a page of {} MB; give fewer of them",
                    kPageBytes / 1'000'000));
  std::string text = dump(json);
  text.pop_back();
  return page_of(fmt::format("{},\"runs\":[{}]}}", text, fmt::join(texts, ",")));
}

/// The folder is made where it is missing. InputError where no file can be written there.
void require_writable(const std::string& out) {
  const fs::path path = out;
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  fs::create_directories(folder, error);
  const auto fail = [&](const std::string& why) {
    throw InputError(fmt::format("out: cannot write {}: {}", out, why));
  };
  if (fs::is_directory(path, error) || !path.has_filename()) fail("that is a folder");
  if (!fs::is_directory(folder, error)) fail(folder.string() + " is no folder");
  if (access(folder.c_str(), W_OK) != 0) fail("nothing can be written in its folder");
}

}  // namespace

int report(const std::vector<std::string>& words) {
  std::string out = "report.html";
  std::string title;
  std::vector<std::string> folders;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (equals == std::string::npos ||
        key.find('/') != std::string::npos) {  // a folder may have '=' in its name
      folders.push_back(word);
    } else if (key == "out") {
      out = word.substr(equals + 1);
    } else if (key == "title") {
      title = word.substr(equals + 1);
    } else {
      fail_unknown_key(key, {"title", "out"});
    }
  }
  require_charts();
  if (folders.empty())
    throw InputError(
        "report needs the folder of at least one run or sweep, as in: laconic report runs -o report.html");
  Report all = read_report(find_results(folders));
  all.title = title;
  std::size_t runs = 0;
  for (const Group& group : all.groups) runs += group.runs.size();
  if (all.groups.empty() && all.verdicts.empty())
    throw InputError(fmt::format("{}: no run in it has a row yet", fmt::join(folders, ", ")));
  const std::string page = fitted_page(all);
  require_writable(out);
  write_whole(out, page);
  fmt::print("{} run{}, {} sweep{}, {:.2f} MB -> {}\n", runs, runs == 1 ? "" : "s", all.sweeps.size(),
             all.sweeps.size() == 1 ? "" : "s", static_cast<double>(page.size()) / 1e6, out);
  return kDone;
}

}  // namespace laconic::cli
