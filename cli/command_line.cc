// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/terminal.h"
#include "cli/verb_table.h"
#include "cli/verbs.h"
#include "laconic/catalogue/text.h"
#include "laconic/core/cpu.h"
#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/experiment/config.h"
#include "laconic/transport/agreement.h"

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
  bool markdown = false;  // of list
  bool latex = false;     // of plot
  Output output;
  std::string out;                  // of reproduce
  std::optional<std::string> page;  // of report
};

/// A verb, and the action that runs it after the command line is parsed.
struct Verb {
  CLI::App* app;
  std::function<int()> act;
};

/// The tables with these names, for the end of a verb's help.
std::string tables_text(const std::vector<std::string>& names) {
  const std::vector<NameTable> tables = all_tables();
  std::string text;
  for (const std::string& name : names) text += fmt::format("\n{}", text_of(*table_named(name, tables)));
  return text;
}

/// The verbs of the table. `line`, `transport` and `app` must outlive them.
std::vector<Verb> verbs_of(CLI::App& app, CommandLine& line, Transport& transport, std::size_t neighbours) {
  std::vector<Verb> verbs;
  const auto add = [&](const char* name, std::function<int()> act) {
    const VerbRow& row = verb_named(name);
    CLI::App* sub = app.add_subcommand(name, row.summary);
    sub->add_option("words", line.words, row.words);
    sub->add_flag("--quiet", line.output.quiet,
                  "No progress, and no result that is in files; errors and warnings still");
    verbs.push_back({sub, std::move(act)});
    return sub;
  };
  const auto first = [&transport](std::function<int()> act) {
    return [&transport, act = std::move(act)] { return on_first(transport, act); };
  };
  const auto drawn = [&, first](std::function<int()> act) {  // a verb with its result in files
    return first([&line, act = std::move(act)] {
      if (line.output.quiet) mute_output();
      return act();
    });
  };
  const auto with_json = [&](CLI::App* sub) {
    sub->add_flag("--json", line.output.json, "The result as one JSON document");
    return sub;
  };

  CLI::App* runs = with_json(add(
      "run", [&, neighbours] { return run(line.words, line.force, line.output, transport, neighbours); }));
  runs->add_flag("--force", line.force, "Replace the run that the folder out= already holds");
  runs->footer([] { return tables_text({"keys"}); });
  add("resume", [&, neighbours] { return resume(line.words, line.output, transport, neighbours); });
  CLI::App* sweeps = add("sweep", first([&] {
                           require_alone(transport);
                           return sweep(line.words, line.quick, line.force, line.output);
                         }));
  sweeps->add_flag("--force", line.force, "Replace what the folder out= already holds");
  sweeps->add_flag("--quick", line.quick, "The smaller sweep that the TOML file has in its table [quick]");
  sweeps->footer([] { return tables_text({"keys", "sweep-keys", "measures"}); });
  CLI::App* papers =
      add("reproduce", drawn([&] {
            require_alone(transport);
            return reproduce(
                line.words,
                {.quick = line.quick, .force = line.force, .quiet = line.output.quiet, .out = line.out});
          }));
  papers->add_flag("--quick", line.quick, "Smaller budgets: all experiments in some minutes");
  papers->add_flag("--force", line.force, "Replace what the folder already holds");
  papers->add_option("--out", line.out, "The folder, by default runs/reproduce or runs/reproduce-quick");
  papers->footer([] { return tables_text({"experiments"}); });
  with_json(add("theory", first([&] { return theory(line.words, line.output); })))->footer([] {
    return tables_text({"keys"});
  });
  with_json(add("advise", first([&] { return advise(line.words, line.output); })))->footer([] {
    return tables_text({"keys"});
  });
  add("plot", drawn([&] { return plot(line.words, line.latex); }))
      ->add_flag("--latex", line.latex, "Print the table as a LaTeX tabular");
  add("report", drawn([&] { return report(line.words); }))
      ->add_option("-o,--out", line.page, "The page to write, by default report.html");
  CLI::App* server = with_json(add("serve", first([&] {
                                     require_alone(transport);
                                     return serve(line.words, line.force, line.output);
                                   })));
  server->add_flag("--force", line.force, "Replace the run that the folder out= already holds");
  server->footer([] { return tables_text({"keys"}); });
  add("join", first([&] {
        require_alone(transport);
        return join(line.words, line.output);
      }));
  add("certificates", drawn([&] { return certificates(line.words); }));
  with_json(add("list", first([&] { return list(line.words, line.markdown, line.output); })))
      ->add_flag("--markdown", line.markdown, "All tables as Markdown: docs/reference.md");
  add("help", first([&] { return help(line.words); }));
  add("cite", first([&] { return cite(line.words); }));
  add("completion", first([&] { return completion(line.words); }));
  return verbs;
}

void require_verb(const std::string& word) {
  const std::vector<std::string> names = verb_names();
  if (word.starts_with('-') || std::find(names.begin(), names.end(), word) != names.end()) return;
  throw InputError(fmt::format("unknown verb \"{}\"{}; known: {}", word, did_you_mean(word, names),
                               fmt::join(names, ", ")));
}

/// InputError if an argument is a key with dashes in front, as --rounds 10 or --rounds=10.
void require_no_dashes(const std::vector<std::string>& arguments) {
  for (std::size_t a = 0; a < arguments.size(); ++a) {
    const std::string& argument = arguments[a];
    const std::size_t begin = argument.find_first_not_of('-');
    if (begin == 0 || begin == std::string::npos) continue;
    const std::size_t equals = std::min(argument.find('='), argument.size());
    const std::string key = argument.substr(begin, equals - begin);
    const std::vector<KeyRow> keys = config_keys();
    const bool is_key =
        std::any_of(keys.begin(), keys.end(), [&](const KeyRow& row) { return row.name == key; });
    if (!is_key && !is_sweep_key(key)) continue;
    const std::string value = equals < argument.size()   ? argument.substr(equals + 1)
                              : a + 1 < arguments.size() ? arguments[a + 1]
                                                         : "VALUE";
    throw InputError(fmt::format("{}: keys have no dashes; write {}={}", argument, key, value));
  }
}

/// The arguments of the program, without its name. `laconic help VERB` is `laconic VERB --help`.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") return {"help"};
  require_verb(arguments[0]);
  const std::vector<std::string> names = verb_names();
  if (arguments.size() == 2 && arguments[0] == "help" &&
      std::find(names.begin(), names.end(), arguments[1]) != names.end())
    return {arguments[1], "--help"};
  return arguments;
}

}  // namespace

int run_program(int argc, char** argv, Transport& transport, std::size_t neighbours) {
  use_cpu_of_environment();
  CLI::App app;
  app.name("laconic");
  app.set_version_flag("--version", "laconic " LACONIC_VERSION);
  app.require_subcommand(1);
  CommandLine line;
  const std::vector<Verb> verbs = verbs_of(app, line, transport, neighbours);
  const std::vector<std::string> arguments = arguments_of(argc, argv);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 takes them
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help and --version
      if (transport.rank() > 0) return kDone;
      std::ostringstream text;
      app.exit(error, text, text);
      write_out(text.str());
      return code_after_output(kDone);
    }
    require_no_dashes(arguments);
    throw InputError(fmt::format("{}; see laconic --help", error.what()));
  }
  if (line.page) line.words.push_back("out=" + *line.page);
  require_once(line.words);
  for (const Verb& verb : verbs) {
    if (*verb.app) return verb.act();
  }
  return kWrongInput;
}

}  // namespace laconic::cli
