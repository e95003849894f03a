// SPDX-License-Identifier: Apache-2.0
// The experiments of the papers: which sweeps of configs/ each is.
#pragma once

#include <string>
#include <vector>

#include "cli/description.h"

namespace laconic::cli {

/// One sweep, and how long it takes in seconds of one core, as measured on a virtual machine, busy for some of them.
struct Part {
  const char* config;  // in configs/, without .toml
  double seconds;
  double quick_seconds;
};

struct Experiment {
  const char* name;
  const char* title;
  const char* paper;
  std::vector<Part> parts;
};

const std::vector<Experiment>& experiments();

/// The one of that name, or all where it is "all". Throws InputError.
std::vector<const Experiment*> experiments_named(const std::string& name);

/// What the program carries of configs/: settings of a sweep; `quick` as parse_toml().
std::vector<Setting> settings_of_config(const std::string& config, bool quick);

}  // namespace laconic::cli
