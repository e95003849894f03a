// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/figures.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/report/units.h"

extern char** environ;  // gnuplot inherits it

namespace laconic {
namespace {

namespace fs = std::filesystem;

/// Uplink bits that the run had spent when its squared gradient norm first was at most `level`; infinite if
/// never.
double bits_to(const SavedRun& run, double level) {
  const auto* norm = run.trace.column("grad_norm_sq");
  const auto* bits = run.trace.column("uplink_bits");
  if (norm == nullptr || bits == nullptr) return std::numeric_limits<double>::infinity();
  for (std::size_t r = 0; r < norm->size(); ++r) {
    if ((*norm)[r] <= level) return (*bits)[r];
  }
  return std::numeric_limits<double>::infinity();
}

double lowest_norm(const SavedRun& run) {
  const auto* norm = run.trace.column("grad_norm_sq");
  return norm == nullptr ? std::numeric_limits<double>::infinity()
                         : *std::min_element(norm->begin(), norm->end());
}

bool is_gd(const SavedRun& run) { return run.value("method") == "gd" && run.value("batch").empty(); }

/// How many times the bits of `gd` are those of the run, to the lowest level that both reached.
std::optional<double> saving(const SavedRun& run, const SavedRun& gd) {
  const double level = std::max(lowest_norm(run), lowest_norm(gd));
  const double ratio = bits_to(gd, level) / bits_to(run, level);
  return std::isfinite(ratio) ? std::optional(ratio) : std::nullopt;
}

/// Against the gd with the same step rule on the same problem; without one, against the gd that fares best.
std::optional<double> saving(const SavedRun& run, const std::vector<SavedRun>& runs) {
  std::optional<double> least;
  for (const bool same_step : {true, false}) {
    for (const SavedRun& gd : runs) {
      if (!is_gd(gd) || gd.value("problem") != run.value("problem")) continue;
      if (same_step && gd.value("step") != run.value("step")) continue;
      const auto ratio = saving(run, gd);
      if (ratio && (!least || *ratio < *least)) least = ratio;
    }
    if (least) break;
  }
  return least;
}

const std::map<std::string, std::string> kAxisNames = {
    {"round", "rounds"},
    {"grad_norm_sq", "squared gradient norm"},
    {"uplink_floats", "floats sent per client"},
    {"uplink_bits", "bits sent per client"},
    {"downlink_bits", "bits received per client"},
    {"oracle_calls", "single-sample gradients per client"},
    {"network_seconds", "modelled seconds"},
    {"train_accuracy", "training accuracy"},
    {"test_accuracy", "test accuracy"},
};

std::string axis_name(const std::string& column) {
  const auto found = kAxisNames.find(column);
  return found == kAxisNames.end() ? column : found->second;
}

std::string quoted(const std::string& text) {  // for gnuplot
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + "'";
}

std::string terminal_for(const std::string& path) {
  constexpr const char* kLook = "noenhanced font 'sans,12' background rgb 'white'";
  if (path.ends_with(".svg")) return fmt::format("svg size 860,540 dynamic {}", kLook);
  if (path.ends_with(".png")) return fmt::format("pngcairo size 1290,810 fontscale 1.4 {}", kLook);
  if (path.ends_with(".pdf")) return fmt::format("pdfcairo size 8in,5in {}", kLook);
  throw InputError(fmt::format("out: {}: need a name that ends in .svg, .png or .pdf", path));
}

/// Colours that people with any colour vision tell apart (Okabe and Ito 2008).
constexpr const char* kColours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                    "#56B4E9", "#E69F00", "#000000", "#999999"};

const std::vector<double>& column_of(const SavedRun& run, const std::string& name) {
  const std::vector<double>* column = run.trace.column(name);
  if (column == nullptr) {
    throw InputError(fmt::format("{}/trace.csv has no column \"{}\"{}; it has {}", run.folder, name,
                                 did_you_mean(name, run.trace.columns), fmt::join(run.trace.columns, ", ")));
  }
  return *column;
}

std::string script(const std::vector<SavedRun>& runs, const FigureOptions& options, const std::string& path,
                   const std::string& terminal) {
  std::ostringstream out;
  out << "set terminal " << terminal << "\nset output " << quoted(path) << "\n"
      << "set encoding utf8\n"
      << "set border 3 lc rgb '#444444'\nset tics nomirror\nset grid lc rgb '#cccccc' lw 1\n"
      << "set key outside below center horizontal Left reverse maxcols 2 samplen 3 noenhanced\nset rmargin "
         "5\n"
      << "set xlabel " << quoted(axis_name(options.x)) << "\nset ylabel " << quoted(axis_name(options.y))
      << "\n";
  if (!options.title.empty()) out << "set title " << quoted(options.title) << "\n";
  for (const char axis : options.log) out << "set logscale " << axis << " 10\n";
  for (const auto& [axis, column] : {std::pair{'x', options.x}, {'y', options.y}}) {
    const bool logarithmic = options.log.find(axis) != std::string::npos;
    out << "set format " << axis
        << (logarithmic         ? " '%.0e'"
            : column == "round" ? " '%.0f'"
                                : " '%.1s%c'")
        << "\n";
  }

  const std::vector<std::string> names = legend(runs);
  std::vector<std::string> colour_of;  // methods, in order of appearance: one colour each
  std::map<std::string, int> seen;     // runs of a method so far: one dash pattern each
  std::string plot;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::vector<double>& x = column_of(runs[r], options.x);
    const std::vector<double>& y = column_of(runs[r], options.y);
    out << "$run" << r << " << EOD\n";
    for (std::size_t i = 0; i < x.size(); ++i) out << fmt::format("{} {}\n", x[i], y[i]);
    out << "EOD\n";
    const std::string method = runs[r].value("method");
    auto at = std::find(colour_of.begin(), colour_of.end(), method);
    if (at == colour_of.end()) at = colour_of.insert(colour_of.end(), method);
    const std::size_t colour = static_cast<std::size_t>(at - colour_of.begin()) % std::size(kColours);
    plot += fmt::format("{} $run{} using 1:2 with lines lw 2 dt {} lc rgb '{}' title {}",
                        r == 0 ? "plot" : ",", r, 1 + seen[method]++ % 5, kColours[colour], quoted(names[r]));
  }
  out << plot << "\n";
  return out.str();
}

