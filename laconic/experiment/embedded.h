// SPDX-License-Identifier: Apache-2.0
// Files that are embedded in the program, so that it works wherever it is installed. CMakeLists.txt lists
// them (embed_files), cmake/embed.cmake embeds them.
#pragma once

#include <span>
#include <string_view>

namespace laconic {

struct EmbeddedFile {
  std::string_view name;  // without its folder
  std::string_view content;
};

/// The experiments of the papers, configs/*.toml.
std::span<const EmbeddedFile> configs();
/// The parts of the page that `laconic report` writes: page.html, page.css, and the scripts in the order in
/// which they run.
std::span<const EmbeddedFile> report_page_files();
/// The charting library echarts.min.js with its LICENSE and NOTICE. Empty if the library was absent when this
/// program was built (tools/fetch_charts.sh).
std::span<const EmbeddedFile> chart_files();

}  // namespace laconic
