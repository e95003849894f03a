// SPDX-License-Identifier: Apache-2.0
#include "laconic/page/html.h"

#include <string_view>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/experiment/embedded.h"

namespace laconic {
namespace {

std::string_view content_of(std::span<const EmbeddedFile> files, std::string_view name) {
  for (const EmbeddedFile& file : files) {
    if (file.name == name) return file.content;
  }
  check(false, "a part of the page is missing");
  return {};
}

/// All scripts of the page, in the order in which they run.
std::string scripts() {
  std::string text;
  for (const EmbeddedFile& file : report_page_files()) {
    if (file.name.ends_with(".js")) text += file.content;
  }
  return text;
}

/// JSON without characters that HTML would read as markup.
std::string without_markup(const std::string& json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void require_charts() {
  if (chart_files().empty()) {
    throw InputError(
        "report: this laconic was built without its charting library: run tools/fetch_charts.sh and build "
        "again");
  }
}

std::string page_of(const std::string& json) {
  std::string_view rest = content_of(report_page_files(), "page.html");
  std::string page;
  // Replaces each {{NAME}} of page.html. Inserted text is not searched again.
  for (std::size_t open = rest.find("{{"); open != std::string_view::npos; open = rest.find("{{")) {
    const std::size_t close = rest.find("}}", open);
    const std::string_view name = rest.substr(open + 2, close - open - 2);
    page += rest.substr(0, open);
    if (name == "DATA") {
      page += without_markup(json);
    } else if (name == "SCRIPTS") {
      page += scripts();
    } else {
      page += content_of(name == "page.css" ? report_page_files() : chart_files(), name);
    }
    rest.remove_prefix(close + 2);
  }
  return page + std::string(rest);
}

}  // namespace laconic
