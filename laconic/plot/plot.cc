// SPDX-License-Identifier: Apache-2.0
#include "laconic/plot/plot.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/report/columns.h"
#include "laconic/report/comparison.h"
#include "laconic/report/saved_run.h"
#include "laconic/sweep/csv.h"
#include "laconic/sweep/folders.h"
#include "laconic/sweep/plan.h"
#include "laconic/sweep/ranking.h"
#include "laconic/sweep/results.h"

namespace laconic {
namespace {

double number_of(const std::string& key, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw InputError(fmt::format("{}: \"{}\" is no number", key, text));
  return value;
}

/// A:B, where either may be left out.
AxisRange range_of(const std::string& key, const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos)
    throw InputError(
        fmt::format("{} = {}; need two numbers, or one of them, as in 0:100, 1e-6: or :5", key, text));
  const auto end_of = [&](const std::string& end) {
    return end.empty() ? std::nullopt : std::optional(number_of(key, end));
  };
  return {end_of(text.substr(0, colon)), end_of(text.substr(colon + 1))};
}

/// WxH in px, or in cm where "cm" follows: then a unit of the canvas is a point.
void set_size(FigureOptions& figure, const std::string& text) {
  constexpr double kPointsInCm = 72 / 2.54;
  const bool in_cm = text.ends_with("cm");
  const std::string plain = in_cm || text.ends_with("px") ? text.substr(0, text.size() - 2) : text;
  const std::size_t by = plain.find('x');
  if (by == std::string::npos)
    throw InputError(fmt::format("size = {}; need width x height, as in 800x500px or 8.4x6cm", text));
  Canvas& canvas = figure.canvas;
  const double unit = in_cm ? kPointsInCm : 1;
  canvas.width = unit * number_of("size", plain.substr(0, by));
  canvas.height = unit * number_of("size", plain.substr(by + 1));
  canvas.units_in_inch = in_cm ? 72 : 96;
  canvas.dots_in_unit = in_cm ? 300.0 / 72 : 1;
  if (!(canvas.width >= 100 && canvas.height >= 75 && canvas.width <= 10000 && canvas.height <= 10000))
    throw InputError(fmt::format("size = {}; need at least 100x75 and at most 10000x10000 px", text));
  figure.is_size_fixed = true;
}

/// NAME=LABEL;NAME=LABEL... A name may contain '=', a label may not.
std::vector<std::pair<std::string, std::string>> labels_of(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    begin = std::min(text.find_first_not_of(' ', begin), end);
    const std::string pair = text.substr(begin, end - begin);
    const std::size_t equals = pair.rfind('=');
    if (equals == std::string::npos)
      throw InputError(
          fmt::format("labels: \"{}\"; need NAME=LABEL, as in labels=\"gd=GD;ef21(top-k(5%))=EF21\"", pair));
    labels.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    begin = end + 1;
  }
  return labels;
}

void require_word(const std::string& key, const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) == known.end())
    throw InputError(
        fmt::format("{} = {}{}; need {}", key, value, did_you_mean(value, known), fmt::join(known, ", ")));
}

/// A key, and what its value changes.
struct PlotKey {
  KeyRow row;
  void (*set)(PlotRequest& request, const std::string& value);
};
constexpr PlotKey kPlotKeys[] = {
    {{"x", "round",
      "the horizontal axis: a column of trace.csv, or an axis of a sweep for its map; by default "
      "uplink_bits"},
     [](PlotRequest& r, const std::string& value) { r.x = value; }},
    {{"y", "gap",
      "the vertical axis: a column of trace.csv, gap (f - f*), or an axis of a sweep for its map; by default "
      "grad_norm_sq"},
     [](PlotRequest& r, const std::string& value) { r.y = value; }},
    {{"log", "xy", "the logarithmic axes: x, y, xy or none; by default chosen from the data"},
     [](PlotRequest& r, const std::string& value) {
       if (!value.empty()) require_word("log", value, {"auto", "x", "y", "xy", "none"});
       r.figure.log = value;
     }},
    {{"title", "\"Bits sent\"", "the text above the figure"},
     [](PlotRequest& r, const std::string& value) { r.figure.title = value; }},
    {{"xlabel", "\"bits per client\"", "the text of the horizontal axis; by default that of the column"},
     [](PlotRequest& r, const std::string& value) { r.figure.x_title = value; }},
    {{"ylabel", "\"squared gradient norm\"", "the text of the vertical axis; by default that of the column"},
     [](PlotRequest& r, const std::string& value) { r.figure.y_title = value; }},
    {{"xrange", "0:1e6", "the part of the horizontal axis that is drawn; either end may be left out"},
     [](PlotRequest& r, const std::string& value) { r.figure.x_range = range_of("xrange", value); }},
    {{"yrange", "1e-8:", "the part of the vertical axis that is drawn; either end may be left out"},
     [](PlotRequest& r, const std::string& value) { r.figure.y_range = range_of("yrange", value); }},
    {{"labels", "\"gd=GD; marina(perm-k)=MARINA\"",
      "what the legend calls curves: NAME=LABEL, separated by semicolons"},
     [](PlotRequest& r, const std::string& value) { r.figure.labels = labels_of(value); }},
    {{"names", "ends", "where the names of curves stand: below the figure, or at the ends of the curves"},
     [](PlotRequest& r, const std::string& value) {
       require_word("names", value, {"below", "ends"});
       r.figure.names_at_ends = value == "ends";
     }},
    {{"style", "paper",
      "screen, or paper: the width of a column of a paper, in 8 pt, without a title, as PDF"},
     [](PlotRequest& r, const std::string& value) {
       require_word("style", value, {"screen", "paper"});
       r.is_paper = value == "paper";
     }},
    {{"size", "8.4x6cm", "width x height in px, or in cm"},
     [](PlotRequest& r, const std::string& value) { set_size(r.figure, value); }},
    {{"font", "9", "the size of letters, from 4 to 100"},
     [](PlotRequest& r, const std::string& value) {
       r.figure.canvas.font = number_of("font", value);
       if (!(r.figure.canvas.font >= 4 && r.figure.canvas.font <= 100))
         throw InputError(fmt::format("font = {}; need a size from 4 to 100", value));
     }},
    {{"out", "bits.svg",
      "the file of the figure; its extension chooses the format: svg, png, pdf, or tex for pgfplots"},
     [](PlotRequest& r, const std::string& value) { r.out = value; }},
};

