// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/curve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "laconic/report/columns.h"

namespace laconic {
namespace {

/// The points of a run, by round.
struct Points {
  std::vector<double> rounds, x, y;

  /// The row of the round; the last row if the run ended before; nothing if the round was not evaluated.
  [[nodiscard]] std::optional<std::size_t> row_at(double round) const {
    const auto at = std::lower_bound(rounds.begin(), rounds.end(), round);
    if (at == rounds.end()) return rounds.size() - 1;
    if (*at != round) return {};
    return static_cast<std::size_t>(at - rounds.begin());
  }
};

/// The median. A value that is not a number counts as infinite.
double median(std::vector<double> values) {
  for (double& value : values) {
    if (std::isnan(value)) value = std::numeric_limits<double>::infinity();
  }
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void append_medians(Curve& curve, const std::vector<Points>& runs, double round) {
  std::vector<double> x;
  std::vector<double> y;
  for (const Points& run : runs) {
    const auto row = run.row_at(round);
    if (!row) return;
    x.push_back(run.x[*row]);
    y.push_back(run.y[*row]);
  }
  curve.x.push_back(median(x));
  curve.y.push_back(median(y));
  curve.low.push_back(*std::min_element(y.begin(), y.end()));
  curve.high.push_back(*std::max_element(y.begin(), y.end()));
}

void append_medians(Curve& curve, const std::vector<Points>& runs) {
  std::vector<double> ends;
  std::vector<double> rounds;
  for (const Points& run : runs) {
    ends.push_back(run.rounds.back());
    rounds.insert(rounds.end(), run.rounds.begin(), run.rounds.end());
  }
  std::sort(ends.begin(), ends.end());
  std::sort(rounds.begin(), rounds.end());
  rounds.erase(std::unique(rounds.begin(), rounds.end()), rounds.end());
  for (const double round : rounds) {
    if (round <= ends[ends.size() / 2]) append_medians(curve, runs, round);
  }
}

}  // namespace

std::vector<Curve> curves_of(const std::vector<SavedRun>& runs, const std::string& x, const std::string& y) {
  const std::vector<RunGroup> groups = grouped_by_seed(runs);
  const std::vector<std::string> names = legend(runs, groups);
  std::vector<Curve> curves;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const SavedRun& first = runs[groups[g].front()];
    Curve& curve = curves.emplace_back(Curve{.name = names[g],
                                             .method = first.value("method"),
                                             .folder = first.folder,
                                             .runs = groups[g].size(),
                                             .x = values_of(first, x),
                                             .y = values_of(first, y)});
    if (groups[g].size() == 1) continue;
    std::vector<Points> points;
    for (const std::size_t r : groups[g])
      points.push_back({values_of(runs[r], "round"), values_of(runs[r], x), values_of(runs[r], y)});
    curve.x.clear();
    curve.y.clear();
    append_medians(curve, points);
  }
  return curves;
}

}  // namespace laconic
