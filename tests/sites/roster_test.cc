// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/roster.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "laconic/sites/site_name.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using ::testing::HasSubstr;

TEST(SiteName, IsSafeAsTheNameOfAFolder) {
  for (const std::string name : {"a", "9", "site-1", "clinic_3.example.org", "A..b", "server"})
    EXPECT_TRUE(is_name(name)) << name;
  EXPECT_TRUE(is_name(std::string(64, 'x')));
  EXPECT_FALSE(is_name(std::string(65, 'x')));
  for (const std::string name :
       {"", ".", "..", ".a", "-a", "_a", "a b", "a/b", "a,b", "a\n", "sit\xc3\xa9", "a=b"})
    EXPECT_FALSE(is_name(name)) << name;
  EXPECT_FALSE(is_name(std::string("a\0", 2)));
}

TEST(Roster, GivesEachNameItsClient) {
  const TemporaryFolder folder;
  const Roster roster = read_roster(
      folder.write("roster",
                   "\xef\xbb\xbf# hospitals, \xc3\xa9t\xc3\xa9\r\n\r\nnorth\r\n  south # the new one\n\n"
                   "east.example"));
  ASSERT_EQ(roster.size(), 3U);
  EXPECT_EQ(roster.name(0), "north");
  EXPECT_EQ(roster.name(2), "east.example");
  EXPECT_EQ(roster.find("south"), 1U);
  EXPECT_EQ(roster.find("South"), std::nullopt);
  EXPECT_EQ(roster.find(""), std::nullopt);
}

TEST(Roster, SaysTheLineThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"a\n\nb\na\n", ":4: a is in line 1 already; need each name once"},
      {"a\nb c\n", ":2: \"b c\" is no name of a site; a name has 1 to 64 letters"},
      {"# x\nserver\n", ":2: \"server\" is the server's name"},
      {std::string("a\nb\0\n", 5), ":2: has a NUL"},
      {std::string("# \0\na\n", 6), ":1: has a NUL"},
      {"a\n# caf\xe9\n", ":2: is not text in UTF-8"},
      {"", ": has no name of a site"},
      {"# nothing\n \n", ": has no name of a site"},
  };
  for (const auto& [content, message] : rows) {
    const TemporaryFolder folder;
    const std::string path = folder.write("roster", content);
    EXPECT_THAT(error_of([&] { read_roster(path); }), HasSubstr(path + message));
  }
  const TemporaryFolder folder;
  EXPECT_THAT(error_of([&] { read_roster(folder.path("none")); }),
              HasSubstr("none: cannot read: No such file"));
}

}  // namespace
}  // namespace laconic
