// SPDX-License-Identifier: Apache-2.0
// Braces in a value are an axis of a grid: method=clag(top-k({1,3,5}), zeta={0,2^0..2^10}),
// step=theory*{2^0..2^11}.
//
//   braces := '{' item { ',' item } '}'
//   item   := a..b | a..b..step | b^m..b^n | b^m | any text, with braces of its own or without
//
// Ranges include both ends and may descend; a, b, m, n and step are whole numbers. An axis is called by the
// argument it stands for: the option's name (zeta), else the word before the parenthesis (top-k), else the
// key (step). Where one value has two axes of a name, the second is top-k#2; where the values of two keys
// have, they are problem.seed and seed. Axes within an item exist only where that item is chosen.
#pragma once

#include <string>
#include <vector>

#include "laconic/experiment/config.h"

namespace laconic {

/// What one point of the grid takes at one axis.
struct Choice {
  std::string axis;
  std::string value;  // as written, braces within it included
};

/// Settings without braces, and how they came about.
struct GridPoint {
  std::vector<KeyValue> settings;
  std::vector<Choice> choices;  // in the order of the text
};

struct Axis {
  std::string name;
  std::string key;  // the key in whose value the braces stand
  std::vector<std::string> values;
};

struct Grid {
  std::vector<Axis> axes;
  std::vector<GridPoint> points;  // the last axis changes fastest

  [[nodiscard]] const Axis* axis(const std::string& name) const;
};

/// Each key once. Without braces there is one point. Throws InputError where braces do
/// not close, are empty or name a value twice, and for more than a million points.
Grid grid_of(const std::vector<KeyValue>& settings);

}  // namespace laconic
