// SPDX-License-Identifier: Apache-2.0
// `laconic reproduce`: runs the experiments of the papers and prints which statements hold.
#include "laconic/sweep/reproduce.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/data_folders.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "laconic/experiment/embedded.h"
#include "laconic/experiment/experiment.h"
#include "laconic/page/page.h"
#include "laconic/report/text_table.h"

namespace laconic::cli {
namespace {

ReproduceRequest read_words(const std::vector<std::string>& words, const ReproduceFlags& flags) {
  ReproduceRequest wanted{
      .quick = flags.quick, .force = flags.force, .out = flags.out, .folders = data_folders()};
  std::string name;
  for (const std::string& word : words) {
    if (word.starts_with("threads=")) {
      Config config;
      apply(config, {"threads", word.substr(8), ""});
      wanted.threads = config.threads;
    } else if (word.starts_with("out=")) {
      if (!flags.out.empty()) throw InputError("reproduce: both --out and out= name a folder; give one");
      wanted.out = word.substr(4);
    } else if (!name.empty() || word.find('=') != std::string::npos) {
      throw InputError(
          fmt::format("reproduce: \"{}\"; need one name, and threads= or out= at most: other "
                      "settings are those of its files in configs/, to copy and to change",
                      word));
    } else {
      name = word;
    }
  }
  wanted.papers = papers_named(name);
  if (wanted.out.empty()) wanted.out = wanted.quick ? "runs/reproduce-quick" : "runs/reproduce";
  return wanted;
}

std::string minutes_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string count_text(std::size_t count, const char* of) {
  return fmt::format("{} {}{}", count, of, count == 1 ? "" : "s");
}

/// What is left of a call: sweeps, and the seconds they should take on the threads of this call.
class Remaining {
 public:
  Remaining(const std::deque<PaperSweep>& sweeps, const ReproduceRequest& wanted)
      : quick_(wanted.quick), threads_(threads_of(wanted.threads)) {
    for (const PaperSweep& sweep : sweeps) {
      if (!sweep.why_not.empty() || sweep.ended) continue;
      ++sweeps_;
      seconds_ += expected(sweep);
    }
  }

  [[nodiscard]] std::size_t sweeps() const { return sweeps_; }
  [[nodiscard]] std::size_t threads() const { return threads_; }
  /// From the measured costs of papers.h; once sweeps have ended, times what they took in comparison.
  [[nodiscard]] double seconds() const { return seconds_ * (expected_ > 0 ? taken_ / expected_ : 1); }

  /// A sweep has ended that had not ended before.
  void pass(const PaperSweep& sweep) {
    --sweeps_;
    seconds_ -= expected(sweep);
    if (!sweep.result) return;
    expected_ += expected(sweep);
    taken_ += sweep.result->seconds;
  }

 private:
  [[nodiscard]] double expected(const PaperSweep& sweep) const {
    return (quick_ ? sweep.part.quick_seconds : sweep.part.seconds) / static_cast<double>(threads_);
  }

