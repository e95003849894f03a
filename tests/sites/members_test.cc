// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/members.h"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "laconic/core/error.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string members_content(const TemporaryFolder& folder) {
  std::ifstream file(folder.path(MembersFile::kName), std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

/// The rows of the file without their times, the header first.
std::vector<std::string> member_rows(const TemporaryFolder& folder) {
  std::istringstream content(members_content(folder));
  std::vector<std::string> rows;
  for (std::string line; std::getline(content, line);) rows.push_back(line.substr(line.find(',') + 1));
  return rows;
}

TEST(Members, TimeIsUniversalWithMilliseconds) {
  using std::chrono::system_clock;
  const auto at = [](std::int64_t milliseconds) {
    return utc_text(system_clock::time_point(std::chrono::milliseconds(milliseconds)));
  };
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(at(1796217901123), "2026-12-02T13:25:01.123Z");
  EXPECT_EQ(at(1709210096007), "2024-02-29T12:34:56.007Z");
  EXPECT_EQ(utc_text(system_clock::time_point(std::chrono::microseconds(1999))), "1970-01-01T00:00:00.001Z");
}

TEST(Members, EachRowIsThereAtOnce) {
  const TemporaryFolder folder;
  MembersFile file(folder.path());
  EXPECT_EQ(members_content(folder), "time,name,event,reason\n");
  file.record("north", MemberEvent::joined);
  EXPECT_THAT(members_content(folder),
              ContainsRegex("\n20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-9:]{8}[.][0-9]{3}Z,north,joined,\n$"));
  std::set<std::string> names;
  for (const MemberEvent event :
       {MemberEvent::connected, MemberEvent::joined, MemberEvent::disconnected, MemberEvent::reconnected,
        MemberEvent::lost, MemberEvent::refused, MemberEvent::failed}) {
    names.insert(name_of(event));
    file.record("south", event);
  }
  EXPECT_THAT(names, SizeIs(7));
  EXPECT_EQ(member_rows(folder).back(), "south,failed,");
}

TEST(Members, ReasonsAreOneFieldOfOneLine) {
  const TemporaryFolder folder;
  MembersFile file(folder.path());
  file.record("", MemberEvent::refused, "no, \"really\"");
  file.record("a", MemberEvent::failed, std::string("one\ntwo\r\x1b[31m\0\x7f", 15));
  file.record("b", MemberEvent::failed, "caf\xc3\xa9");
  file.record("c", MemberEvent::failed, "caf\xe9");
  file.record("d", MemberEvent::failed,
              std::string(MembersFile::kLongestReason - 1, 'x') + "\xc3\xa9 and on");
  const std::string cut = std::string(MembersFile::kLongestReason - 1, 'x') + "...";
  EXPECT_EQ(member_rows(folder),
            (std::vector<std::string>{"name,event,reason", ",refused,\"no, \"\"really\"\"\"",
                                      "a,failed,one two  [31m  ", "b,failed,caf\xc3\xa9", "c,failed,caf?",
                                      "d,failed," + cut}));
}

TEST(Members, ARestartedServerAppends) {
  const TemporaryFolder folder;
  MembersFile(folder.path()).record("a", MemberEvent::joined);
  std::ofstream(folder.path(MembersFile::kName), std::ios::app) << "2026-12-02T13:25:01.123Z,a,lo";
  MembersFile(folder.path()).record("a", MemberEvent::reconnected);
  EXPECT_EQ(member_rows(folder),
            (std::vector<std::string>{"name,event,reason", "a,joined,", "a,reconnected,"}));
  folder.write(MembersFile::kName, "time,na");
  MembersFile(folder.path()).record("b", MemberEvent::lost);
  EXPECT_EQ(member_rows(folder), (std::vector<std::string>{"name,event,reason", "b,lost,"}));
}

TEST(Members, RefusesAnotherFile) {
  const TemporaryFolder folder;
  folder.write(MembersFile::kName, "round,epoch,counted,late,gone\n1,2,3,4,5\n");
  EXPECT_THAT(error_of([&] { MembersFile file(folder.path()); }),
              HasSubstr("need the header time,name,event"));
  EXPECT_EQ(members_content(folder), "round,epoch,counted,late,gone\n1,2,3,4,5\n");
  EXPECT_THROW(MembersFile(folder.path("none")), std::runtime_error);
}

TEST(Members, ThreadsWriteWholeRows) {
  const TemporaryFolder folder;
  MembersFile file(folder.path());
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&file, t] {
        for (int i = 0; i < 50; ++i) file.record(std::to_string(t), MemberEvent::connected, "a,b");
      });
    }
  }
  const std::vector<std::string> rows = member_rows(folder);
  EXPECT_THAT(rows, SizeIs(201));
  EXPECT_EQ(std::count(rows.begin(), rows.end(), "2,connected,\"a,b\""), 50);
  const std::string content = members_content(folder);
  std::istringstream lines(content);
  std::string before, line;
  std::getline(lines, line);
  for (; std::getline(lines, line); before = line) EXPECT_GE(line.substr(0, 24), before.substr(0, 24));
}

TEST(Members, AFullDiskLeavesWholeRows) {
  const TemporaryFolder folder;
  MembersFile file(folder.path());
  file.record("a", MemberEvent::joined);
  const std::string before = members_content(folder);
  // A limit on the size of files is as a full disk to the file.
  rlimit was{};
  getrlimit(RLIMIT_FSIZE, &was);
  const auto handled = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = before.size() + 10, .rlim_max = was.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(file.record("b", MemberEvent::joined), RunError);
  setrlimit(RLIMIT_FSIZE, &was);
  std::signal(SIGXFSZ, handled);
  EXPECT_EQ(members_content(folder), before);
  file.record("b", MemberEvent::joined);
  EXPECT_EQ(member_rows(folder).back(), "b,joined,");
}

}  // namespace
}  // namespace laconic
