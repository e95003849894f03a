// SPDX-License-Identifier: Apache-2.0
// The look of a method's curves, the same in every figure and on the page of `laconic report`.
//
// - A method prefers a slot: a colour, a marker and a dash that belong together. A table names the slots of
//   methods that papers compare; other names prefer a slot by their hash. Arguments do not count: ef21.
// - In a figure, methods choose in the order of that table, then of the alphabet; the order of the runs does not
//   matter. A method gets the next free slot if its own is taken. A ninth method shares a colour, with another
//   marker and dash.
// - Further curves of a method have its colour, and the next free markers and dashes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace laconic {

/// Distinct for all types of colour vision (after Okabe and Ito 2008), as "#rrggbb".
struct Colour {
  const char* on_light;  // on a white background
  const char* on_dark;
};
std::span<const Colour> colours();

struct Marker {
  const char* name;      // circle, square, triangle, diamond, down, pentagon; or plus, cross, star
  bool is_full;          // filled
  int gnuplot;           // its point type
  const char* pgfplots;  // its mark, and options
};
std::span<const Marker> markers();

/// Lengths of dashes and gaps, alternating, in widths of a line of 1.5 px; {} is a solid line. The patterns
/// differ in their periods, so that no curve hides another one below it.
std::span<const std::vector<double>> dashes();

/// Places in the tables above.
struct CurveStyle {
  std::size_t colour = 0;
  std::size_t marker = 0;
  std::size_t dash = 0;
};

/// The styles of the curves of a figure. `methods` has the method of each curve, with or without arguments.
std::vector<CurveStyle> styles_of(const std::vector<std::string>& methods);

}  // namespace laconic
