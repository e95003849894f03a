// SPDX-License-Identifier: Apache-2.0
// The words of `laconic serve` and `laconic join`, which are the keywords of Python too.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "laconic/experiment/config.h"
#include "laconic/sites/join.h"
#include "laconic/sites/serve.h"

namespace laconic {

/// What the words of a server say.
struct ServeWords {
  Config config;  // that of config_across_sites()
  ServeOptions options;
};

/// Reads listen=, tls=, roster=, start-with=, columns=, labels= and the keys of a run, with the files that
/// they name. `folders`: where names of data sets are looked up. Throws InputError.
ServeWords read_serve_words(const std::vector<KeyValue>& settings, const std::vector<std::string>& folders);

/// Reads tls=, data=, threads=, server-patience= and allow= of a site. `server` is HOST:PORT. Throws
/// InputError.
JoinOptions read_join_words(const std::string& server, const std::vector<KeyValue>& settings,
                            const std::vector<std::string>& folders);

/// The folder of a server's run. A run of the same description that has not ended goes on there.
struct ServeFolder {
  std::unique_ptr<RunFolder> out;  // taken; nullptr if the config has none
  bool goes_on = false;            // from its checkpoint
};
/// With `force` the run begins anew, and replaces an earlier one. Throws InputError if the folder cannot be
/// taken.
ServeFolder folder_to_serve(const Config& config, bool force);

}  // namespace laconic
