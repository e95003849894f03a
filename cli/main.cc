// SPDX-License-Identifier: Apache-2.0
#include "cli/main.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/launcher.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/core/error.h"
#include "laconic/core/failure.h"
#include "laconic/core/spec.h"
#include "laconic/experiment/config.h"
#include "laconic/sweep/papers.h"
#include "laconic/transport/agreement.h"
#include "laconic/transport/mpi.h"

namespace laconic::cli {
namespace {

/// Runs a verb for one process on rank 0. The other ranks get its exit code or its failure.
int on_first(Transport& transport, const std::function<int()>& verb) {
  int code = kDone;
  together(transport, [&] {
    if (transport.rank() == 0) code = verb();
  });
  return code;
}

/// The options of a verb.
struct CommandLine {
  std::vector<std::string> words;
  bool force = false;
  bool quick = false;
  bool latex = false;               // of plot
  std::string out;                  // of reproduce
  std::optional<std::string> page;  // of report
};

/// A verb, and the action that runs it after the command line is parsed.
struct Verb {
  CLI::App* app;
  std::function<int()> act;
};

/// The verbs, in the order of the help. `line`, `transport` and `app` must outlive them.
std::vector<Verb> verbs_of(CLI::App& app, CommandLine& line, Transport& transport, std::size_t neighbours) {
  std::vector<Verb> verbs;
  const auto add = [&](const char* name, const char* help, const std::string& of_words,
                       std::function<int()> act) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("words", line.words, of_words);
    verbs.push_back({sub, std::move(act)});
    return sub;
  };
  const auto first = [&transport](std::function<int()> act) {
    return [&transport, act = std::move(act)] { return on_first(transport, act); };
  };
  const char* keys = "key=value words, and TOML files that hold such keys; `laconic list` shows the keys";
  std::string names;
  for (const PaperExperiment& experiment : papers()) names += fmt::format("{}, ", experiment.name);

  add("run", "Run a method on a problem and write what happened", keys, [&, neighbours] {
    return run(line.words, line.force, transport, neighbours);
  })->add_flag("--force", line.force, "Replace the run that the folder `out` already holds");
  add("resume", "Go on with a run that was interrupted, to the same result",
      "the folder of the run; then threads=, checkpoint-every=", [&, neighbours] {
        return resume(line.words, transport, neighbours);
      });
  CLI::App* sweeps =
      add("sweep", "Run a grid of settings, and find the best of each method", keys, first([&] {
            require_alone(transport);
            return sweep(line.words, line.quick, line.force);
          }));
  sweeps->add_flag("--force", line.force, "Replace what the folder `out` already holds");
  sweeps->add_flag("--quick", line.quick, "The smaller sweep that the TOML file has in its table [quick]");
  CLI::App* papers_verb =
      add("reproduce", "A paper's experiment, with a verdict for each thing that it shows",
          names + "or all; then threads=", first([&] {
            require_alone(transport);
            return reproduce(line.words, {.quick = line.quick, .force = line.force, .out = line.out});
          }));
  papers_verb->add_flag("--quick", line.quick, "Smaller budgets: all of them in some minutes");
  papers_verb->add_flag("--force", line.force, "Replace what the folder already holds");
  papers_verb->add_option("--out", line.out, "The folder, by default runs/reproduce or runs/reproduce-quick");
  add("theory", "Constants, step size and bound of a method on a problem", keys,
      first([&] { return theory(line.words); }));
  add("advise", "Which methods pay on a link: network= and a problem, and which would reach the target first",
      "key=value words of a run, with network=; method={a, b} for others than the usual ones, seconds=30, "
      "out=FILE.json",
      first([&] { return advise(line.words); }));
  add("list", "Methods, compressors, problems, splits, keys, and the data sets found",
      "data=NAME, then split=, clients=, split-seed= as in a run: the classes that each client holds",
      first([&] { return list(line.words); }));
  add("plot", "A figure and a table of several runs",
      "folders of runs or sweeps, or that hold some, then x=COLUMN y=COLUMN log=x|y|xy|none title=TEXT "
      "xlabel=TEXT ylabel=TEXT xrange=A:B yrange=A:B labels='NAME=LABEL;..' names=below|ends "
      "style=screen|paper size=WxH[cm] font=SIZE out=FIGURE.svg|png|pdf|tex; or one sweep, then x=AXIS "
      "y=AXIS",
      first([&] { return plot(line.words, line.latex); }))
      ->add_flag("--latex", line.latex, "Print the table as a LaTeX tabular");
  add("report", "A page to compare runs and sweeps on: curves, maps, tables, theory, verdicts",
      "folders of runs and of sweeps, or that hold some, then title=TEXT out=PAGE.html",
      first([&] { return report(line.words); }))
      ->add_option("-o,--out", line.page, "the page to write, report.html unless given");
  return verbs;
}

void require_verb(const char* word, const std::vector<Verb>& verbs) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) names.push_back(verb.app->get_name());
  if (word[0] == '-' || std::find(names.begin(), names.end(), word) != names.end()) return;
  throw InputError(fmt::format("unknown verb \"{}\"{}; known: {}", word, did_you_mean(word, names),
                               fmt::join(names, ", ")));
}

