// SPDX-License-Identifier: Apache-2.0
// Finds the real data sets, which are not part of the repository: in the folders of LACONIC_DATA.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace laconic {

inline std::vector<std::string> data_folders() {
  std::vector<std::string> folders;
  const char* const list = std::getenv("LACONIC_DATA");
  std::stringstream in(list == nullptr ? "" : list);
  for (std::string folder; std::getline(in, folder, ':');)
    if (!folder.empty()) folders.push_back(folder);
  return folders;
}

/// The path of `name` in the first folder that has it.
inline std::optional<std::string> real_file(const std::string& name) {
  for (const std::string& folder : data_folders()) {
    const std::filesystem::path path = std::filesystem::path(folder) / name;
    if (std::filesystem::exists(path)) return path.string();
  }
  return {};
}

#define LACONIC_NEEDS_DATA(name) \
  if (!laconic::real_file(std::string(name) + ".gz")) GTEST_SKIP() << "needs " << (name) << " in LACONIC_DATA"

}  // namespace laconic
