// SPDX-License-Identifier: Apache-2.0
#include "laconic/plot/plot.h"

#include "cli/terminal.h"
#include "cli/verbs.h"

namespace laconic::cli {

int plot(const std::vector<std::string>& words, bool latex) {
  const Plotted plotted = laconic::plot(plot_request_of(words), latex);
  write_out(plotted.table);
  if (!latex || plotted.table.empty()) {  // paths would not belong in a file of LaTeX
    for (const std::string& path : plotted.paths) print_out("-> {}\n", path);
  }
  if (!plotted.remark.empty()) print_err("{}\n", plotted.remark);
  return plotted.paths.empty() ? code_after_output(kDone) : kDone;
}

}  // namespace laconic::cli
