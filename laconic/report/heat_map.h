// SPDX-License-Identifier: Apache-2.0
// Draws values over two axes as a heat map.
#pragma once

#include <string>
#include <vector>

namespace laconic {

struct HeatMap {
  std::string title = {};
  std::string x_name, y_name;  // of the horizontal and the vertical axis
  std::vector<std::string> x_values, y_values;
  std::vector<std::vector<double>> values = {};  // values[y][x]; infinite if there is no value
};

/// Draws each cell with its number and a colour, darker for smaller values; the smallest value is framed. By
/// gnuplot; see gnuplot.h for errors.
void draw(const HeatMap& map, const std::string& path);

}  // namespace laconic
