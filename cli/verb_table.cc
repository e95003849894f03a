// SPDX-License-Identifier: Apache-2.0
#include "cli/verb_table.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "cli/verbs.h"
#include "laconic/catalogue/text.h"
#include "laconic/core/error.h"

namespace laconic::cli {
namespace {

constexpr const char* kKeys = "words key=value, and TOML files with such keys";

constexpr VerbRow kVerbs[] = {
    {"run", "run key=value...", "run a method on a problem, and write its trace", kKeys},
    {"resume", "resume FOLDER", "go on with a run or sweep that was interrupted, to the same result",
     "the folder of the run; then threads=, checkpoint-every="},
    {"sweep", "sweep key=value...", "run a grid of settings, and find the best of each method", kKeys},
    {"reproduce", "reproduce NAME", "run a paper's experiment, with a verdict for each of its statements",
     "the name of an experiment (laconic list experiments), or all; then threads="},
    {"theory", "theory key=value...", "print constants, step size and bound of a method on a problem", kKeys},
    {"advise", "advise key=value...", "compare methods on a link: which reaches the target first?",
     "key=value words of a run, with network=; method={a, b} for other methods than the usual ones, "
     "gradients=N for another budget, seconds=55, out=FILE.json"},
    {"plot", "plot FOLDER...", "draw a figure of several runs, or the map of a sweep",
     "folders of runs or sweeps, or that hold some, then x=COLUMN y=COLUMN log=x|y|xy|none title=TEXT "
     "xlabel=TEXT ylabel=TEXT xrange=A:B yrange=A:B labels='NAME=LABEL;..' names=below|ends "
     "style=screen|paper size=WxH[cm] font=SIZE out=FIGURE.svg|png|pdf|tex; or one sweep, then x=AXIS y=AXIS "
     "for its map"},
    {"report", "report FOLDER...", "write an HTML page to compare runs and sweeps on",
     "folders of runs and of sweeps, or folders that hold some, then title=TEXT out=PAGE.html"},
    {"serve", "serve key=value...", "run a method across sites that have the data, as their server",
     "words key=value and TOML files of a run, then listen=HOST:PORT tls=DIR roster=FILE, start-with=N, "
     "columns=N, labels=-1,1 (of the rows of all sites; without them those of the first N)"},
    {"join", "join HOST:PORT", "take part in a run across sites, with the rows of a file",
     "the server, then tls=DIR data=FILE, allow=METHOD,.. (what it may ask for), server-patience=10min, "
     "threads=N (no effect yet: a site computes on one thread)"},
    {"certificates", "certificates DIR NAME...", "make a test CA and a certificate for each site",
     "a folder, then names of sites; or revoke=NAME, which adds that certificate to DIR/server/crl.pem"},
    {"list", "list [NAME]", "list methods, compressors, problems, keys, and the data sets found",
     "a table (methods), a name in one (marina), or data=NAME and then split=, clients=, split-seed= as in a "
     "run: the classes that each client holds"},
    {"help", "help [NAME]", "explain a verb, a key, a method or other value, or a column",
     "a verb, a key, a method, a compressor or another value of a key, or a column of trace.csv"},
    {"cite", "cite [METHOD...]", "print BibTeX entries of the papers of methods, or of laconic",
     "names of methods and compressors; without one, laconic itself"},
    {"completion", "completion bash", "print the completion script of a shell", "bash"},
};

constexpr std::pair<int, const char*> kExitCodes[] = {
    {kDone, "done"},
    {kFailed, "the run failed: it diverged, a file was lost, or nothing could be run"},
    {kWrongInput, "the description or the data is wrong"},
    {130, "Ctrl-C ended it; it says how to resume"},
    {kReaderGone, "the result was only printed, and the reader of the pipe had ended"},
    {143, "SIGTERM ended it; it says how to resume"},
};

}  // namespace

const VerbRow& verb_named(const std::string& name) {
  const auto* row = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                 [&](const VerbRow& each) { return each.name == name; });
  check(row != std::end(kVerbs), "a verb is in the table");
  return *row;
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const VerbRow& row : kVerbs) names.emplace_back(row.name);
  return names;
}

std::vector<NameTable> all_tables() {
  NameTable verbs = {"verbs", "verb", "Verbs", {}};
  for (const VerbRow& row : kVerbs) verbs.entries.push_back({row.name, row.usage, row.summary});
  NameTable codes = {"exit-codes", "exit code", "Exit codes", {}};
  for (const auto& [code, meaning] : kExitCodes)
    codes.entries.push_back({std::to_string(code), std::to_string(code), meaning});
  std::vector<NameTable> tables = catalogue();
  tables.insert(tables.begin(), std::move(verbs));
  tables.push_back(std::move(codes));
  return tables;
}

std::string first_screen() {
  std::string text = "laconic " LACONIC_VERSION
                     ": distributed optimisation with few bits sent, simulated or on a network\n\nVerbs\n";
  for (const VerbRow& row : kVerbs) text += fmt::format("  {:<26}{}\n", row.usage, row.summary);
  return text +
         "\nExamples\n"
         "  laconic run problem='quadratic(d=1000, s=0.8)' clients=100 method=gd rounds=200 out=runs/gd\n"
         "  laconic run problem='quadratic(d=1000, s=0.8)' clients=100 method='marina(perm-k)' rounds=2000 "
         "out=runs/marina\n"
         "  laconic plot runs/gd runs/marina out=bits.svg\n"
         "\n`laconic help NAME` explains a verb, key, method, compressor, problem or column. `laconic list` "
         "lists all\n"
         "of them, `laconic list methods` one table. `laconic VERB --help` has the options of a verb.\n";
}

}  // namespace laconic::cli
