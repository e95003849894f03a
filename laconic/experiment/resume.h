// SPDX-License-Identifier: Apache-2.0
// The description of an interrupted run, with changes that keep its result.
#pragma once

#include <string>
#include <vector>

#include "laconic/experiment/config.h"
#include "laconic/experiment/run_folder.h"

namespace laconic {

/// The settings in `words`, each `key=value`. Throws InputError for a word with a key that is not among `keys`. `what` is
/// what the folder describes, as the error names it: "run".
std::vector<KeyValue> changes_of(const std::vector<std::string>& words, const std::vector<std::string>& keys,
                                 const RunFolder& folder, const std::string& what);

/// The config of the run in a folder that is taken (RunFolder::take_up). `changes` are words `threads=` and
/// `checkpoint-every=`, which change no bit of the result. Config::out is the folder; Config::resources are empty.
/// Throws InputError for other changes, and if the description is not that of a run.
Config config_to_resume(const RunFolder& folder, const std::vector<std::string>& changes);

}  // namespace laconic
