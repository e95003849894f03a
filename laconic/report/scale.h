// SPDX-License-Identifier: Apache-2.0
// The scale of an axis: its range, and the tics with their texts.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace laconic {

struct Tic {
  double value = 0;
  std::string text;  // may be a power in gnuplot's markup: 10^{-2}; "" for a tic between others
};

struct Scale {
  bool logarithmic = false;
  double least = 0;
  double most = 1;
  std::vector<Tic> tics = {};

  /// From 0 at `least` to 1 at `most`.
  [[nodiscard]] double place(double value) const {
    if (logarithmic) return std::log(value / least) / std::log(most / least);
    return (value - least) / (most - least);
  }
  [[nodiscard]] bool has_place(double value) const {
    return std::isfinite(value) && (value > 0 || !logarithmic);
  }
};

/// A scale from `least` to `most` with about `count` tics: powers of ten where it is logarithmic, else round
/// numbers, with the prefixes k, M, G ... if they are large. A range of one value is widened.
Scale make_scale(double least, double most, bool logarithmic, std::size_t count);

}  // namespace laconic
