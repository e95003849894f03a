// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/columns.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spec.h"

namespace laconic {
namespace {

struct Quantity {
  const char* name;
  const char* title;
  bool falls_to_zero = false;
};
constexpr Quantity kQuantities[] = {
    {"round", "rounds"},
    {"f", "objective f"},
    {"gap", "f − f*", true},
    {"grad_norm_sq", "squared gradient norm", true},
    {"uplink_floats", "values sent per client"},
    {"uplink_bits", "bits sent per client"},
    {"downlink_bits", "bits received per client"},
    {"both_bits", "bits sent and received per client"},
    {"oracle_calls", "single-sample gradients per client"},
    {"participants", "messages in the round"},
    {"step", "step"},
    {"consensus", "squared distance to consensus", true},
    {"network_seconds", "modelled seconds"},
    {"train_accuracy", "training accuracy"},
    {"test_accuracy", "test accuracy"},
    {"downlink_floats", "values received per client"},
};

const Quantity* quantity_named(const std::string& name) {
  const auto* found = std::find_if(std::begin(kQuantities), std::end(kQuantities),
                                   [&](const Quantity& each) { return each.name == name; });
  return found == std::end(kQuantities) ? nullptr : found;
}

const std::vector<double>& column_of(const SavedRun& run, const std::string& name) {
  const std::vector<double>* column = run.trace.column(name);
  if (column == nullptr) {
    throw InputError(fmt::format("{}/trace.csv has no column \"{}\"{}; it has {}", run.folder, name,
                                 did_you_mean(name, run.trace.columns), fmt::join(run.trace.columns, ", ")));
  }
  return *column;
}

std::vector<double> gap_of(const SavedRun& run) {
  if (!run.f_star) {
    throw InputError(
        fmt::format("{}/summary.json: the run does not know f*, so that it has no gap; target-gap= computes "
                    "f*, and y=f needs none",
                    run.folder));
  }
  std::vector<double> gap = column_of(run, "f");
  for (double& value : gap) value -= *run.f_star;
  return gap;
}

}  // namespace

bool is_drawable(const std::string& name) { return quantity_named(name) != nullptr; }

std::string axis_title(const std::string& name) {
  const Quantity* known = quantity_named(name);
  return known == nullptr ? name : known->title;
}

bool falls_to_zero(const std::string& name) {
  const Quantity* known = quantity_named(name);
  return known != nullptr && known->falls_to_zero;
}

std::vector<double> values_of(const SavedRun& run, const std::string& name) {
  if (name == "gap") return gap_of(run);
  std::vector<double> values = column_of(run, name == "both_bits" ? "uplink_bits" : name);
  if (name == "both_bits") {
    const std::vector<double>& down = column_of(run, "downlink_bits");
    std::transform(values.begin(), values.end(), down.begin(), values.begin(), std::plus<>());
  }
  if (name == "network_seconds" && std::all_of(values.begin(), values.end(), [](double v) { return v == 0; }))
    throw InputError(
        fmt::format("{}/trace.csv: network_seconds is 0 throughout: the run has no modelled clock; network=, "
                    "compute= or stragglers with delays give it one",
                    run.folder));
  return values;
}

}  // namespace laconic
