// SPDX-License-Identifier: Apache-2.0
// Figures are drawn by gnuplot, a program of its own.
#pragma once

#include <string>

namespace laconic {

/// The text as gnuplot quotes it; control characters are left out.
std::string gnuplot_text(const std::string& text);

/// Draws what the commands say into a file, whose ending (svg, png, pdf) chooses the format; terminal, output
/// and encoding are set. Folders are made. Throws InputError for another ending or a file that cannot be
/// written, RunError where gnuplot is missing or fails.
void run_gnuplot(const std::string& commands, const std::string& path);

}  // namespace laconic
