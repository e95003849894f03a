// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/read_whole.h"

#include <chrono>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/temporary_folder.h"

namespace laconic {
namespace {

constexpr std::size_t kAll = static_cast<std::size_t>(-1);
using std::chrono::milliseconds;

TEST(ReadWhole, GivesTheContentOrItsBeginning) {
  const TemporaryFolder folder;
  const std::string text = std::string(200000, 'a') + std::string("\0b\n", 3);
  const std::string path = folder.write("file", text);
  EXPECT_EQ(read_whole(path), text);
  EXPECT_EQ(read_whole(path, 3), "aaa");
  EXPECT_EQ(read_whole(path, text.size()), text);
  EXPECT_EQ(read_whole(folder.write("empty", "")), "");
  EXPECT_FALSE(read_whole("/proc/self/status").empty()) << "a file that announces no size";
}

TEST(ReadWhole, SaysWhyItCannot) {
  const TemporaryFolder folder;
  const auto error = [](const std::string& path) { return error_of([&] { read_whole(path); }); };
  EXPECT_EQ(error(folder.path()), folder.path() + ": cannot read: it is a folder");
  EXPECT_EQ(error(folder.path("none")), folder.path("none") + ": cannot read: No such file or directory");
  EXPECT_EQ(error("/dev/zero"), "/dev/zero: cannot read: it is a device");
  EXPECT_EQ(error(std::string("a\0b", 3)), "a: cannot read: a NUL follows in its name");
  const std::string path = folder.write("mine", "");
  const WithoutPrivileges guard(path);
  EXPECT_EQ(error(path), path + ": cannot read: Permission denied");
}

TEST(ReadWhole, WaitsForTheWriterOfANamedPipeButNotForEver) {
  const TemporaryFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { read_whole(path, kAll, milliseconds(1)); }),
            path + ": cannot read: it is a pipe, and no process writes into it");
  const std::string text(300000, 'x');  // more than the capacity of a pipe
  std::thread writer([&] {
    std::this_thread::sleep_for(milliseconds(5));
    std::ofstream file(path, std::ios::binary);
    std::this_thread::sleep_for(milliseconds(5));  // the writer is connected and has written nothing yet
    file << text;
  });
  const std::string content = read_whole(path);
  writer.join();
  EXPECT_TRUE(content == text);

  std::thread silent([&] { std::ofstream file(path, std::ios::binary); });
  EXPECT_EQ(read_whole(path), "");
  silent.join();
}

struct Stop {};

TEST(ReadWhole, CallsWorkingWhileAPipeIsSilent) {
  const TemporaryFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::size_t calls = 0;
  const auto throw_at_3 = [&] {
    if (++calls == 3) throw Stop();
  };
  EXPECT_THROW(read_whole(path, kAll, std::chrono::hours(1), throw_at_3), Stop) << "no writer";
  calls = 0;
  const std::fstream silent(path, std::ios::in | std::ios::out);
  EXPECT_THROW(read_whole(path, kAll, std::chrono::hours(1), throw_at_3), Stop);
  EXPECT_EQ(calls, 3U);
}

TEST(ReadWhole, ReadsThePipeOfAShellsSubstitution) {
  for (const std::string text : {"", "x"}) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
    EXPECT_EQ(read_whole("/dev/fd/" + std::to_string(ends[0])), text) << "its writer has gone already";
    close(ends[0]);
  }
}

}  // namespace
}  // namespace laconic
