// SPDX-License-Identifier: Apache-2.0
// A figure of curves, ready to be drawn: which curves, how they look, and the scales of the axes.
#pragma once

#include <string>
#include <vector>

#include "laconic/report/curve.h"
#include "laconic/report/figures.h"
#include "laconic/report/palette.h"
#include "laconic/report/scale.h"

namespace laconic {

struct Figure {
  std::vector<Curve> curves;
  std::vector<CurveStyle> styles;  // one for each curve
  Scale x, y;
  std::string title, x_title, y_title;

  [[nodiscard]] bool has_band() const;
  [[nodiscard]] bool has_place(double x_value, double y_value) const {
    return x.has_place(x_value) && y.has_place(y_value);
  }
};

/// InputError for an unknown column or label, for a range that does not fit the axis, and if no point has a
/// place on the axes.
Figure figure_of(const std::vector<SavedRun>& runs, const FigureOptions& options);

}  // namespace laconic
