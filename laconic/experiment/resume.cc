// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/resume.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {

std::vector<KeyValue> changes_of(const std::vector<std::string>& words, const std::vector<std::string>& keys,
                                 const RunFolder& folder, const std::string& what) {
  std::vector<KeyValue> changes;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    std::string key = word.substr(0, equals);
    if (equals == std::string::npos || std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw InputError(fmt::format("resume: \"{}\"; the {} is described in {}, and only {}= may change", word,
                                   what, folder.description(), fmt::join(keys, "= and ")));
    }
    changes.push_back({std::move(key), word.substr(equals + 1), ""});
  }
  return changes;
}

Config config_to_resume(const RunFolder& folder, const std::vector<std::string>& changes) {
  if (folder.has(RunFolder::kTerms))
    throw InputError(fmt::format(
        "resume: {} holds a run across sites; start laconic serve again with its keys", folder.path()));
  std::vector<KeyValue> settings = read_toml(folder.description());
  settings.push_back({"out", folder.path(), ""});
  for (KeyValue& change : changes_of(changes, {"threads", "checkpoint-every"}, folder, "run"))
    settings.push_back(std::move(change));
  return describe(settings);
}

}  // namespace laconic
