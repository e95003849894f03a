// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/experiment/config.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/report/figures.h"
#include "laconic/sweep/csv.h"
#include "laconic/sweep/results.h"

namespace laconic::cli {

namespace {

/// Draws the map of a sweep over two of its axes; without `across` and `upwards`, over the axes of the
/// sweep's own map.
int plot_sweep(const std::string& folder, const std::optional<std::string>& across,
               const std::optional<std::string>& upwards, const std::string& out) {
  std::vector<KeyValue> settings = read_toml(folder + "/run.toml");
  if (across.has_value() != upwards.has_value())
    throw InputError("plot: the map of a sweep needs both x= and y=, or neither");
  if (across) {
    std::erase_if(settings, [](const KeyValue& setting) { return setting.key == "map"; });
    settings.push_back({"map", *across + "," + *upwards, ""});
  }
  const SweepPlan plan = plan_of(settings);
  if (!plan.map) throw InputError("plot: the map of this sweep needs two of its axes, as x= and y=");
  const std::vector<double> scores = scores_of(plan, read_sweep_csv(plan, folder + "/sweep.csv"));
  for (const std::string& path : draw_maps(plan, scores, plan.map->first, plan.map->second, out))
    print_out("-> {}\n", path);
  return kDone;
}

}  // namespace

int plot(const std::vector<std::string>& words) {
  FigureOptions options;
  std::string out = "plot.svg";
  std::optional<std::string> x;
  std::optional<std::string> y;
  std::vector<std::string> folders;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    // A folder name may contain '=', the key of an option never contains '/'.
    if (equals == std::string::npos || key.find('/') != std::string::npos) {
      folders.push_back(word);
      continue;
    }
    const std::string value = word.substr(equals + 1);
    if (key == "x") {
      x = value;
    } else if (key == "y") {
      y = value;
    } else if (key == "log") {
      if (value.find_first_not_of("xy") != std::string::npos) {
        throw InputError(fmt::format("log = {}; need x, y, xy, or nothing after the sign", value));
      }
      options.log = value;
    } else if (key == "title") {
      options.title = value;
    } else if (key == "out") {
      out = value;
    } else {
      fail_unknown_key(key, {"x", "y", "log", "title", "out"});
    }
  }
  if (folders.empty())
    throw InputError("plot needs the folder of at least one run, as in: laconic plot runs/*");
  require_output(out);
  std::error_code none;
  if (std::filesystem::exists(folders[0] + "/sweep.csv", none)) {
    if (folders.size() > 1)
      throw InputError("plot: a sweep is drawn by itself: one folder, and two of its axes as x= and y=");
    return plot_sweep(folders[0], x, y, out);
  }
  options.x = x.value_or(options.x);
  options.y = y.value_or(options.y);
  std::vector<SavedRun> runs;
  for (const std::string& folder : folders) runs.push_back(read_run(folder));
  draw(runs, options, out);
  print_out("{}-> {}\n", comparison(runs), out);
  return kDone;
}

}  // namespace laconic::cli
