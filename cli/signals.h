// SPDX-License-Identifier: Apache-2.0
// Signals as requests, which are polled between rounds: SIGINT and SIGTERM request the end, SIGUSR1 requests
// a checkpoint. Before the rounds begin, SIGINT and SIGTERM end the process as usual; no file is partly
// written then.
#pragma once

#include <string>

#include "laconic/core/request.h"

namespace laconic::cli {

/// From this call on, SIGUSR1 requests a checkpoint instead of ending the process.
void hear_checkpoint_requests();

/// During its lifetime SIGINT and SIGTERM are requests, and a second SIGINT ends the process at once. A
/// signal that was ignored when the process started stays ignored. Only one guard may exist at a time.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
};

/// The current request to this process. A request to end stays; a request for a checkpoint is returned once.
Request take_request();
/// The request to end, if there is one; none otherwise. For any thread.
Request end_request();
/// 128 plus the number of the signal.
int exit_code_of(Request end);

/// The shell command that resumes the run or sweep in the folder.
std::string resume_command(const std::string& folder);

}  // namespace laconic::cli
