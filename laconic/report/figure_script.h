// SPDX-License-Identifier: Apache-2.0
// The commands by which gnuplot draws a figure of curves.
#pragma once

#include <string>

#include "laconic/report/figure.h"

namespace laconic {

/// The commands, and the canvas that they need: the figure's, made higher if its size is not fixed and its
/// legend would cover more than a quarter. Every place is computed here, so that no text covers another in
/// any format. Throws InputError if a legend does not fit into a fixed size.
struct FigureScript {
  std::string commands;
  Canvas canvas;
};
FigureScript script_of(const Figure& figure, const FigureOptions& options);

}  // namespace laconic