/// A folder of our own, gone at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "laconic-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw RunError(fmt::format("{}: cannot make a folder", pattern));
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

void run_gnuplot(const std::string& script_path, const std::string& log_path) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path.c_str(), O_WRONLY | O_CREAT, 0600);
  std::string program = "gnuplot";
  std::string argument = script_path;
  char* const arguments[] = {program.data(), argument.data(), nullptr};
  pid_t child = 0;
  const int refused = posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (refused != 0)
    throw RunError("figures need gnuplot, and it cannot be started: apt-get install gnuplot-nox");
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) return;
  std::ifstream log(log_path);
  std::string line;
  std::string said;
  while (std::getline(log, line)) {
    if (line.find_first_not_of(" ^") != std::string::npos) said = line;
  }
  throw RunError(fmt::format("gnuplot failed: {}", said));
}

}  // namespace

std::string SavedRun::value(const std::string& key) const {
  for (const auto& [name, text] : description) {
    if (name == key) return text;
  }
  return "";
}

double SavedRun::last(const std::string& column) const {
  const auto* values = trace.column(column);
  return values == nullptr || values->empty() ? 0 : values->back();
}

SavedRun read_run(const std::string& folder) {
  SavedRun run;
  run.folder = fs::path(folder).lexically_normal().string();
  if (run.folder.size() > 1 && run.folder.ends_with('/')) run.folder.pop_back();
  std::error_code error;
  if (!fs::exists(fs::path(folder) / "trace.csv", error)) {
    throw InputError(fmt::format("{} holds no run: there is no trace.csv in it", folder));
  }
  run.trace = read_table((fs::path(folder) / "trace.csv").string());
  std::ifstream file(fs::path(folder) / "summary.json");
  const auto json = nlohmann::ordered_json::parse(file, nullptr, false);
  if (json.is_object() && json.contains("description") && json["description"].is_object()) {
    for (const auto& [key, value] : json["description"].items()) {
      if (value.is_string()) run.description.emplace_back(key, value.get<std::string>());
    }
  } else {  // the run was killed before its summary: its folder's name stands in for its method
    run.description.emplace_back("method", fs::path(run.folder).filename().string());
  }
  return run;
}

std::vector<std::string> legend(const std::vector<SavedRun>& runs) {
  std::vector<std::string> names;
  for (const SavedRun& run : runs) {
    std::string name = run.value("method");
    for (const auto& [key, value] : run.description) {
      if (key == "method" || key == "out" || key == "threads") continue;
      const bool differs =
          std::any_of(runs.begin(), runs.end(), [&, &name_of = key, &mine = value](const SavedRun& other) {
            return other.value("method") == run.value("method") && other.value(name_of) != mine;
          });
      if (differs) name += fmt::format(", {}={}", key, value);
    }
    names.push_back(name);
  }
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (std::count(names.begin(), names.end(), names[r]) > 1)
      names[r] += fmt::format(" [{}]", runs[r].folder);
  }
  return names;
}

std::string comparison(const std::vector<SavedRun>& runs) {
  const bool with_saving = std::any_of(runs.begin(), runs.end(), is_gd);
  std::vector<std::vector<std::string>> cells = {
      {"method", "step", "rounds", "|grad f|^2", "up/client", "down/client"}};
  if (with_saving) cells[0].emplace_back("bits saved vs gd");
  for (const SavedRun& run : runs) {
    cells.push_back({run.value("method"), run.value("step"), fmt::format("{}", run.last("round")),
                     fmt::format("{:.3e}", run.last("grad_norm_sq")), bits_text(run.last("uplink_bits")),
                     bits_text(run.last("downlink_bits"))});
    if (!with_saving) continue;
    const auto ratio = saving(run, runs);
    cells.back().push_back(is_gd(run) || !ratio ? "-" : fmt::format("{:.1f}x", *ratio));
  }
  std::string text;
  std::vector<std::size_t> width(cells[0].size());
  for (const auto& row : cells) {
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  for (const auto& row : cells) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      line += c < 2 ? fmt::format("{:<{}}  ", row[c], width[c]) : fmt::format("{:>{}}  ", row[c], width[c]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

void draw(const std::vector<SavedRun>& runs, const FigureOptions& options, const std::string& path) {
  check(!runs.empty(), "a figure needs a run");
  const TemporaryFolder temporary;
  const std::string figure = temporary.file("figure");
  const std::string commands = temporary.file("figure.gp");
  std::ofstream(commands) << script(runs, options, figure, terminal_for(path));
  run_gnuplot(commands, temporary.file("log"));
  std::error_code error;
  fs::copy_file(figure, path, fs::copy_options::overwrite_existing, error);
  if (error) throw InputError(fmt::format("out: cannot write {}: {}", path, error.message()));
}

}  // namespace laconic
