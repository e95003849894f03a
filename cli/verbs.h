// SPDX-License-Identifier: Apache-2.0
// The verbs of the program, one source file each. They print to the terminal, throw InputError or RunError,
// and return the exit code. Where the program is several processes, all of them run,
// and rank 0 does the rest.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "laconic/core/failure.h"
#include "laconic/experiment/run_folder.h"
#include "laconic/transport/transport.h"

namespace laconic::cli {

enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kWrongInput = 2,
  kReaderGone = 141,  // as of a process that SIGPIPE has ended
  // 130 and 143: ended by SIGINT and SIGTERM (cli/signals.h)
};

/// Of a process that ends with that failure.
int exit_code_of(Failure::Kind kind);

/// Collective: rank 0 alone prints and writes files. What is wrong before round 0 is thrown on all ranks as
/// one SharedFailure; what fails later may be thrown on one rank only. `neighbours` is the number of ranks
/// that share this machine's processors.
int run(const std::vector<std::string>& words, bool force, Transport& transport, std::size_t neighbours);
/// Goes on with the run in the folder words[0] from its newest checkpoint, or from the start where
/// there is none; the other words may set threads= and checkpoint-every=. A run that has ended is left
/// alone. Otherwise as run().
int resume(const std::vector<std::string>& words, Transport& transport, std::size_t neighbours);
/// Many runs in this one process: see laconic/sweep/plan.h. `quick`: as read_toml().
int sweep(const std::vector<std::string>& words, bool quick, bool force);
/// InputError where there are several processes: a sweep is done by one, whose threads share the runs.
void require_alone(const Transport& transport);
/// Goes on with the sweep in a folder that is taken; threads= may change.
int resume_sweep(RunFolder& out, const std::vector<std::string>& words);
struct ReproduceFlags {
  bool quick = false;
  bool force = false;
  std::string out = {};  // empty: runs/reproduce, or runs/reproduce-quick
};
/// The experiments of the papers, by name: sweeps of configs/, each in a folder of its own in `out`, and what they
/// show in verdicts.json.
int reproduce(const std::vector<std::string>& words, const ReproduceFlags& flags);
int theory(const std::vector<std::string>& words);
/// Which methods pay on a link: times what a round costs, and runs short pilots (laconic/advise/pilot.h).
int advise(const std::vector<std::string>& words);
/// Everything there is; of words that name a data set and a split, what each client would hold.
int list(const std::vector<std::string>& words);
int plot(const std::vector<std::string>& words);
/// One HTML file about runs and sweeps, that opens from the disk.
int report(const std::vector<std::string>& words);

}  // namespace laconic::cli
