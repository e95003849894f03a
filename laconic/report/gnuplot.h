// SPDX-License-Identifier: Apache-2.0
// Draws figures by gnuplot, a separate program.
#pragma once

#include <cstddef>
#include <string>

namespace laconic {

/// The size of a figure. Its commands count in units, and a text of size 12 is 12 units high.
struct Canvas {
  double width = 860;
  double height = 540;
  double font = 12;
  double line = 2;               // the width of curves
  double units_in_inch = 107.5;  // in PDF
  double dots_in_unit = 1.5;     // in PNG
};

/// The text as a quoted gnuplot string that shows every character literally where `noenhanced` is set. Control characters become spaces, bytes that are not UTF-8 become U+FFFD, and a text longer than
/// `longest` characters loses its middle.
std::string gnuplot_text(const std::string& text, std::size_t longest = 80);

/// Runs the commands and writes the figure to a file. The file name's extension (svg, png, pdf) determines
/// the format; terminal (with enhanced text), output and encoding are set. The user's gnuplot settings are not used. Missing
/// folders are made. Either the whole file is written, or an existing file stays unchanged. Throws InputError
/// for another extension or a path that cannot be written, RunError if gnuplot is missing or fails, or the
/// disk is full.
void run_gnuplot(const std::string& commands, const std::string& path, const Canvas& canvas = {});

}  // namespace laconic
