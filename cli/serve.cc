// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.h"

#ifdef LACONIC_SITES
#include <fmt/format.h>

#include "cli/data_folders.h"
#include "cli/run_result.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "cli/watch.h"
#include "laconic/core/error.h"
#include "laconic/sites/words.h"
#else
#include "cli/sites.h"
#endif

namespace laconic::cli {

#ifdef LACONIC_SITES

int serve(const std::vector<std::string>& words, bool force, Output output) {
  auto [config, options] = read_serve_words(settings_of(words), data_folders());
  const ServeFolder folder = folder_to_serve(config, force);
  RunResult result;
  {
    Watch watch(!output.quiet);
    options.on_listening = [&watch, &folder, listen = options.listen](int port) {
      watch.remark(fmt::format("listening on {}, port {}{}", listen, port,
                               folder.goes_on ? "; the run goes on from its checkpoint" : ""));
    };
    result = laconic::serve(config, options, watch, {.out = folder.out.get(), .goes_on = folder.goes_on});
  }
  if (result.interrupted()) {
    print_err("laconic: {}; {}\n", result.summary.reason,
              result.saved ? "to go on: the same command again" : "not saved");
    return exit_code_of(result.summary.request);
  }
  return tell_result(result, config, output);
}

int join(const std::vector<std::string>& words, Output output) {
  if (words.empty() || words[0].find('=') != std::string::npos)
    throw InputError("join: the server is missing, as in laconic join example.org:8443 tls=DIR data=FILE");
  const JoinOptions options =
      read_join_words(words[0], settings_of({words.begin() + 1, words.end()}), data_folders());
  Watch watch(!output.quiet);
  const RunResult result = laconic::join(options, watch);
  if (!output.quiet)
    print_out("the run has ended: {}\n", result.diverged()      ? "it diverged"
                                         : result.interrupted() ? "the server was asked to end it"
                                                                : "done");
  return result.diverged() ? kFailed : kDone;
}
#else
int serve(const std::vector<std::string>& /*words*/, bool /*force*/, Output /*output*/) {
  fail_without_sites();
}
int join(const std::vector<std::string>& /*words*/, Output /*output*/) { fail_without_sites(); }
#endif

}  // namespace laconic::cli
