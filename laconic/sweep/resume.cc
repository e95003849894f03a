// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/resume.h"

#include <utility>

#include "laconic/experiment/resume.h"
#include "laconic/sweep/csv.h"

namespace laconic {

SweepToResume sweep_to_resume(const RunFolder& folder, const std::vector<std::string>& changes,
                              const Resources& resources) {
  std::vector<KeyValue> settings = read_toml(folder.description());
  for (KeyValue& change : changes_of(changes, {"threads"}, folder, "sweep"))
    settings.push_back(std::move(change));
  SweepToResume sweep = {.plan = plan_of(last_of_each(std::move(settings)), resources)};
  sweep.plan.out = folder.path();
  sweep.goes_on = folder.holds("sweep.csv");
  sweep.outcomes = sweep.goes_on ? read_sweep_csv(sweep.plan, folder.file("sweep.csv"))
                                 : RunOutcomes(sweep.plan.runs.size());
  return sweep;
}

}  // namespace laconic
