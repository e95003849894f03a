// SPDX-License-Identifier: Apache-2.0
// The verbs of the program, one source file each. They print to the terminal, throw InputError or RunError,
// and return the exit code.
#pragma once

#include <string>
#include <vector>

namespace laconic::cli {

enum ExitCode { kDone = 0, kFailed = 1, kWrongInput = 2 };

int run(const std::vector<std::string>& words, bool force);
int theory(const std::vector<std::string>& words);
int list();
int plot(const std::vector<std::string>& words);

}  // namespace laconic::cli
