// SPDX-License-Identifier: Apache-2.0
// Values over two axes, as a figure.
#pragma once

#include <string>
#include <vector>

namespace laconic {

struct HeatMap {
  std::string title = {};
  std::string x_name, y_name;  // of the axes: across, upwards
  std::vector<std::string> x_values, y_values;
  std::vector<std::vector<double>> values = {};  // values[y][x]; infinite where there is none
};

/// Each cell with its number and a colour, the darker the less; the least is framed. Through gnuplot, see
/// gnuplot.h.
void draw(const HeatMap& map, const std::string& path);

}  // namespace laconic
