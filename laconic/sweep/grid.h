// SPDX-License-Identifier: Apache-2.0
// Braces in a value are an axis of a grid. Examples: method=clag(top-k({1,3,5}), zeta={0,2^0..2^10}),
// step=theory*{2^0..2^11}.
//
//   braces := '{' item { ',' item } '}'
//   item   := a..b | a..b..step | b^m..b^n | b^m | any text, with braces of its own or without
//
// Ranges include both ends and may descend. a, b, m, n and step are whole numbers. An axis has the name of
// the argument that its braces replace: the option's name (zeta), else the word before the parenthesis
// (top-k), else the key (step). If one value has two axes of the same name, the second is called top-k#2. If
// the values of two keys have axes of the same name, they are called problem.seed and seed. An axis within an
// item exists only where that item is chosen.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "laconic/experiment/config.h"

namespace laconic {

/// The value of one point of the grid at one axis.
struct Choice {
  std::string axis;
  std::string value;  // as written, including braces within it

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the 0 inside a defaulted <=> for a pointer
  friend auto operator<=>(const Choice& a, const Choice& b) = default;
};

/// "top-k=30, step=theory*2".
std::string print(const std::vector<Choice>& choices);

/// Settings without braces, and the choices that produced them.
struct GridPoint {
  std::vector<KeyValue> settings;
  std::vector<Choice> choices;  // in the order of the text
};

struct Axis {
  std::string name;
  std::string key;  // the key; its value contains the braces
  std::vector<std::string> values;
};

struct Grid {
  std::vector<Axis> axes;
  std::vector<GridPoint> points;  // the last axis changes fastest

  [[nodiscard]] const Axis* axis(const std::string& name) const;
};

/// Each key must appear once. Without braces the grid has one point. Throws InputError if braces do not
/// close, are empty or list a value twice, or if the grid has more than a million points.
Grid grid_of(const std::vector<KeyValue>& settings);

/// The text with `value` added to each list in braces that is an axis of that name. `first`: in front of the
/// other values, else behind them. "clag(top-k({1,3}))" becomes "clag(top-k({1,3,9}))". Lists that hold the
/// value already stay as they are. `key` is the key of the text.
std::string with_value(const std::string& key, const std::string& text, const std::string& axis,
                       const std::string& value, bool first);

}  // namespace laconic
