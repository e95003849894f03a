// SPDX-License-Identifier: Apache-2.0
// Files that the program carries in itself, so that it works wherever it is installed. CMakeLists.txt says which
// (embed_files), cmake/embed.cmake how.
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
/// The parts of the page that `laconic report` writes: page.html, page.css, and the scripts in their order.
std::span<const EmbeddedFile> report_page_files();
/// The charting library, echarts.min.js, with its LICENSE and NOTICE; nothing where it was not there when this
/// program was built (tools/fetch_charts.sh).
std::span<const EmbeddedFile> chart_files();

}  // namespace laconic
