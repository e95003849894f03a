// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/heat_map.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/report/gnuplot.h"

namespace laconic {
namespace {

/// Three digits and a metric prefix, narrow enough for a cell.
std::string short_text(double value) {
  if (std::abs(value) >= 1e4 && std::abs(value) < 1e15) {
    int prefix = 0;
    while (std::abs(value) >= 999.5) {
      value /= 1000;
      ++prefix;
    }
    return fmt::format("{:.3g}{}", value, "kMGTP"[prefix - 1]);
  }
  return fmt::format("{:.4g}", value);
}

/// gnuplot treats the label of a tic as a format, in which %% stands for %.
std::string tic_text(const std::string& value) {
  std::string text;
  for (const char c : value) text.append(c == '%' ? 2 : 1, c);
  return gnuplot_text(text);
}

std::string tics(const std::vector<std::string>& values) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", tic_text(values[i]), i);
  return text;
}

/// The range of a map's colours, and the cell of its least value.
struct Extremes {
  double least;
  double most;
  std::size_t x_least = 0;
  std::size_t y_least = 0;

  /// Colours are logarithmic if values differ by a large factor, as costs do.
  [[nodiscard]] bool is_logarithmic() const { return least > 0 && most / least > 3; }
  /// From 0 for the least value to 1 for the largest.
  [[nodiscard]] double level_of(double value) const {
    if (most <= least) return 0;
    return is_logarithmic() ? std::log(value / least) / std::log(most / least)
                            : (value - least) / (most - least);
  }
};

/// InputError if the map has no value.
Extremes extremes_of(const HeatMap& map) {
  Extremes found{.least = map.least, .most = map.most};
  double smallest = std::numeric_limits<double>::infinity();
  for (std::size_t y = 0; y < map.y_values.size(); ++y) {
    for (std::size_t x = 0; x < map.x_values.size(); ++x) {
      const double value = map.values[y][x];
      if (!std::isfinite(value)) continue;
      found.most = std::max(found.most, value);
      found.least = std::min(found.least, value);
      if (value >= smallest) continue;
      smallest = value;
      found.x_least = x;
      found.y_least = y;
    }
  }
  if (!std::isfinite(smallest))
    throw InputError(fmt::format("a map of {} over {}: there is no value to draw", map.y_name, map.x_name));
  return found;
}

std::string axes_script(const HeatMap& map) {
  std::ostringstream out;
  out << "set termoption noenhanced\nset border lc rgb '#444444'\nset tics nomirror scale 0\nunset key\n"
      << "set xlabel " << gnuplot_text(map.x_name) << "\nset ylabel " << gnuplot_text(map.y_name)
      << "\nset cblabel " << gnuplot_text(map.value_name) << "\n"
      << "set title " << gnuplot_text(map.title) << "\n"
      << "set xtics (" << tics(map.x_values) << ")\nset ytics (" << tics(map.y_values) << ")\n"
      << fmt::format("set xrange [-0.5:{}]\nset yrange [-0.5:{}]\n",
                     static_cast<double>(map.x_values.size()) - 0.5,
                     static_cast<double>(map.y_values.size()) - 0.5);
  return out.str();
}

/// From dark to light in steps of lightness: readable in grey and with all types of colour vision.
constexpr const char* kPalette = "set palette defined (0 '#0b3c5d', 0.5 '#5aa2c8', 1 '#f2f6f8')\n";

/// A frame around the least value.
std::string frame_script(const Extremes& extremes) {
  const auto x = static_cast<double>(extremes.x_least);
  const auto y = static_cast<double>(extremes.y_least);
  return fmt::format("set object 1 rectangle from {},{} to {},{} front fs empty border rgb '#d55e00' lw 3\n",
                     x - 0.5, y - 0.5, x + 0.5, y + 0.5);
}

/// The scale of the colours, and its tics.
std::string scale_script(const Extremes& extremes) {
  const double least = extremes.least;
  const double most = extremes.most;
  const bool logarithmic = extremes.is_logarithmic();
  std::string text = logarithmic ? "set logscale cb\n" : "";
  text += fmt::format("set cbrange [{}:{}]\n", least,
                      most > least ? most : least + (least == 0 ? 1 : 0.01 * std::abs(least)));
  if (most > least) {
    const double middle = logarithmic ? std::sqrt(least * most) : (least + most) / 2;
    text += fmt::format("set cbtics ('{}' {}, '{}' {}, '{}' {})\n", short_text(least), least,
                        short_text(middle), middle, short_text(most), most);
  }
  return text;
}

/// Data of the cells: place, value, number, and the colour of the number.
std::string cells_script(const HeatMap& map, const Extremes& extremes) {
  std::string text = "$map << EOD\n";
  for (std::size_t y = 0; y < map.y_values.size(); ++y) {
    for (std::size_t x = 0; x < map.x_values.size(); ++x) {
      const double value = map.values[y][x];
      if (!std::isfinite(value)) continue;
      const bool is_dark = extremes.level_of(value) < 0.45;
      text += fmt::format("{} {} {} {} {}\n", x, y, value, short_text(value), is_dark ? 0xffffff : 0x202020);
    }
  }
  return text + "EOD\n";
}

/// Draws the cells. Numbers are smaller where the map is wide.
std::string plot_script(std::size_t width) {
  return fmt::format(
      "set style fill solid\nplot $map using 1:2:(0.5):(0.5):3 with boxxyerror lc palette, "
      "$map using 1:2:4:5 with labels tc rgb variable font ',{}'\n",
      width > 16  ? 6
      : width > 9 ? 8
                  : 10);
}

std::string script(const HeatMap& map) {
  const Extremes extremes = extremes_of(map);
  return axes_script(map) + kPalette + frame_script(extremes) + scale_script(extremes) +
         cells_script(map, extremes) + plot_script(map.x_values.size());
}

}  // namespace

void draw(const HeatMap& map, const std::string& path) { run_gnuplot(script(map), path); }

}  // namespace laconic
