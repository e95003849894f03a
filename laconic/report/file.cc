// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic {

void write_whole(const std::string& path, std::string_view content) {
  const std::string beside = path + ".part";
  std::FILE* file = std::fopen(beside.c_str(), "wb");
  bool whole = file != nullptr;
  whole = whole && std::fwrite(content.data(), 1, content.size(), file) == content.size();
  whole = whole && std::fflush(file) == 0;
  int reason = errno;
  if (file != nullptr && std::fclose(file) != 0 && whole) {
    whole = false;
    reason = errno;
  }
  if (whole && std::rename(beside.c_str(), path.c_str()) != 0) {
    whole = false;
    reason = errno;
  }
  if (!whole) {
    std::remove(beside.c_str());
    throw RunError(fmt::format("{}: cannot write: {}", path, std::strerror(reason)));
  }
}

}  // namespace laconic
