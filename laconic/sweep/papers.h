// SPDX-License-Identifier: Apache-2.0
// The experiments of the papers: which sweeps of configs/ each is.
#pragma once

#include <string>
#include <vector>

#include "laconic/experiment/config.h"

namespace laconic {

/// One sweep, and how long it takes in seconds of one core, as measured on a virtual machine, busy for some of them.
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

/// The one of that name, or all where it is "all". Throws InputError.
std::vector<const PaperExperiment*> papers_named(const std::string& name);

/// What the program carries of configs/: settings of a sweep; `quick` as parse_toml().
std::vector<KeyValue> settings_of_config(const std::string& config, bool quick);

}  // namespace laconic
