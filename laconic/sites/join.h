// SPDX-License-Identifier: Apache-2.0
// The part of a site in a run across sites.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "laconic/core/observer.h"
#include "laconic/experiment/run.h"
#include "laconic/sites/certificates.h"

namespace laconic {

struct JoinOptions {
  std::string server;  // HOST:PORT
  TlsFiles tls = {};
  std::string data;                       // the name of a data set, or a path: data/lookup.h
  std::vector<std::string> folders = {};  // where names are looked up
  std::size_t threads = 0;                // no effect yet: a site has one client, which has one thread
  double server_patience = 600;           // seconds without a connection, after which it gives up
  std::vector<std::string> allow = {};    // methods that the server may ask for; empty: all
};

/// Reads the data, joins the run, and computes until the run ends. Connects again when the connection breaks,
/// and begins anew when the server has started again. Tells the observer what it will compute and send. The
/// result says how the run ended, as on a rank without files. Throws InputError if the server refuses this
/// site, or asks for a method that is not allowed; SharedFailure if the run failed; RunError if the server
/// cannot be reached; Interrupted if this site was asked to end: the run then goes on without it.
RunResult join(const JoinOptions& options, Observer& observer);

}  // namespace laconic
