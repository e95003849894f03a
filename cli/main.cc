// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/core/spec.h"

namespace {

int run_program(int argc, char** argv) {
  using namespace laconic::cli;
  CLI::App app{"laconic trains with few words: communication-efficient distributed optimisation"};
  app.set_version_flag("--version", "laconic " LACONIC_VERSION);
  app.require_subcommand(1);

  std::vector<std::string> words;
  bool force = false;
  const auto verb = [&](const char* name, const char* help, const char* of_words) {
    CLI::App* sub = app.add_subcommand(name, help);
    if (of_words != nullptr) sub->add_option("words", words, of_words);
    return sub;
  };
  const char* description =
      "key=value words, and TOML files that hold such keys; `laconic list` shows the keys";
  CLI::App* run_verb = verb("run", "Run a method on a problem and write what happened", description);
  run_verb->add_flag("--force", force, "Replace the run that the folder `out` already holds");
  CLI::App* theory_verb =
      verb("theory", "Constants, step size and bound of a method on a problem", description);
  CLI::App* list_verb =
      verb("list", "Methods, compressors, problems, splits, keys, and the data sets found", nullptr);
  CLI::App* plot_verb =
      verb("plot", "A figure and a table of several runs",
           "folders of runs, then x=COLUMN y=COLUMN log=xy title=TEXT out=FIGURE.svg|png|pdf");
  std::vector<std::string> verbs;
  for (const CLI::App* each : app.get_subcommands({})) verbs.push_back(each->get_name());
  if (argc > 1 && argv[1][0] != '-' && std::find(verbs.begin(), verbs.end(), argv[1]) == verbs.end()) {
    throw laconic::InputError(fmt::format("unknown verb \"{}\"{}; known: {}", argv[1],
                                          laconic::did_you_mean(argv[1], verbs), fmt::join(verbs, ", ")));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
    throw laconic::InputError(fmt::format("{}; see laconic --help", error.what()));
  }
  if (*run_verb) return run(words, force);
  if (*theory_verb) return theory(words);
  if (*list_verb) return list();
  if (*plot_verb) return plot(words);
  return kWrongInput;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace laconic::cli;
  try {
    return run_program(argc, argv);
  } catch (const laconic::InputError& error) {
    fmt::print(stderr, "laconic: {}\n", error.what());
    return kWrongInput;
  } catch (const std::bad_alloc&) {
    fmt::print(
        stderr,
        "laconic: not enough memory: the description or its data ask for more than this machine has\n");
    return kWrongInput;
  } catch (const std::exception& error) {
    fmt::print(stderr, "laconic: {}\n", error.what());
    return kFailed;
  }
}
