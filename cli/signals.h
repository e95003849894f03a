// SPDX-License-Identifier: Apache-2.0
// Signals, as requests that are looked at between rounds: SIGINT and SIGTERM ask for the end, SIGUSR1 for a
// checkpoint. Before the rounds begin SIGINT and SIGTERM end the process as usual: no file is half written then.
#pragma once

#include <string>

#include "laconic/core/request.h"

namespace laconic::cli {

/// From here on SIGUSR1 asks for a checkpoint, and no longer ends the process.
void hear_checkpoint_requests();

/// While it lives, SIGINT and SIGTERM are requests; a second SIGINT ends the process at once. A signal that the
/// process was started to ignore stays ignored. There is one at a time.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
};

/// What this process was asked for. A request to end stays; one for a checkpoint is told once.
Request take_request();
/// 128 and the number of the signal.
int exit_code_of(Request end);

/// The command that goes on with what is in the folder, for a shell.
std::string resume_command(const std::string& folder);

}  // namespace laconic::cli
