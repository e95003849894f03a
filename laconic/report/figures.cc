// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/figures.h"

#include "laconic/core/error.h"
#include "laconic/report/figure.h"
#include "laconic/report/figure_script.h"
#include "laconic/report/file.h"
#include "laconic/report/pgfplots.h"

namespace laconic {

void draw(const std::vector<SavedRun>& runs, const FigureOptions& options, const std::string& path) {
  const Figure figure = figure_of(runs, options);
  if (path.ends_with(".tex")) {
    if (options.names_at_ends)
      throw InputError(
          "names: a .tex figure has a legend; leave names=ends out, or draw an .svg, .png or .pdf");
    require_writable(path);
    write_output(path, pgfplots(figure, options));
    return;
  }
  const FigureScript script = script_of(figure, options);
  run_gnuplot(script.commands, path, script.canvas);
}

}  // namespace laconic