  bool quick_;
  std::size_t threads_;
  std::size_t sweeps_ = 0;
  double seconds_ = 0;   // expected of the sweeps that are left
  double expected_ = 0;  // of those that ran
  double taken_ = 0;     // by those that ran
};

/// Prints the result of one sweep in a line.
void tell(const PaperSweep& sweep) {
  if (sweep.result) {
    print_out("{}: {} of {} statements hold, {} -> {}\n", sweep.part.config, sweep.holding(),
              sweep.result->judged.size(),
              sweep.ended ? "as before" : fmt::format("{:.1f} s", sweep.result->seconds), sweep.out->path());
    for (const std::string& why : sweep.result->lost_figures) print_err("laconic: no figure: {}\n", why);
  } else {
    const std::string line = fmt::format("{}: {}\n", sweep.part.config, sweep.why_not);
    sweep.failure == Failure::Kind::none ? write_out(line) : write_err(line);
  }
}

std::string table_of(const std::deque<PaperSweep>& sweeps) {
  std::vector<std::vector<std::string>> cells = {{"experiment", "statement", "where", "holds", "numbers"}};
  for (const PaperSweep& task : sweeps) {
    if (!task.result) {
      cells.push_back({task.paper->name, fmt::format("{}: {}", task.part.config, task.why_not), "", "-", ""});
      continue;
    }
    for (const Judged& one : task.result->judged) {
      cells.push_back({task.paper->name, one.claim.empty() ? one.statement : one.claim,
                       place_of(task.plan, one.workload), one.verdict.holds ? "yes" : "NO", one.numbers});
    }
  }
  return text_table(cells, 4);
}

/// Writes a page about everything in the folder. A failure is reported, but does not change the verdicts.
void write_page(const ReproduceRequest& wanted) {
  if (chart_files().empty()) {
    print_out("no page: this laconic was built without its charting library (tools/fetch_charts.sh)\n");
    return;
  }
  try {
    const std::string title = fmt::format("The papers reproduced{}", wanted.quick ? ", quick" : "");
    print_out("{}\n", write_report({wanted.out}, title, wanted.out + "/report.html"));
  } catch (...) {
    print_err("laconic: no page: {}\n", failure_in_flight().message);
  }
}

}  // namespace

int reproduce(const std::vector<std::string>& words, const ReproduceFlags& flags) {
  const ReproduceRequest wanted = read_words(words, flags);
  std::deque<PaperSweep> sweeps = sweeps_of(wanted);
  Remaining left(sweeps, wanted);
  print_out("{} of {} to do: about {} on {}, as measured on another machine -> {}\n",
            count_text(left.sweeps(), "sweep"), count_text(wanted.papers.size(), "experiment"),
            minutes_text(left.seconds()), count_text(left.threads(), "thread"), wanted.out);
  std::size_t statements = 0;
  std::size_t hold = 0;
  std::size_t skipped = 0;
  std::size_t failed = 0;
  double seconds = 0;
  int code = kDone;
  for (PaperSweep& sweep : sweeps) {
    if (const Request asked = end_request(); asked != Request::none)
      throw Interrupted(asked, "interrupted between two sweeps; to go on: the same command again");
    const bool runs = sweep.why_not.empty() && !sweep.ended;
    try {
      Watch watch(!flags.quiet);
      run_paper_sweep(sweep, watch);
    } catch (const Interrupted& error) {
      throw Interrupted(error.request(), fmt::format("{}: {}; to go on: the same command again",
                                                     sweep.part.config, error.what()));
    }
    tell(sweep);
    if (runs) left.pass(sweep);
    if (runs && left.sweeps() > 0)
      print_out("{} left: about {}\n", count_text(left.sweeps(), "sweep"), minutes_text(left.seconds()));
    if (sweep.result) {
      statements += sweep.result->judged.size();
      hold += sweep.holding();
      seconds += sweep.result->seconds;
    } else {
      ++(sweep.failure == Failure::Kind::none ? skipped : failed);
      if (sweep.failure != Failure::Kind::none) code = std::max(code, exit_code_of(sweep.failure));
    }
  }
  write_verdicts(wanted, sweeps);
  print_out("\n{}\n", table_of(sweeps));
  write_page(wanted);
  std::string words_of_end = fmt::format("{} of {} statements hold", hold, statements);
  if (skipped > 0) words_of_end += fmt::format(", {} of {} sweeps skipped", skipped, sweeps.size());
  if (failed > 0) words_of_end += fmt::format(", {} of {} sweeps failed", failed, sweeps.size());
  print_out("{}, {} -> {}\n", words_of_end, minutes_text(seconds), wanted.out);
  const bool nothing_ran = skipped == sweeps.size();
  if (nothing_ran) print_err("laconic: reproduce: no sweep could run\n");
  return hold < statements || nothing_ran ? std::max<int>(code, kFailed) : code;
}

}  // namespace laconic::cli
