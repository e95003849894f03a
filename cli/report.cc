// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "cli/terminal.h"
#include "cli/verbs.h"
#include "laconic/experiment/config.h"
#include "laconic/page/page.h"

namespace laconic::cli {

int report(const std::vector<std::string>& words) {
  std::string out = "report.html";
  std::string title;
  std::vector<std::string> folders;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    if (equals == std::string::npos || key.find('/') != std::string::npos) {  // a folder name may contain '='
      folders.push_back(word);
    } else if (key == "out") {
      out = word.substr(equals + 1);
    } else if (key == "title") {
      title = word.substr(equals + 1);
    } else {
      fail_unknown_key(key, {"title", "out"});
    }
  }
  print_out("{}\n", write_report(folders, title, out));
  return kDone;
}

}  // namespace laconic::cli
