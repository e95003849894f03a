// SPDX-License-Identifier: Apache-2.0
// The experiments of the papers, and the sweeps in configs/ that each consists of.
#pragma once

#include <string>
#include <vector>

#include "laconic/experiment/config.h"

namespace laconic {

/// One sweep and its measured cost: seconds of one core, on a virtual machine; some were measured on a busy
/// machine.
struct Part {
  const char* config;  // in configs/, without .toml
  double seconds;
  double quick_seconds;
};

struct PaperExperiment {
  const char* name;
  const char* title;
  const char* paper;
  std::vector<Part> parts;
};

const std::vector<PaperExperiment>& papers();

/// The parts of the papers() as experiments of their own, each with the name of its config, but for those that
/// have the name of a paper's experiment.
const std::vector<PaperExperiment>& single_configs();

/// The experiment of that name, of papers() or of single_configs(), or all papers() for "all". Throws InputError.
std::vector<const PaperExperiment*> papers_named(const std::string& name);

/// The settings of a sweep with a config that the program contains (configs/). `quick` is as for
/// parse_toml().
std::vector<KeyValue> settings_of_config(const std::string& config, bool quick);

}  // namespace laconic