int run_program(int argc, char** argv, Transport& transport, std::size_t neighbours) {
  CLI::App app{"laconic trains with few words: communication-efficient distributed optimisation"};
  app.set_version_flag("--version", "laconic " LACONIC_VERSION);
  app.require_subcommand(1);
  CommandLine line;
  const std::vector<Verb> verbs = verbs_of(app, line, transport, neighbours);
  if (argc > 1) require_verb(argv[1], verbs);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help and --version
      if (transport.rank() > 0) return kDone;
      std::ostringstream text;
      app.exit(error, text, text);
      write_out(text.str());
      return code_after_output(kDone);
    }
    throw InputError(fmt::format("{}; see laconic --help", error.what()));
  }
  if (line.page) line.words.push_back("out=" + *line.page);
  require_once(line.words);
  for (const Verb& verb : verbs) {
    if (*verb.app) return verb.act();
  }
  return kWrongInput;
}

void complain(const std::string& message) { print_err("laconic: {}\n", message); }

int main_alone(int argc, char** argv) {
  try {
    return run_program(argc, argv, *laconic::alone(), 1);
  } catch (...) {
    const Failure failure = failure_in_flight();
    complain(failure.message);
    return exit_code_of(failure.kind);
  }
}

int main_of_many(int argc, char** argv, std::size_t launched) {
  MpiSession mpi(launcher_outlives_ranks());
  const std::size_t rank = mpi.world().rank();
  try {
    // Otherwise each process would act as the only one, and all would write the same files.
    if (mpi.world().size() != launched) {
      throw InputError(
          fmt::format("the launcher started {} processes, but Open MPI connects {}; use Open MPI's mpirun, "
                      "or srun --mpi=pmix",
                      launched, mpi.world().size()));
    }
    // Ranks with different verbs would wait for each other for ever.
    require_same(mpi.world(), fmt::format("the verb \"{}\"", argc > 1 ? argv[1] : ""));
    return run_program(argc, argv, mpi.world(), mpi.ranks_on_this_machine());
  } catch (const SharedFailure&) {
    const Failure failure = failure_in_flight();
    if (rank == 0) complain(failure.message);
    return exit_code_of(failure.kind);
  } catch (...) {
    const Failure failure = failure_in_flight();
    if (mpi.world().size() == 1) {
      complain(failure.message);
      return exit_code_of(failure.kind);
    }
    // The other ranks are in a round and would wait for ever, so abort them. If all ranks fail alike, rank 0
    // prints the message: it aborts the others while they sleep here.
    if (rank > 0) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    complain(fmt::format("rank {}: {}", rank, failure.message));
    mpi.abort(exit_code_of(failure.kind));
  }
}

}  // namespace

int exit_code_of(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::none:
      return kDone;
    case Failure::Kind::input:
      return kWrongInput;
    case Failure::Kind::interrupt:
      return exit_code_of(Request::interrupt);
    case Failure::Kind::terminate:
      return exit_code_of(Request::terminate);
    case Failure::Kind::run:
      break;
  }
  return kFailed;
}

int main(int argc, char** argv) {
  open_standard_streams();
  hear_checkpoint_requests();
  const std::optional<std::size_t> launched = ranks_of_launcher();
  return launched ? main_of_many(argc, argv, *launched) : main_alone(argc, argv);
}

}  // namespace laconic::cli
