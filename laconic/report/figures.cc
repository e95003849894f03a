// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/figures.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"
#include "laconic/core/spec.h"
#include "laconic/report/gnuplot.h"
#include "laconic/report/setting_json.h"
#include "laconic/report/text_table.h"
#include "laconic/report/units.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

/// Uplink bits of the run when its squared gradient norm first was at most `level`; infinite if it never was.
double bits_to(const SavedRun& run, double level) {
  const auto* norm = run.trace.column("grad_norm_sq");
  const auto* bits = run.trace.column("uplink_bits");
  if (norm == nullptr || bits == nullptr) return std::numeric_limits<double>::infinity();
  for (std::size_t r = 0; r < norm->size(); ++r) {
    if ((*norm)[r] <= level) return (*bits)[r];
  }
  return std::numeric_limits<double>::infinity();
}

double lowest_norm(const SavedRun& run) {
  const auto* norm = run.trace.column("grad_norm_sq");
  return norm == nullptr ? std::numeric_limits<double>::infinity()
                         : *std::min_element(norm->begin(), norm->end());
}

bool is_gd(const SavedRun& run) { return run.value("method") == "gd" && run.value("batch").empty(); }

/// The ratio of gd's bits to the run's bits, at the lowest level that both reached.
std::optional<double> saving(const SavedRun& run, const SavedRun& gd) {
  const double level = std::max(lowest_norm(run), lowest_norm(gd));
  const double ratio = bits_to(gd, level) / bits_to(run, level);
  return std::isfinite(ratio) ? std::optional(ratio) : std::nullopt;
}

/// Compared with the gd run of the same step rule on the same problem; without one, with the best gd run.
std::optional<double> saving(const SavedRun& run, const std::vector<SavedRun>& runs) {
  std::optional<double> least;
  for (const bool same_step : {true, false}) {
    for (const SavedRun& gd : runs) {
      if (!is_gd(gd) || gd.value("problem") != run.value("problem")) continue;
      if (same_step && gd.value("step") != run.value("step")) continue;
      const auto ratio = saving(run, gd);
      if (ratio && (!least || *ratio < *least)) least = ratio;
    }
    if (least) break;
  }
  return least;
}

const std::map<std::string, std::string> kAxisNames = {
    {"round", "rounds"},
    {"grad_norm_sq", "squared gradient norm"},
    {"uplink_floats", "floats sent per client"},
    {"uplink_bits", "bits sent per client"},
    {"downlink_bits", "bits received per client"},
    {"oracle_calls", "single-sample gradients per client"},
    {"network_seconds", "modelled seconds"},
    {"train_accuracy", "training accuracy"},
    {"test_accuracy", "test accuracy"},
};

std::string axis_name(const std::string& column) {
  const auto found = kAxisNames.find(column);
  return found == kAxisNames.end() ? column : found->second;
}

/// Colours that are distinct for all types of colour vision (Okabe and Ito 2008).
constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                    "#56B4E9", "#E69F00", "#000000", "#999999"};

/// Whether the axis shows plain numbers, without prefixes such as milli and kilo.
bool is_plain(const std::string& column) { return column == "f" || column.ends_with("accuracy"); }

/// Keys that do not distinguish runs; and the method, which comes first in a name.
constexpr const char* kUntold[] = {"method", "out", "threads", "rounds", "eval-every", "checkpoint-every"};

const std::vector<double>& column_of(const SavedRun& run, const std::string& name, bool logarithmic) {
  const std::vector<double>* column = run.trace.column(name);
  if (column == nullptr) {
    throw InputError(fmt::format("{}/trace.csv has no column \"{}\"{}; it has {}", run.folder, name,
                                 did_you_mean(name, run.trace.columns), fmt::join(run.trace.columns, ", ")));
  }
  if (logarithmic && std::none_of(column->begin(), column->end(), [](double v) { return v > 0; })) {
    throw InputError(fmt::format(
        "{}/trace.csv: no value of \"{}\" is above 0, so its axis cannot be logarithmic; see log=",
        run.folder, name));
  }
  return *column;
}

bool is_logarithmic(const FigureOptions& options, char axis) {
  return options.log.find(axis) != std::string::npos;
}

std::string axes_script(const FigureOptions& options) {
  std::ostringstream out;
  out << "set border 3 lc rgb '#444444'\nset tics nomirror\nset grid lc rgb '#cccccc' lw 1\n"
      << "set key outside below center horizontal Left reverse maxcols 2 samplen 3 noenhanced\nset rmargin "
         "5\n"
      << "set xlabel " << gnuplot_text(axis_name(options.x)) << "\nset ylabel "
      << gnuplot_text(axis_name(options.y)) << "\n";
  if (!options.title.empty()) out << "set title " << gnuplot_text(options.title) << "\n";
  for (const char axis : options.log) out << "set logscale " << axis << " 10\n";
  for (const auto& [axis, column] : {std::pair{'x', options.x}, {'y', options.y}}) {
    out << "set format " << axis
        << (is_logarithmic(options, axis) ? " '%.0e'"
            : column == "round"           ? " '%.0f'"
            : is_plain(column)            ? " '%g'"
                                          : " '%.1s%c'")
        << "\n";
  }
  return out.str();
}

