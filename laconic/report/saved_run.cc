// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/saved_run.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"
#include "laconic/report/setting_json.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

/// Keys that do not distinguish runs; and the method, which comes first in a name.
constexpr const char* kUntold[] = {"method", "out", "threads", "rounds", "eval-every", "checkpoint-every"};
constexpr const char* kSeeds[] = {"seed", "split-seed"};

bool is_untold(const std::string& key) {
  return std::find(std::begin(kUntold), std::end(kUntold), key) != std::end(kUntold);
}
bool is_seed(const std::string& key) {
  return std::find(std::begin(kSeeds), std::end(kSeeds), key) != std::end(kSeeds);
}

/// The run without its seeds.
SavedRun seedless(const SavedRun& run) {
  SavedRun without{.folder = run.folder, .description = {}, .trace = {}};
  std::copy_if(run.description.begin(), run.description.end(), std::back_inserter(without.description),
               [](const auto& setting) { return !is_seed(setting.first); });
  return without;
}

/// Whether the runs agree in all keys that distinguish runs, seeds aside.
bool same_setting(const SavedRun& a, const SavedRun& b) {
  const auto agrees = [](const SavedRun& one, const SavedRun& other) {
    return std::all_of(one.description.begin(), one.description.end(), [&](const auto& setting) {
      const auto& [key, value] = setting;
      return (is_untold(key) && key != "method") || is_seed(key) || other.value(key) == value;
    });
  };
  return agrees(a, b) && agrees(b, a);
}

bool same_seeds(const SavedRun& a, const SavedRun& b) {
  return std::all_of(std::begin(kSeeds), std::end(kSeeds),
                     [&](const char* key) { return a.value(key) == b.value(key); });
}

}  // namespace

std::string SavedRun::value(const std::string& key) const {
  for (const auto& [name, text] : description) {
    if (name == key) return text;
  }
  return "";
}

double SavedRun::last(const std::string& column) const {
  const auto* values = trace.column(column);
  return values == nullptr || values->empty() ? 0 : values->back();
}

SavedRun read_run(const std::string& folder) {
  SavedRun run;
  run.folder = fs::path(folder).lexically_normal().string();
  if (run.folder.size() > 1 && run.folder.ends_with('/')) run.folder.pop_back();
  std::error_code error;
  if (fs::status(fs::path(folder) / "trace.csv", error).type() == fs::file_type::not_found) {
    throw InputError(fmt::format("{} holds no run: there is no trace.csv in it", folder));
  }
  run.trace = read_table((fs::path(folder) / "trace.csv").string());
  const std::string summary = (fs::path(folder) / "summary.json").string();
  const auto json = fs::exists(summary, error)
                        ? nlohmann::ordered_json::parse(read_whole(summary), nullptr, false)
                        : nlohmann::ordered_json();
  if (json.is_object() && json.contains("description") && json["description"].is_object()) {
    for (const auto& [key, value] : json["description"].items()) {
      if (value.is_primitive()) run.description.emplace_back(key, text_of_setting(value));
    }
  } else {  // the run was killed before it wrote its summary: the folder's name replaces the method
    run.description.emplace_back("method", fs::path(run.folder).filename().string());
  }
  const auto f_star = nlohmann::ordered_json::json_pointer("/constants/f_star");
  if (json.is_object() && json.contains(f_star) && json[f_star].is_number())
    run.f_star = json[f_star].get<double>();
  return run;
}

std::vector<std::string> legend(const std::vector<SavedRun>& runs) {
  std::vector<std::string> names;
  for (const SavedRun& run : runs) {
    std::string name = run.value("method");
    for (const auto& [key, value] : run.description) {
      if (is_untold(key)) continue;
      const bool differs =
          std::any_of(runs.begin(), runs.end(), [&, &name_of = key, &mine = value](const SavedRun& other) {
            return other.value("method") == run.value("method") && other.value(name_of) != mine;
          });
      if (differs) name += fmt::format(", {}={}", key, value);
    }
    names.push_back(name);
  }
  // For names that are still equal.
  const auto tell = [&](const auto& more) {
    const std::vector<std::string> before = names;
    for (std::size_t r = 0; r < runs.size(); ++r) {
      if (std::count(before.begin(), before.end(), before[r]) > 1) names[r] += more(runs[r]);
    }
  };
  tell([](const SavedRun& run) { return fmt::format(", rounds={}", run.value("rounds")); });
  tell([](const SavedRun& run) { return fmt::format(" [{}]", run.folder); });
  return names;
}

std::vector<RunGroup> grouped_by_seed(const std::vector<SavedRun>& runs) {
  std::vector<RunGroup> groups;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    // A run with the same seeds differs in something else, such as its length: it is a curve of its own.
    const auto home = std::find_if(groups.begin(), groups.end(), [&](const RunGroup& group) {
      return same_setting(runs[group.front()], runs[r]) &&
             std::none_of(group.begin(), group.end(),
                          [&](std::size_t other) { return same_seeds(runs[other], runs[r]); });
    });
    if (home != groups.end())
      home->push_back(r);
    else
      groups.push_back({r});
  }
  return groups;
}

std::vector<std::string> legend(const std::vector<SavedRun>& runs, const std::vector<RunGroup>& groups) {
  std::vector<SavedRun> firsts;
  for (const RunGroup& group : groups) firsts.push_back(seedless(runs[group.front()]));
  std::vector<std::string> names = legend(firsts);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const bool is_unusual = std::any_of(groups.begin(), groups.end(), [&](const RunGroup& other) {
      return other.size() != groups[g].size();
    });
    if (is_unusual && groups[g].size() > 1) names[g] += fmt::format(", {} seeds", groups[g].size());
  }
  return names;
}

}  // namespace laconic
