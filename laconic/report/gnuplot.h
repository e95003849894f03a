// SPDX-License-Identifier: Apache-2.0
// Figures are drawn by gnuplot, a program of its own.
#pragma once

#include <string>

namespace laconic {

/// The text as gnuplot quotes it: every character as it is, in titles, labels, legends and tics. Control
/// characters become spaces, bytes that are no UTF-8 become U+FFFD, and of a text longer than 80 characters
/// the middle is left out.
std::string gnuplot_text(const std::string& text);

/// Draws what the commands say into a file, whose ending (svg, png, pdf) chooses the format; terminal, output
/// and encoding are set. The user's settings of gnuplot do not count. Folders are made. The file is written
/// whole, or what was there stays. Throws InputError for another ending or a path that cannot be written,
/// RunError where gnuplot is missing or fails, or the disk is full.
void run_gnuplot(const std::string& commands, const std::string& path);

}  // namespace laconic