/// The points of each run, as $run0, $run1, ... InputError if none of them has a place on the axes.
std::string points_script(const std::vector<SavedRun>& runs, const FigureOptions& options) {
  const bool log_x = is_logarithmic(options, 'x');
  const bool log_y = is_logarithmic(options, 'y');
  const auto has_place = [](double v, bool logarithmic) {
    return std::isfinite(v) && (v > 0 || !logarithmic);
  };
  std::string text;
  bool has_point = false;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::vector<double>& x = column_of(runs[r], options.x, log_x);
    const std::vector<double>& y = column_of(runs[r], options.y, log_y);
    text += fmt::format("$run{} << EOD\n", r);
    for (std::size_t i = 0; i < x.size(); ++i) {
      has_point = has_point || (has_place(x[i], log_x) && has_place(y[i], log_y));
      text += fmt::format("{} {}\n", x[i], y[i]);
    }
    text += "EOD\n";
  }
  if (!has_point) {
    throw InputError(fmt::format("{}/trace.csv: no row has a place in a figure of \"{}\" over \"{}\"",
                                 runs[0].folder, options.y, options.x));
  }
  return text;
}

/// Draws a line for each run. A method has one colour, and each of its runs a dash pattern.
std::string plot_script(const std::vector<SavedRun>& runs) {
  const std::vector<std::string> names = legend(runs);
  std::vector<std::string> colour_of;  // colour index: methods in order of appearance
  std::map<std::string, int> seen;     // the number of runs of a method so far
  std::string plot;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::string method = runs[r].value("method");
    auto at = std::find(colour_of.begin(), colour_of.end(), method);
    if (at == colour_of.end()) at = colour_of.insert(colour_of.end(), method);
    const auto index = static_cast<std::size_t>(at - colour_of.begin());
    plot +=
        fmt::format("{} $run{} using 1:2 with lines lw 2 dt {} lc rgb '{}' title {}", r == 0 ? "plot" : ",",
                    r, 1 + (seen[method]++ + static_cast<int>(index / std::size(kColours))) % 5,
                    kColours[index % std::size(kColours)], gnuplot_text(names[r]));
  }
  return plot + "\n";
}

std::string script(const std::vector<SavedRun>& runs, const FigureOptions& options) {
  return axes_script(options) + points_script(runs, options) + plot_script(runs);
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
      run.description.emplace_back(key, text_of_setting(value));
    }
  } else {  // the run was killed before it wrote its summary: the folder's name replaces the method
    run.description.emplace_back("method", fs::path(run.folder).filename().string());
  }
  return run;
}

std::vector<std::string> legend(const std::vector<SavedRun>& runs) {
  std::vector<std::string> names;
  for (const SavedRun& run : runs) {
    std::string name = run.value("method");
    for (const auto& [key, value] : run.description) {
      if (std::find(std::begin(kUntold), std::end(kUntold), key) != std::end(kUntold)) continue;
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

std::string comparison(const std::vector<SavedRun>& runs) {
  const bool with_saving = std::any_of(runs.begin(), runs.end(), is_gd);
  std::vector<std::vector<std::string>> cells = {
      {"method", "step", "rounds", "|grad f|^2", "up/client", "down/client"}};
  if (with_saving) cells[0].emplace_back("bits saved vs gd");
  for (const SavedRun& run : runs) {
    cells.push_back({run.value("method"), run.value("step"), fmt::format("{}", run.last("round")),
                     fmt::format("{:.3e}", run.last("grad_norm_sq")), bits_text(run.last("uplink_bits")),
                     bits_text(run.last("downlink_bits"))});
    if (!with_saving) continue;
    const auto ratio = saving(run, runs);
    cells.back().push_back(is_gd(run) || !ratio ? "-" : fmt::format("{:.1f}x", *ratio));
  }
  std::string text = text_table(cells, 2);
  if (with_saving) {
    text +=
        "Bits saved: up, to the lowest |grad f|^2 that a run and gd (with the same step rule) both "
        "reached.\n";
  }
  return text;
}

void draw(const std::vector<SavedRun>& runs, const FigureOptions& options, const std::string& path) {
  check(!runs.empty(), "a figure needs a run");
  run_gnuplot(script(runs, options), path);
}

}  // namespace laconic
