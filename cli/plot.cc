// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/report/figures.h"

namespace laconic::cli {

int plot(const std::vector<std::string>& words) {
  FigureOptions options;
  std::string out = "plot.svg";
  std::vector<std::string> folders;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    // A folder may have '=' in its name; an option has no '/' in its key.
    if (equals == std::string::npos || key.find('/') != std::string::npos) {
      folders.push_back(word);
      continue;
    }
    const std::string value = word.substr(equals + 1);
    if (key == "x") {
      options.x = value;
    } else if (key == "y") {
      options.y = value;
    } else if (key == "log") {
      if (value.find_first_not_of("xy") != std::string::npos) {
        throw InputError(fmt::format("log = {}; need x, y, xy, or nothing after the sign", value));
      }
      options.log = value;
    } else if (key == "title") {
      options.title = value;
    } else if (key == "out") {
      out = value;
    } else {
      throw InputError(fmt::format("unknown key \"{}\"{}; known: x, y, log, title, out", key,
                                   did_you_mean(key, {"x", "y", "log", "title", "out"})));
    }
  }
  if (folders.empty())
    throw InputError("plot needs the folder of at least one run, as in: laconic plot runs/*");
  std::vector<SavedRun> runs;
  for (const std::string& folder : folders) runs.push_back(read_run(folder));
  draw(runs, options, out);
  fmt::print("{}-> {}\n", comparison(runs), out);
  return kDone;
}

}  // namespace laconic::cli
