// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/pgfplots.h"

#include <algorithm>

#include <fmt/format.h>

#include "laconic/report/latex.h"
#include "laconic/report/thin.h"

namespace laconic {
namespace {

constexpr std::size_t kPoints = 300;  // TeX needs memory and time for each

std::string size_of(const FigureOptions& options) {
  if (!options.is_size_fixed) return "width=\\columnwidth, height=0.75\\columnwidth";
  const auto cm = [&](double units) { return units / options.canvas.units_in_inch * 2.54; };
  return fmt::format("width={:.2f}cm, height={:.2f}cm, scale only axis=false", cm(options.canvas.width),
                     cm(options.canvas.height));
}

std::string axis_options(const Figure& figure, const FigureOptions& options) {
  std::string text =
      fmt::format("{}, unbounded coords=jump, grid=major, grid style={{black!12}},\n", size_of(options));
  if (!figure.title.empty()) text += fmt::format("  title={{{}}},\n", latex_text(figure.title));
  for (const auto& [axis, scale, title] :
       {std::tuple{'x', &figure.x, &figure.x_title}, std::tuple{'y', &figure.y, &figure.y_title}}) {
    text +=
        fmt::format("  {}label={{{}}}, {}min={}, {}max={}{},\n", axis, latex_text(*title), axis, scale->least,
                    axis, scale->most, scale->logarithmic ? fmt::format(", {}mode=log", axis) : "");
  }
  return text +
         "  legend columns=2, legend cell align=left,\n"
         "  legend style={draw=none, font=\\footnotesize, at={(0.5,-0.25)}, anchor=north}";
}

/// "on 14pt off 3pt ..." at the width of the line.
std::string dash_pattern(const CurveStyle& style) {
  std::string text;
  bool is_on = true;
  for (const double length : dashes()[style.dash]) {
    text += fmt::format("{} {:.2f}pt ", is_on ? "on" : "off", 0.5 * length);
    is_on = !is_on;
  }
  return text.empty() ? "solid" : fmt::format("dash pattern={}", text.substr(0, text.size() - 1));
}

std::string row(double x, double y) { return fmt::format("{} {}\\\\\n", x, y); }

/// A polygon: along the upper side and back along the lower one.
std::string band(const Figure& figure, const Curve& curve, std::vector<std::size_t> rows, std::size_t c) {
  std::erase_if(rows, [&](std::size_t r) {
    return !figure.y.has_place(curve.low[r]) || !figure.y.has_place(curve.high[r]);
  });
  std::string text = fmt::format(
      "\\addplot[draw=none, fill=laconic{}, fill opacity=0.2, forget plot] table[row sep=\\\\] {{\nx y\\\\\n",
      c);
  for (const std::size_t r : rows) text += row(curve.x[r], curve.high[r]);
  std::reverse(rows.begin(), rows.end());
  for (const std::size_t r : rows) text += row(curve.x[r], curve.low[r]);
  return text + "};\n";
}

std::string line(const Curve& curve, const std::vector<std::size_t>& rows, std::size_t c,
                 const CurveStyle& style) {
  const std::size_t apart = std::max<std::size_t>(1, rows.size() / 10);
  std::string text = fmt::format(
      "\\addplot[laconic{}, thick, {}, mark repeat={}, mark phase={}, every mark/.append style={{solid}}, "
      "mark={}] table[row sep=\\\\] {{\nx y\\\\\n",
      c, dash_pattern(style), apart, 1 + (c * apart / 5) % apart, markers()[style.marker].pgfplots);
  for (const std::size_t r : rows) text += row(curve.x[r], curve.y[r]);
  return text + fmt::format("}};\n\\addlegendentry{{{}}}\n", latex_text(curve.name));
}

}  // namespace

std::string pgfplots(const Figure& figure, const FigureOptions& options) {
  std::string colour_definitions;
  std::string plots;
  for (std::size_t c = 0; c < figure.curves.size(); ++c) {
    const Curve& curve = figure.curves[c];
    const std::string colour = colours()[figure.styles[c].colour].on_light;
    colour_definitions += fmt::format("\\definecolor{{laconic{}}}{{HTML}}{{{}}}\n", c, colour.substr(1));
    std::vector<std::size_t> rows = rows_to_show({.columns = {"x"}, .values = {curve.x}}, kPoints);
    std::erase_if(rows, [&](std::size_t r) { return !figure.has_place(curve.x[r], curve.y[r]); });
    if (!curve.low.empty()) plots += band(figure, curve, rows, c);
    plots += line(curve, rows, c, figure.styles[c]);
  }
  return fmt::format(
      "% In the preamble: \\usepackage{{pgfplots}} \\pgfplotsset{{compat=newest}}\n{}"
      "\\begin{{tikzpicture}}\n\\begin{{axis}}[{}]\n{}\\end{{axis}}\n\\end{{tikzpicture}}\n",
      colour_definitions, axis_options(figure, options), plots);
}

}  // namespace laconic
