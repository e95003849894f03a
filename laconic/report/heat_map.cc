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

std::string script(const HeatMap& map) {
  const std::size_t width = map.x_values.size();
  const std::size_t height = map.y_values.size();
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  std::size_t x_least = 0;
  std::size_t y_least = 0;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const double value = map.values[y][x];
      if (!std::isfinite(value)) continue;
      most = std::max(most, value);
      if (value >= least) continue;
      least = value;
      x_least = x;
      y_least = y;
    }
  }
  if (!std::isfinite(least))
    throw InputError(fmt::format("a map of {} over {}: there is no value to draw", map.y_name, map.x_name));

  std::ostringstream out;
  out << "set border lc rgb '#444444'\nset tics nomirror scale 0\nunset key\n"
      << "set xlabel " << gnuplot_text(map.x_name) << "\nset ylabel " << gnuplot_text(map.y_name) << "\n"
      << "set title " << gnuplot_text(map.title) << "\n"
      << "set xtics (" << tics(map.x_values) << ")\nset ytics (" << tics(map.y_values) << ")\n"
      << fmt::format("set xrange [-0.5:{}]\nset yrange [-0.5:{}]\n", static_cast<double>(width) - 0.5,
                     static_cast<double>(height) - 0.5)
      // From dark to light in steps of lightness: readable in grey and with all types of colour vision.
      << "set palette defined (0 '#0b3c5d', 0.5 '#5aa2c8', 1 '#f2f6f8')\n"
      << fmt::format("set object 1 rectangle from {},{} to {},{} front fs empty border rgb '#d55e00' lw 3\n",
                     static_cast<double>(x_least) - 0.5, static_cast<double>(y_least) - 0.5,
                     static_cast<double>(x_least) + 0.5, static_cast<double>(y_least) + 0.5);
  // Logarithmic if values differ by a large factor, as costs do.
  const bool logarithmic = least > 0 && most / least > 3;
  if (logarithmic) out << "set logscale cb\n";
  out << fmt::format("set cbrange [{}:{}]\n", least,
                     most > least ? most : least + (least == 0 ? 1 : 0.01 * std::abs(least)));
  if (most > least) {
    const double middle = logarithmic ? std::sqrt(least * most) : (least + most) / 2;
    out << fmt::format("set cbtics ('{}' {}, '{}' {}, '{}' {})\n", short_text(least), least,
                       short_text(middle), middle, short_text(most), most);
  }
  const auto level = [&](double value) {
    if (most <= least) return 0.0;
    return logarithmic ? std::log(value / least) / std::log(most / least) : (value - least) / (most - least);
  };
  out << "$map << EOD\n";
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const double value = map.values[y][x];
      if (std::isfinite(value)) {
        out << fmt::format("{} {} {} {} {}\n", x, y, value, short_text(value),
                           level(value) < 0.45 ? 0xffffff : 0x202020);
      }
    }
  }
  out << "EOD\n";
  out << fmt::format(
      "set style fill solid\nplot $map using 1:2:(0.5):(0.5):3 with boxxyerror lc palette, "
      "$map using 1:2:4:5 with labels tc rgb variable font ',{}'\n",
      width > 16  ? 6
      : width > 9 ? 8
                  : 10);
  return out.str();
}

}  // namespace

void draw(const HeatMap& map, const std::string& path) { run_gnuplot(script(map), path); }

}  // namespace laconic
