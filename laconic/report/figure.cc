// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/figure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/report/columns.h"

namespace laconic {
namespace {

constexpr double kDecades = 30;  // a ratio of costs that needs a logarithmic axis

bool is_positive(double value) { return value > 0; }
bool has_positive(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(), is_positive);
}

/// Whether the curves end at costs that differ by a large factor.
bool spans_decades(const std::vector<Curve>& curves) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const Curve& curve : curves) {
    least = std::min(least, curve.x.back());
    most = std::max(most, curve.x.back());
  }
  return least > 0 && std::isfinite(most) && most / least >= kDecades;
}

[[noreturn]] void fail_logarithmic(const Curve& curve, const std::string& column) {
  throw InputError(
      fmt::format("{}/trace.csv: no value of \"{}\" is above 0, so its axis cannot be logarithmic; see log=",
                  curve.folder, column));
}

/// Whether the axes are logarithmic, x and y.
std::pair<bool, bool> logarithmic_axes(const std::vector<Curve>& curves, const FigureOptions& options) {
  if (options.log == "auto") {
    const bool y = falls_to_zero(options.y) && std::any_of(curves.begin(), curves.end(),
                                                           [](const Curve& c) { return has_positive(c.y); });
    return {spans_decades(curves), y};
  }
  if (options.log == "none") return {false, false};
  const bool x = options.log.find('x') != std::string::npos;
  const bool y = options.log.find('y') != std::string::npos;
  for (const Curve& curve : curves) {
    if (x && !has_positive(curve.x)) fail_logarithmic(curve, options.x);
    if (y && !has_positive(curve.y)) fail_logarithmic(curve, options.y);
  }
  return {x, y};
}

/// The least and the greatest of some values.
struct Extent {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();

  void add(double value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
};

/// The extents of the points that have a place. A curve that diverges does not hide the others: y ends far
/// above the first values.
std::pair<Extent, Extent> extents_of(const Figure& figure) {
  Extent x;
  Extent y;
  double start = 0;
  for (const Curve& curve : figure.curves) {
    bool is_first = true;
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!figure.has_place(curve.x[i], curve.y[i])) continue;
      if (std::exchange(is_first, false)) start = std::max(start, std::abs(curve.y[i]));
      x.add(curve.x[i]);
      y.add(curve.y[i]);
      if (curve.low.empty()) continue;
      if (figure.y.has_place(curve.low[i])) y.add(curve.low[i]);
      if (figure.y.has_place(curve.high[i])) y.add(curve.high[i]);
    }
  }
  if (start > 0) y.most = std::max(std::min(y.most, start * (figure.y.logarithmic ? 1e4 : 20)), y.least);
  return {x, y};
}

/// The extent with a margin of this share, except where the user gives an end.
Extent with_margin(Extent extent, double share, const AxisRange& range, bool logarithmic) {
  if (logarithmic) {
    const double factor = std::pow(extent.most / extent.least, share);
    extent = {extent.least / factor, extent.most * factor};
  } else {
    const double margin = share * (extent.most - extent.least);
    extent = {extent.least - margin, extent.most + margin};
  }
  return {range.least.value_or(extent.least), range.most.value_or(extent.most)};
}

void require_range(const char* key, const Extent& extent, const AxisRange& range, bool logarithmic) {
  if (!range.least && !range.most) return;
  if (logarithmic && extent.least <= 0)
    throw InputError(
        fmt::format("{}: from {}; a logarithmic axis needs values above 0; see log=", key, extent.least));
  if (extent.least >= extent.most)
    throw InputError(
        fmt::format("{}: from {} to {}; need the smaller end first", key, extent.least, extent.most));
}

/// Renames curves, by their whole name or by their method in front of it.
void relabel(std::vector<Curve>& curves, const FigureOptions& options) {
  std::vector<std::string> known;
  for (const Curve& curve : curves) {
    known.push_back(curve.name);
    if (curve.method != curve.name) known.push_back(curve.method);
  }
  const std::vector<Curve> before = curves;
  for (const auto& [name, label] : options.labels) {
    bool is_known = false;
    for (std::size_t c = 0; c < curves.size(); ++c) {
      const std::string& own = before[c].name;
      if (own != name && before[c].method != name) continue;
      is_known = true;
      curves[c].name = label + (own == name ? "" : own.substr(name.size()));
    }
    if (!is_known)
      throw InputError(fmt::format("labels: no curve is named \"{}\"{}; the names are: {}", name,
                                   did_you_mean(name, known), fmt::join(known, "; ")));
  }
}

}  // namespace

bool Figure::has_band() const {
  return std::any_of(curves.begin(), curves.end(), [](const Curve& curve) { return !curve.low.empty(); });
}

Figure figure_of(const std::vector<SavedRun>& runs, const FigureOptions& options) {
  check(!runs.empty(), "a figure needs a run");
  Figure figure;
  figure.curves = curves_of(runs, options.x, options.y);
  figure.title = options.title;
  figure.x_title = options.x_title.empty() ? axis_title(options.x) : options.x_title;
  figure.y_title = options.y_title.empty() ? axis_title(options.y) : options.y_title;
  std::vector<std::string> methods;
  for (const Curve& curve : figure.curves) methods.push_back(curve.method);
  figure.styles = styles_of(methods);
  std::tie(figure.x.logarithmic, figure.y.logarithmic) = logarithmic_axes(figure.curves, options);
  auto [x, y] = extents_of(figure);
  if (x.least > x.most) {
    throw InputError(fmt::format("{}/trace.csv: no row has a place in a figure of \"{}\" over \"{}\"",
                                 figure.curves[0].folder, options.y, options.x));
  }
  x = with_margin(x, 0, options.x_range, figure.x.logarithmic);
  y = with_margin(y, 0.04, options.y_range, figure.y.logarithmic);
  require_range("xrange", x, options.x_range, figure.x.logarithmic);
  require_range("yrange", y, options.y_range, figure.y.logarithmic);
  const auto tics = [&](double length, double apart) {
    return static_cast<std::size_t>(std::clamp(length / (apart * options.canvas.font), 3.0, 10.0));
  };
  figure.x = make_scale(x.least, x.most, figure.x.logarithmic, tics(options.canvas.width, 6));
  figure.y = make_scale(y.least, y.most, figure.y.logarithmic, tics(options.canvas.height, 3.5));
  relabel(figure.curves, options);
  return figure;
}

}  // namespace laconic
