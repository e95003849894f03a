// SPDX-License-Identifier: Apache-2.0
// The server's part of a run across sites.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/observer.h"
#include "laconic/experiment/run.h"
#include "laconic/sites/certificates.h"
#include "laconic/sites/roster.h"

namespace laconic {

struct ServeOptions {
  std::string listen;  // HOST:PORT; port 0: a free one
  TlsFiles tls = {};
  Roster roster;
  std::size_t start_with = 0;  // sites that the run needs to begin and to go on; 0: all
  // What the rows of all sites have in common. Unset: the most columns and all labels of the first
  // `start_with` sites.
  std::optional<std::size_t> columns = {};
  std::optional<std::vector<double>> labels = {};
  /// Called with the port, once the server listens.
  std::function<void(int port)> on_listening = {};
};

/// The config of a run across these sites: a client for each, and a real clock that waits for all, if the
/// config has none. Throws InputError for what only a run with its data in one place can have.
Config config_across_sites(Config config, const ServeOptions& options);

/// Runs the config, which is that of config_across_sites(). The folder files.out must be taken; members.csv
/// and terms.json are written there too. Waits for sites as long as there are fewer than start_with. Raises
/// the process's limit of file descriptors to the hard limit. Throws as run() does.
RunResult serve(const Config& config, const ServeOptions& options, Observer& observer, const RunFiles& files);

}  // namespace laconic
