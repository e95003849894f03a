// SPDX-License-Identifier: Apache-2.0
#include "laconic/advise/advise.h"

#include "cli/data_folders.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "cli/watch.h"
#include "laconic/report/file.h"

namespace laconic::cli {

int advise(const std::vector<std::string>& words, Output output) {
  AdviceRequest request = advice_request_of(words);
  request.config.resources.folders = data_folders();
  AdviceResult result;
  {
    Watch watch(!output.quiet);
    result = laconic::advise(request, watch);
  }
  if (!request.out.empty()) write_output(request.out, result.json);
  if (output.json) {
    write_out(result.json);
  } else if (!output.quiet || request.out.empty()) {
    print_out("{}\n{}\n", result.head, result.table);
    for (const std::string& sentence : result.sentences) print_out("{}\n", sentence);
    if (!request.out.empty()) print_out("-> {}\n", request.out);
  }
  if (!result.failure.empty()) throw RunError(result.failure);
  return code_after_output(kDone);
}

}  // namespace laconic::cli
