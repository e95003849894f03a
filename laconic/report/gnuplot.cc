// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/gnuplot.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sstream>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "laconic/core/error.h"
#include "laconic/report/file.h"

extern char** environ;  // passed to gnuplot, except for some variables

namespace laconic {
namespace {

/// A file format that gnuplot draws.
struct FigureFormat {
  std::string_view ending;                   // of the file name
  std::string (*terminal)(const Canvas& c);  // of gnuplot
  std::string_view first;                    // how a complete file begins
  std::string_view last;                     // and how it ends, apart from newlines
};

std::string svg_terminal(const Canvas& c) { return fmt::format("svg size {},{} dynamic", c.width, c.height); }

std::string png_terminal(const Canvas& c) {
  constexpr double kPointsInDot = 0.75;  // for this terminal
  return fmt::format("pngcairo size {:.0f},{:.0f} fontscale {} linewidth {} pointscale {}",
                     c.width * c.dots_in_unit, c.height * c.dots_in_unit, kPointsInDot * c.dots_in_unit,
                     c.dots_in_unit, c.dots_in_unit);
}

std::string pdf_terminal(const Canvas& c) {
  const double points = 72 / c.units_in_inch;  // a unit in points
  return fmt::format("pdfcairo size {}in,{}in fontscale {} linewidth {} pointscale {}",
                     c.width / c.units_in_inch, c.height / c.units_in_inch, points, points, points);
}

constexpr FigureFormat kFormats[] = {
    {".svg", svg_terminal, "<?xml", "</svg>"},
    {".png", png_terminal, "\x89PNG", "IEND\xae\x42\x60\x82"},
    {".pdf", pdf_terminal, "%PDF-", "%%EOF"},
};

const FigureFormat& format_of(const std::string& path) {
  for (const FigureFormat& format : kFormats) {
    if (path.ends_with(format.ending)) return format;
  }
  throw InputError(fmt::format("out: {}: need a name that ends in .svg, .png or .pdf", path));
}

bool is_whole(const FigureFormat& format, std::string_view figure) {
  const std::size_t end = figure.find_last_not_of('\n');
  return figure.starts_with(format.first) && end != std::string_view::npos &&
         figure.substr(0, end + 1).ends_with(format.last);
}

/// An unnamed file in memory, so that a full or read-only disk for temporary files cannot damage a figure.
class MemoryFile {
 public:
  MemoryFile() {
    const int opened = memfd_create("laconic-figure", MFD_CLOEXEC);
    // Must be above the three standard descriptors: the child sets those from these files, in any order.
    descriptor_ = fcntl(opened, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (opened >= 0) close(opened);
    if (descriptor_ < 0)
      throw RunError(fmt::format("cannot make a file in memory for a figure: {}", std::strerror(errno)));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }

  /// Writes the content and goes back to its start.
  void fill(std::string_view content) const {
    while (!content.empty()) {
      const ssize_t count = write(descriptor_, content.data(), content.size());
      if (count <= 0)
        throw RunError(fmt::format("cannot write the commands of a figure: {}", std::strerror(errno)));
      content.remove_prefix(static_cast<std::size_t>(count));
    }
    lseek(descriptor_, 0, SEEK_SET);
  }

  [[nodiscard]] std::string content() const {
    lseek(descriptor_, 0, SEEK_SET);
    std::string text;
    std::array<char, 65536> block;  // NOLINT: filled before it is read
    for (ssize_t count = 0; (count = read(descriptor_, block.data(), block.size())) > 0;)
      text.append(block.data(), static_cast<std::size_t>(count));
    return text;
  }

 private:
  int descriptor_;
};

/// The environment without variables that change gnuplot's figures: its own, its fonts', and the locale's
/// (cairo also uses the locale to choose the font of a character).
std::vector<char*> neutral_environment() {
  static char locale[] = "LC_ALL=C";
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const auto of_figures = {"GNU", "GDFONTPATH=", "FIT_", "LC_", "LANG"};
    if (std::none_of(of_figures.begin(), of_figures.end(),
                     [&](const char* p) { return text.starts_with(p); }))
      variables.push_back(*variable);
  }
  variables.push_back(locale);
  variables.push_back(nullptr);
  return variables;
}

/// The last line of gnuplot's messages that is not blank or a mere position mark (^).
std::string last_line(const std::string& messages) {
  std::istringstream lines(messages);
  std::string said = "it prints nothing";
  for (std::string line; std::getline(lines, line);) {
    const std::size_t begin = line.find_first_not_of(" ^\t");
    if (begin != std::string::npos) said = line.substr(begin);
  }
  return said;
}

/// The standard output of gnuplot. `-d`: without the settings of a user or a machine.
std::string output_of_gnuplot(const std::string& script) {
  const MemoryFile input;
  const MemoryFile output;
  const MemoryFile messages;
  input.fill(script);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, messages.descriptor(), STDERR_FILENO);
  std::string program = "gnuplot";
  std::string defaults = "-d";
  char* const arguments[] = {program.data(), defaults.data(), nullptr};
  pid_t child = 0;
  const int refused =
      posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, neutral_environment().data());
  posix_spawn_file_actions_destroy(&actions);
  if (refused == ENOENT)
    throw RunError("figures need gnuplot, which is not installed: apt-get install gnuplot-nox");
  if (refused != 0) throw RunError(fmt::format("gnuplot cannot be started: {}", std::strerror(refused)));
  int status = 0;
  // If this process ignores SIGCHLD there is no exit status; then only the figure shows whether gnuplot
  // succeeded.
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    throw RunError(fmt::format("gnuplot failed: killed by signal {}", WTERMSIG(status)));
  if (status != 0) throw RunError(fmt::format("gnuplot failed: {}", last_line(messages.content())));
  return output.content();
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

/// The text in UTF-8, valid in every format. Invalid bytes become U+FFFD, control characters become spaces.
std::string clean(const std::string& text) {
  using Json = nlohmann::json;
  constexpr auto kReplace = Json::error_handler_t::replace;
  std::string out = Json::parse(Json(text).dump(-1, ' ', false, kReplace)).get<std::string>();
  for (const std::string_view none : {"\xef\xbf\xbe", "\xef\xbf\xbf"})  // U+FFFE, U+FFFF: not in XML
    replace_all(out, none, "\xef\xbf\xbd");
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return out;
}

/// The text in UTF-8, without its middle if it is too long for the width of a figure: names of runs often
/// differ at their ends only.
std::string shortened(const std::string& text, std::size_t longest) {
  std::vector<std::size_t> begins;  // the offset of each character
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) begins.push_back(i);
  }
  if (begins.size() <= longest) return text;
  return text.substr(0, begins[longest / 2]) + "…" +
         text.substr(begins[begins.size() - (longest + 1) / 2 + 1]);
}

}  // namespace

std::string gnuplot_text(const std::string& text, std::size_t longest) {
  // Octal escapes, because within quotes gnuplot gives ' " \ ` @ and % meanings that depend on the context.
  // Four digits, as gnuplot reads up to four after a 0.
  std::string out = "\"";
  for (const char c : shortened(clean(text), longest)) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    out += plain ? std::string(1, c) : fmt::format("\\{:04o}", static_cast<unsigned char>(c));
  }
  return out + "\"";
}

void run_gnuplot(const std::string& commands, const std::string& path, const Canvas& canvas) {
  const FigureFormat& format = format_of(path);
  std::string figure = output_of_gnuplot(fmt::format(
      "set terminal {} enhanced font 'sans-serif,{}' background rgb 'white'\nset encoding utf8\n{}\n",
      format.terminal(canvas), canvas.font, commands));
  // If gnuplot cannot write all of its output, its exit code is still 0.
  if (!is_whole(format, figure)) throw RunError("gnuplot failed: its figure is not complete");
  // gnuplot does not escape "]]>" in texts, which XML does not allow there.
  if (format.ending == ".svg") replace_all(figure, "]]>", "]]&gt;");
  require_writable(path);
  write_output(path, figure);
}

}  // namespace laconic
