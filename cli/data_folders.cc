// SPDX-License-Identifier: Apache-2.0
#include "cli/data_folders.h"

#include <cstdlib>
#include <sstream>

namespace laconic::cli {

std::vector<std::string> data_folders() {
  std::vector<std::string> folders;
  const char* variable = std::getenv("LACONIC_DATA");
  std::stringstream list(variable == nullptr ? "" : variable);
  for (std::string folder; std::getline(list, folder, ':');) {
    if (!folder.empty()) folders.push_back(folder);
  }
  return folders;
}

}  // namespace laconic::cli
