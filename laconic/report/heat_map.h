// SPDX-License-Identifier: Apache-2.0
// Draws values over two axes as a heat map.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace laconic {

struct HeatMap {
  std::string title = {};
  std::string value_name = {};  // of the values, with their unit
  std::string x_name, y_name;   // of the horizontal and the vertical axis
  std::vector<std::string> x_values, y_values;
  std::vector<std::vector<double>> values = {};  // values[y][x]; infinite if there is no value
  // The colours cover at least this range, so that maps with a common range can be compared.
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
};

/// Draws each cell with its number and a colour, darker for smaller values; the smallest value is framed. By
/// gnuplot; see gnuplot.h for errors.
void draw(const HeatMap& map, const std::string& path);

}  // namespace laconic
