// SPDX-License-Identifier: Apache-2.0
// Draws figures by gnuplot, a separate program.
#pragma once

#include <string>

namespace laconic {

/// The text as a quoted gnuplot string that shows every character literally, in titles, labels, legends and
/// tics. Control characters become spaces, bytes that are not UTF-8 become U+FFFD, and a text longer than 80
/// characters loses its middle.
std::string gnuplot_text(const std::string& text);

/// Runs the commands and writes the figure to a file. The file name's extension (svg, png, pdf) determines
/// the format; terminal, output and encoding are set. The user's gnuplot settings are not used. Missing
/// folders are made. Either the whole file is written, or an existing file stays unchanged. Throws InputError
/// for another extension or a path that cannot be written, RunError if gnuplot is missing or fails, or the
/// disk is full.
void run_gnuplot(const std::string& commands, const std::string& path);

}  // namespace laconic
