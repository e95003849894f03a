// SPDX-License-Identifier: Apache-2.0
// A figure of curves for LaTeX.
#pragma once

#include <string>

#include "laconic/report/figure.h"

namespace laconic {

/// A tikzpicture with its data, for \input into a document that loads pgfplots (compat 1.5.1 or newer). The
/// width is that of a column, unless the figure's size is fixed. A curve has at most about 300 points.
std::string pgfplots(const Figure& figure, const FigureOptions& options);

}  // namespace laconic
