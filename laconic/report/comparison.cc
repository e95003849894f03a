// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/comparison.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "laconic/core/spread.h"
#include "laconic/report/latex.h"
#include "laconic/report/text_table.h"
#include "laconic/report/units.h"

namespace laconic {
namespace {

using Cells = std::vector<std::string>;

/// Uplink bits of the run when its squared gradient norm first was at most `level`; infinite if it never was.
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

/// The ratio of gd's bits to the run's bits, at the lowest level that both reached.
std::optional<double> saving(const SavedRun& run, const SavedRun& gd) {
  const double level = std::max(lowest_norm(run), lowest_norm(gd));
  const double ratio = bits_to(gd, level) / bits_to(run, level);
  return std::isfinite(ratio) ? std::optional(ratio) : std::nullopt;
}

/// Compared with the gd run of the same step on the same workload; without one, with the best gd run there.
std::optional<double> saving(const SavedRun& run, const std::vector<SavedRun>& runs) {
  std::optional<double> least;
  for (const bool same_step : {true, false}) {
    for (const SavedRun& gd : runs) {
      const auto agrees = [&, &other = gd](const char* key) { return other.value(key) == run.value(key); };
      if (!is_gd(gd) || !agrees("problem") || !agrees("clients") || !agrees("split")) continue;
      if (same_step && gd.value("step") != run.value("step")) continue;
      const auto ratio = saving(run, gd);
      if (ratio && (!least || *ratio < *least)) least = ratio;
    }
    if (least) break;
  }
  return least;
}

/// 1.234e-05 as LaTeX writes it.
std::string with_power(const std::string& number) {
  const std::size_t e = number.find('e');
  if (e == std::string::npos) return latex_text(number);
  return fmt::format("${}\\cdot10^{{{}}}$", number.substr(0, e), std::stoi(number.substr(e + 1)));
}

/// The mean of a value over the runs of a setting; of several runs, with the sample deviation.
std::string mean_text(const std::vector<double>& values, TableFormat format,
                      const std::function<std::string(double)>& text) {
  const auto cell = [&](double value) {
    return format == TableFormat::latex ? with_power(text(value)) : text(value);
  };
  if (std::any_of(values.begin(), values.end(), [](double value) { return std::isnan(value); })) return "-";
  const Spread spread = spread_of(values);
  if (values.size() == 1) return cell(spread.mean);
  return fmt::format("{} {} {}", cell(spread.mean), format == TableFormat::latex ? "$\\pm$" : "+-",
                     cell(spread.deviation));
}

/// A column of numbers: its head, and the value of a run as text.
struct NumberColumn {
  const char* head;
  const char* latex_head;
  const char* column;  // of the trace
  std::string (*text)(double);
  bool is_optional;  // left out if it is 0 in all runs
};
const NumberColumn kNumbers[] = {
    {"rounds", "rounds", "round", [](double v) { return fmt::format("{:.6g}", v); }, false},
    {"|grad f|^2", "$\\|\\nabla f\\|^2$", "grad_norm_sq", [](double v) { return fmt::format("{:.3e}", v); },
     false},
    {"test accuracy", "test accuracy", "test_accuracy", [](double v) { return fmt::format("{:.4f}", v); },
     true},
    {"up/client", "up/client", "uplink_bits", [](double v) { return bits_text(v); }, false},
    {"down/client", "down/client", "downlink_bits", [](double v) { return bits_text(v); }, false},
    {"modelled", "modelled time", "network_seconds", [](double v) { return seconds_text(v); }, true},
};

std::string saving_text(const RunGroup& group, const std::vector<SavedRun>& runs) {
  double sum = 0;
  for (const std::size_t r : group) {
    const auto ratio = saving(runs[r], runs);
    if (is_gd(runs[r]) || !ratio) return "-";
    sum += *ratio;
  }
  return fmt::format("{:.1f}x", sum / static_cast<double>(group.size()));
}

std::string latex_table(const std::vector<Cells>& rows, std::size_t words) {
  std::string text = fmt::format("\\begin{{tabular}}{{{}{}}}\n\\hline\n", std::string(words, 'l'),
                                 std::string(rows[0].size() - words, 'r'));
  for (std::size_t r = 0; r < rows.size(); ++r)
    text += fmt::format("{} \\\\\n{}", fmt::join(rows[r], " & "), r == 0 ? "\\hline\n" : "");
  return text + "\\hline\n\\end{tabular}\n";
}

}  // namespace

std::string comparison(const std::vector<SavedRun>& runs, TableFormat format) {
  const bool is_latex = format == TableFormat::latex;
  const auto groups = grouped_by_seed(runs);
  const bool with_saving = std::any_of(runs.begin(), runs.end(), is_gd);
  const bool with_seeds = groups.size() < runs.size();
  const auto word = [&](const std::string& text) { return is_latex ? latex_text(text) : text; };
  std::vector<NumberColumn> numbers;
  std::copy_if(std::begin(kNumbers), std::end(kNumbers), std::back_inserter(numbers),
               [&](const auto& number) {
                 return !number.is_optional || std::any_of(runs.begin(), runs.end(), [&](const auto& run) {
                   return run.last(number.column) > 0;
                 });
               });

  std::vector<Cells> rows = {{"method", "step"}};
  if (with_seeds) rows[0].emplace_back("seeds");
  for (const NumberColumn& number : numbers) rows[0].emplace_back(is_latex ? number.latex_head : number.head);
  if (with_saving) rows[0].emplace_back("bits saved vs gd");
  for (const RunGroup& group : groups) {
    const SavedRun& first = runs[group[0]];
    Cells row = {word(first.value("method")), word(first.value("step"))};
    if (with_seeds) row.push_back(fmt::format("{}", group.size()));
    for (const NumberColumn& number : numbers) {
      std::vector<double> values;
      for (const std::size_t r : group) values.push_back(runs[r].last(number.column));
      row.push_back(mean_text(values, format, number.text));
    }
    if (with_saving) row.push_back(saving_text(group, runs));
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(std::move(row));
  }
  if (is_latex) return latex_table(rows, 2);
  std::string text = text_table(rows, 2);
  if (with_saving) {
    text +=
        "Bits saved: up, to the lowest |grad f|^2 that a run and gd both reached; gd with the same step= "
        "where there is such a run, else the best.\n";
  }
  return text;
}

}  // namespace laconic
