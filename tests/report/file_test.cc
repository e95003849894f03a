// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/file.h"

#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

/// The message of the RunError of `action`.
std::string failure_of(auto&& action) {
  try {
    action();
  } catch (const RunError& error) {
    return error.what();
  }
  return "no error";
}

std::size_t count_in(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST(WholeFile, IsThereWhenItIsCommitted) {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  {
    WholeFile file(path);
    file.append("new", 3);
    EXPECT_EQ(read_whole(path), "old");
  }
  EXPECT_EQ(read_whole(path), "old") << "not committed";
  EXPECT_EQ(count_in(folder.path()), 1U);
  WholeFile file(path);
  file.append("new", 3);
  file.append(nullptr, 0);
  file.commit();
  EXPECT_EQ(read_whole(path), "new");
  EXPECT_EQ(count_in(folder.path()), 1U);
}

TEST(WholeFile, TwoAtATimeDoNotMix) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file");
  WholeFile first(path);
  WholeFile second(path);
  first.append("first", 5);
  second.append("2", 1);
  first.commit();
  EXPECT_EQ(read_whole(path), "first");
  second.commit();
  EXPECT_EQ(read_whole(path), "2");
  EXPECT_EQ(count_in(folder.path()), 1U);
}

TEST(WholeFile, LeavesAloneWhatOthersCallPart) {
  const TemporaryFolder folder;
  folder.write("file.part", "mine");
  folder.write("precious", "mine");
  fs::create_symlink("precious", folder.path("file.part-2"));
  write_whole(folder.path("file"), "new");
  EXPECT_EQ(read_whole(folder.path("file")), "new");
  EXPECT_EQ(read_whole(folder.path("file.part")), "mine");
  EXPECT_EQ(read_whole(folder.path("precious")), "mine");
  EXPECT_TRUE(fs::is_symlink(folder.path("file.part-2")));

  for (int count = 3; count <= 100; ++count) folder.write("file.part-" + std::to_string(count), "");
  EXPECT_EQ(failure_of([&] { write_whole(folder.path("file"), "newer"); }),
            folder.path("file") + ": cannot write: remove " + folder.path("file") +
                ".part-2 and those like it, which others have left");
  EXPECT_EQ(read_whole(folder.path("file")), "new");
}

TEST(WholeFile, FollowsLinksAndRefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  folder.write("below/file", "old");
  fs::create_symlink("below/file", folder.path("link"));
  fs::create_symlink("link", folder.path("link-to-link"));
  write_whole(folder.path("link-to-link"), "new");
  EXPECT_EQ(read_whole(folder.path("below/file")), "new");
  EXPECT_TRUE(fs::is_symlink(folder.path("link")));
  EXPECT_TRUE(fs::is_symlink(folder.path("link-to-link")));

  fs::create_symlink("nowhere", folder.path("dangling"));
  fs::create_symlink("circle", folder.path("circle"));
  ASSERT_EQ(mkfifo(folder.path("pipe").c_str(), 0600), 0);
  const std::pair<std::string, const char*> refused[] = {
      {folder.path("dangling"), "that is a link to what is not there"},
      {folder.path("circle"), "that is a link to what is not there"},
      {folder.path("pipe"), "that is no regular file"},
      {"/dev/null", "that is no regular file"},
      {folder.path("below"), "that is a folder"},
      {folder.path("new/"), "that is a folder"},
      {folder.path("below/file/under"), "Not a directory"},
      {"/proc/file", "No such file or directory"},
      {"", "the name is empty"},
  };
  const std::size_t before = count_in(folder.path());
  for (const auto& [path, why] : refused) {
    EXPECT_EQ(failure_of([&] { write_whole(path, "x"); }), path + ": cannot write: " + why);
    const std::string error = error_of([&] { require_writable(path); });
    EXPECT_NE(error, "no error") << path;
    EXPECT_EQ(count_in(folder.path()), before) << path;
  }
  EXPECT_TRUE(fs::is_symlink(folder.path("dangling")));
  EXPECT_EQ(failure_of([] { write_whole(std::string("a\0b", 3), "x"); }),
            "a: cannot write: a NUL follows in the name");
}

TEST(WholeFile, LosesNothingOnAFullDisk) {
  const TemporaryFolder folder;
  const std::string path = folder.write("file", "old");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 2, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string short_text = failure_of([&] { write_whole(path, "new"); });
  const std::string long_text = failure_of([&] { write_whole(path, std::string(100000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(short_text, path + ": cannot write: File too large");
  EXPECT_EQ(long_text, path + ": cannot write: File too large");
  EXPECT_EQ(read_whole(path), "old");
  EXPECT_EQ(count_in(folder.path()), 1U);
}

TEST(NewFolders, GoAgainUnlessTheyAreKept) {
  const TemporaryFolder folder;
  folder.write("mine/file", "");
  {
    const NewFolders folders(folder.path("mine/new/../other/below/"));
    EXPECT_TRUE(fs::is_directory(folder.path("mine/other/below")));
    EXPECT_TRUE(fs::is_directory(folder.path("mine/new")));
  }
  EXPECT_EQ(count_in(folder.path("mine")), 1U);
  {
    const NewFolders folders(folder.path("used/below"));
    folder.write("used/file", "");
  }
  EXPECT_EQ(count_in(folder.path("used")), 1U) << "what is in use stays";
  NewFolders(folder.path("kept/below")).keep();
  EXPECT_TRUE(fs::is_directory(folder.path("kept/below")));
  { const NewFolders folders(folder.path("kept/below")); }
  EXPECT_TRUE(fs::is_directory(folder.path("kept/below"))) << "another had made it";
}

TEST(NewFolders, RemoveNothingThatWasThere) {
  const TemporaryFolder folder;
  folder.write("file", "");
  fs::create_symlink("nowhere", folder.path("dangling"));
  const auto failure = [](const std::string& path) {
    return failure_of([&] { const NewFolders folders(path); });
  };
  EXPECT_EQ(failure(folder.path("dangling")), "cannot make the folder " + folder.path("dangling") + ": " +
                                                  folder.path("dangling") +
                                                  " is a link to what is not there");
  EXPECT_TRUE(fs::is_symlink(folder.path("dangling")));
  EXPECT_EQ(failure(folder.path("new/../dangling/below")),
            "cannot make the folder " + folder.path("new/../dangling/below") + ": " +
                folder.path("new/../dangling") + " is a link to what is not there");
  EXPECT_FALSE(fs::exists(folder.path("new")));
  EXPECT_EQ(failure(folder.path("file/below")), "cannot make the folder " + folder.path("file/below") + ": " +
                                                    folder.path("file") + " is not a folder");
  EXPECT_EQ(failure("/proc/laconic"), "cannot make the folder /proc/laconic: No such file or directory");
}

TEST(WriteOutput, MakesItsFolder) {
  const TemporaryFolder folder;
  const std::string path = folder.path("new/below/file");
  require_writable(path);
  EXPECT_FALSE(fs::exists(folder.path("new")));
  write_output(path, "x");
  EXPECT_EQ(read_whole(path), "x");
  EXPECT_EQ(error_of([&] { require_writable(path + "/under"); }),
            "cannot make the folder " + path + ": " + path + " is not a folder");
}

}  // namespace
}  // namespace laconic
