// SPDX-License-Identifier: Apache-2.0
// Shared parts of the tests of the program: runs it in one call.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>

namespace laconic::testing {

struct Said {
  int code = 0;
  std::string text;  // of both streams
};

/// The result of a shell command.
inline Said said_by(const std::string& command) {
  Said said;
  std::FILE* pipe = popen((command + " 2>&1 </dev/null").c_str(), "r");
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    said.text.append(buffer.data(), got);
  const int status = pclose(pipe);
  said.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return said;
}

/// Runs build/laconic with these arguments, through a shell; each argument is quoted.
inline Said laconic(const std::vector<std::string>& words, const std::string& environment = "") {
  std::string command = environment + " '" LACONIC_PROGRAM "'";
  for (const std::string& word : words) {
    EXPECT_EQ(word.find('\''), std::string::npos);
    command += " '" + word + "'";
  }
  return said_by(command);
}

}  // namespace laconic::testing
