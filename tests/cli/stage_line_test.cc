// SPDX-License-Identifier: Apache-2.0
#include "cli/stage_line.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/program.h"
#include "tests/temporary_folder.h"

namespace laconic::cli {
namespace {

using namespace std::chrono_literals;

TEST(StageLine, SaysTheStageThatLastsAndWhatTookLongBeforeIt) {
  const StageLine::WallClock::time_point t{};
  std::vector<StageLine::Stage> stages = {{"making the problem", t}};
  EXPECT_EQ(StageLine::text(stages, t + 900ms), "0 s making the problem");
  stages.push_back({"reading kdd12", t + 20ms});
  stages.push_back({"packing rows", t + 31s});
  EXPECT_EQ(StageLine::text(stages, t + 33s), "2 s packing rows; before: 30 s reading kdd12");
  stages.push_back({"constants", t + 35s});
  EXPECT_EQ(StageLine::text(stages, t + 40s),
            "5 s constants; before: 4 s packing rows; before: 30 s reading kdd12");
  stages.push_back({std::string(100, 'x'), t + 41s});
  EXPECT_EQ(StageLine::text(stages, t + 41s), "0 s " + std::string(75, 'x'));  // the width of a terminal line
}

TEST(StageLine, IsDrawnOnATerminalWhileDataAreRead) {
  const TemporaryFolder folder;
  const std::string pipe = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // reading these data takes as long as the test needs
  const int rows = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(rows, 0);
  const std::string problem = "problem=logistic(\"" + pipe + "\")";
  int terminal = -1;
  const pid_t program = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (program == 0) {
    execl(LACONIC_PROGRAM, "laconic", "theory", problem.c_str(), "clients=1", "method=gd", nullptr);
    _exit(127);
  }
  std::string seen;
  const auto look = [&] {
    char buffer[4096];
    const ssize_t got = read(terminal, buffer, sizeof buffer);  // EIO once the program has ended
    if (got > 0) seen.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  };
  while (seen.find(" s reading ") == std::string::npos && look()) {
  }
  const std::string text = "1 1:1\n-1 2:1\n";
  EXPECT_EQ(write(rows, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(rows);
  while (look()) {
  }
  close(terminal);
  int status = 0;
  ASSERT_EQ(waitpid(program, &status, 0), program);
  EXPECT_EQ(status, 0) << seen;
  EXPECT_NE(seen.find(" s reading "), std::string::npos) << seen;
  EXPECT_NE(seen.find("\r\x1b[K"), std::string::npos) << seen;  // erased before the answer is printed
  EXPECT_NE(seen.find("L_minus"), std::string::npos) << seen;
}

}  // namespace
}  // namespace laconic::cli
