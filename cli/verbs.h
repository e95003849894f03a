// SPDX-License-Identifier: Apache-2.0
// The verbs of the program, one source file each. They print to the terminal, throw InputError or RunError,
// and return the exit code. With several processes all ranks execute run() and resume(); rank 0 alone
// executes the other verbs.
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
  kReaderGone = 141,  // the exit code of a process that SIGPIPE ended
  // 130 and 143: ended by SIGINT and SIGTERM (cli/signals.h)
};

/// The exit code of a process that ends with this failure.
int exit_code_of(Failure::Kind kind);

/// What a verb prints.
struct Output {
  bool quiet = false;  // no progress, and no result that is in files
  bool json = false;   // the result as one JSON document
};

/// Collective. Only rank 0 prints and writes files. Errors before round 0 are thrown on all ranks as one
/// SharedFailure; later errors may be thrown on one rank only. `neighbours` is the number of ranks that share
/// this machine's processors.
int run(const std::vector<std::string>& words, bool force, Output output, Transport& transport,
        std::size_t neighbours);
/// Resumes the run in the folder words[0] from its newest checkpoint, or from the start if there is none. The
/// other words may set threads= and checkpoint-every=. Does nothing to a run that has ended. Otherwise as
/// run().
int resume(const std::vector<std::string>& words, Output output, Transport& transport,
           std::size_t neighbours);
/// Runs a sweep in this process: see laconic/sweep/plan.h. `quick`: as read_toml().
int sweep(const std::vector<std::string>& words, bool quick, bool force, Output output);
/// InputError if there are several processes: a sweep runs in one process, and its threads share the runs.
void require_alone(const Transport& transport);
/// Resumes the sweep in a folder that is taken. threads= may change.
int resume_sweep(RunFolder& out, const std::vector<std::string>& words, Output output);
struct ReproduceFlags {
  bool quick = false;
  bool force = false;
  bool quiet = false;
  std::string out = {};  // empty: runs/reproduce, or runs/reproduce-quick
};
/// Runs the experiments of the papers with these names. Their sweeps, from configs/, write to folders of
/// their own in `out`; the verdicts go to verdicts.json.
int reproduce(const std::vector<std::string>& words, const ReproduceFlags& flags);
int theory(const std::vector<std::string>& words, Output output);
/// Compares methods on a link: measures the cost of a round and runs short pilots (laconic/advise/pilot.h).
int advise(const std::vector<std::string>& words, Output output);
/// Lists everything that configs can name, or the tables and rows with these names. If words name a data set
/// and a split, lists the rows of each client. `markdown`: the tables as docs/reference.md has them.
int list(const std::vector<std::string>& words, bool markdown, Output output);
/// Explains the tables and rows with these names; without a name prints the first screen.
int help(const std::vector<std::string>& words);
/// Prints BibTeX entries.
int cite(const std::vector<std::string>& words);
/// Makes a test CA, and certificates of the server and of sites; or revokes one. InputError without sites.
int certificates(const std::vector<std::string>& words);
/// The server and a site of a run across sites (laconic/sites/serve.h, join.h). InputError without sites. A
/// run that the folder out= holds and that has not ended is resumed, if its description is the same.
int serve(const std::vector<std::string>& words, bool force, Output output);
int join(const std::vector<std::string>& words, Output output);
/// Prints the completion script of a shell.
int completion(const std::vector<std::string>& words);
int plot(const std::vector<std::string>& words, bool latex);
/// Writes a self-contained HTML file about runs and sweeps.
int report(const std::vector<std::string>& words);

}  // namespace laconic::cli