/// A figure for the column of a paper: 8.4 cm wide, in 8 pt, without a title; a PDF unless out= says otherwise.
void set_paper_style(FigureOptions& figure) {
  figure.title.clear();
  figure.canvas.width = 238;
  figure.canvas.height = 170;
  figure.canvas.font = 8;
  figure.canvas.line = 1.4;
  figure.canvas.units_in_inch = 72;
  figure.canvas.dots_in_unit = 300.0 / 72;
}

/// Draws the map of a sweep over two of its axes; without x= and y=, over the axes of the sweep's own map.
Plotted plot_map(const std::string& folder, const PlotRequest& request, const std::string& out) {
  std::vector<KeyValue> settings = read_toml(folder + "/run.toml");
  if (request.x.has_value() != request.y.has_value())
    throw InputError("plot: the map of a sweep needs both x= and y=, or neither");
  if (request.x) {
    std::erase_if(settings, [](const KeyValue& setting) { return setting.key == "map"; });
    settings.push_back({"map", *request.x + "," + *request.y, ""});
  }
  const SweepPlan plan = plan_of(settings);
  if (!plan.map)
    throw InputError(
        "plot: this sweep has no curves (figure= records them); its map needs two of its axes, as x= and y=");
  const std::vector<double> scores = scores_of(plan, read_sweep_csv(plan, folder + "/sweep.csv"));
  return {.paths = draw_maps(plan, scores, plan.map->first, plan.map->second, out)};
}

/// Whether the request is for a map: of a sweep without curves, or over axes instead of columns.
bool wants_map(const PlotRequest& request, const FoundResults& found) {
  if (found.sweeps.size() != 1 || !found.runs.empty()) return false;
  const auto is_axis = [](const std::optional<std::string>& name) { return name && !is_drawable(*name); };
  return is_axis(request.x) || is_axis(request.y) || runs_of_sweep(found.sweeps[0]).empty();
}

}  // namespace

PlotRequest plot_request_of(const std::vector<std::string>& words) {
  PlotRequest request;
  std::vector<std::pair<std::string, std::string>> settings;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (equals == std::string::npos || key.find('/') != std::string::npos)
      request.folders.push_back(word);  // a folder's name may contain '=', a key never contains '/'
    else
      settings.emplace_back(key, word.substr(equals + 1));
  }
  std::vector<std::string> known;
  for (const PlotKey& key : kPlotKeys) known.emplace_back(key.row.name);
  if (std::find(settings.begin(), settings.end(), std::pair<std::string, std::string>("style", "paper")) !=
      settings.end())
    set_paper_style(request.figure);  // first, so that other keys may change a part of it
  for (const auto& [name, value] : settings) {
    const auto* key =
        std::find_if(std::begin(kPlotKeys), std::end(kPlotKeys),
                     [&, &wanted = name](const PlotKey& each) { return each.row.name == wanted; });
    if (key == std::end(kPlotKeys)) fail_unknown_key(name, known);
    key->set(request, value);
  }
  if (request.folders.empty())
    throw InputError("plot needs the folder of at least one run, as in: laconic plot runs/*");
  request.figure.x = request.x.value_or(request.figure.x);
  request.figure.y = request.y.value_or(request.figure.y);
  return request;
}

std::vector<KeyRow> plot_keys() {
  std::vector<KeyRow> rows;
  for (const PlotKey& key : kPlotKeys) rows.push_back(key.row);
  return rows;
}

Plotted plot(const PlotRequest& request, bool latex) {
  const std::string out = request.out.value_or(request.is_paper ? "plot.pdf" : "plot.svg");
  require_output(out);
  const FoundResults found = find_results(request.folders);
  if (wants_map(request, found)) return plot_map(found.sweeps[0], request, out);
  std::vector<std::string> folders = found.runs;
  for (const std::string& sweep : found.sweeps) {
    const std::vector<std::string> curves = runs_of_sweep(sweep);
    folders.insert(folders.end(), curves.begin(), curves.end());
  }
  if (folders.empty())
    throw InputError(
        fmt::format("{}: no run in it has a row yet, and no sweep has curves; figure= records them",
                    fmt::join(request.folders, ", ")));
  std::vector<SavedRun> runs;
  for (const std::string& folder : folders) runs.push_back(read_run(folder));
  Plotted plotted;
  if (!latex || request.out) {  // with latex alone only the table is asked for
    draw(runs, request.figure, out);
    plotted.paths = {out};
  }
  plotted.table = comparison(runs, latex ? TableFormat::latex : TableFormat::text);
  const bool knows_minimum =
      std::all_of(runs.begin(), runs.end(), [](const SavedRun& run) { return run.f_star.has_value(); });
  if (request.figure.y == "f" && knows_minimum) plotted.remark = "f* is known: y=gap draws f - f*";
  return plotted;
}

}  // namespace laconic
