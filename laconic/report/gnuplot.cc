// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/gnuplot.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "laconic/core/error.h"

extern char** environ;  // gnuplot inherits it

namespace laconic {
namespace {

namespace fs = std::filesystem;

std::string terminal_for(const std::string& path) {
  constexpr const char* kLook = "noenhanced font 'sans,12' background rgb 'white'";
  if (path.ends_with(".svg")) return fmt::format("svg size 860,540 dynamic {}", kLook);
  if (path.ends_with(".png")) return fmt::format("pngcairo size 1290,810 fontscale 1.4 {}", kLook);
  if (path.ends_with(".pdf")) return fmt::format("pdfcairo size 8in,5in {}", kLook);
  throw InputError(fmt::format("out: {}: need a name that ends in .svg, .png or .pdf", path));
}

/// A folder of our own, gone at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::error_code error;
    std::string pattern = (fs::temp_directory_path(error) / "laconic-XXXXXX").string();
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

void run_script(const std::string& script_path, const std::string& log_path) {
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

std::string gnuplot_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += c;
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + "'";
}

void run_gnuplot(const std::string& commands, const std::string& path) {
  const std::string terminal = terminal_for(path);
  const TemporaryFolder temporary;
  const std::string figure = temporary.file("figure");
  const std::string script = temporary.file("figure.gp");
  std::ofstream(script) << "set terminal " << terminal << "\nset output " << gnuplot_text(figure)
                        << "\nset encoding utf8\n"
                        << commands;
  run_script(script, temporary.file("log"));
  std::error_code error;
  if (const fs::path folder = fs::path(path).parent_path(); !folder.empty())
    fs::create_directories(folder, error);
  fs::copy_file(figure, path, fs::copy_options::overwrite_existing, error);
  if (error) throw InputError(fmt::format("out: cannot write {}: {}", path, error.message()));
}

}  // namespace laconic
