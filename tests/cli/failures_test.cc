// SPDX-License-Identifier: Apache-2.0
// Messages for failures of the machine and errors in the words: one line in our own terms, and the same exit
// code from every verb.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "laconic/core/read_whole.h"
#include "tests/out_of_threads.h"
#include "tests/program.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Failures : public ::testing::Test {
 protected:
  std::string in(const std::string& name) const { return folder_.path(name); }

  static void expect_one_line(const Said& said, int code, const std::string& message) {
    EXPECT_EQ(said.code, code) << said.text;
    EXPECT_THAT(said.text, StartsWith("laconic: "));
    EXPECT_THAT(said.text, HasSubstr(message));
    EXPECT_EQ(std::count(said.text.begin(), said.text.end(), '\n'), 1) << said.text;
    for (const char* raw : {"std::", "basic_", "max_size", "filesystem error", "json.exception"})
      EXPECT_THAT(said.text, Not(HasSubstr(raw)));
  }

  /// A command prefix that drops root's privileges; "" if the tests do not run as root. Empty if another user
  /// cannot execute the program.
  static std::optional<std::string> as_user() {
    if (geteuid() != 0) return "";
    const std::string command = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    if (laconic({"--version"}, command).code != 0) return {};
    return command;
  }

  TemporaryFolder folder_;
};

TEST_F(Failures, AKeyGivenTwiceIsAnErrorOfEveryVerb) {
  const std::string problem = "problem=quadratic(d=3)";
  const std::string file =
      folder_.write("run.toml", "problem = 'quadratic(d=3)'\nmethod = 'gd'\nrounds = 1\n");
  const std::vector<std::string> cases[] = {
      {"run", problem, "method=gd", "step=theory*1", "step=theory*2", "step=theory*4"},
      {"run", file, "rounds=2", "rounds=2"},
      {"sweep", problem, "method=gd", "step=theory*1", "step=theory*2"},
      {"theory", problem, "method=gd", "problem=quadratic(d=4)"},
      {"advise", problem, "network=lan", "network=wan"},
      {"list", "data=a", "data=b"},
      {"plot", in("run"), "x=round", "x=f"},
      {"report", in("run"), "title=a", "title=b"},
      {"report", in("run"), "-o", in("a.html"), "out=" + in("b.html")},
      {"resume", in("run"), "threads=1", "threads=2"},
      {"reproduce", "clag", "threads=1", "threads=2"},
  };
  for (const auto& words : cases) {
    expect_one_line(laconic(words), 2, " is given twice, in ");
    EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
  }
  EXPECT_THAT(
      laconic(cases[0]).text,
      StartsWith("laconic: step is given twice, in step=theory*1 and step=theory*2; give it once, and quote "
                 "braces, as in 'step=theory*{1,2,4}'"));
  EXPECT_THAT(laconic({"run", file, "rounds=2"}).text, StartsWith("2 rounds done")) << "words win over files";
}

TEST_F(Failures, AFolderThatIsNamedLikeAWordMayBeGivenTwice) {
  fs::create_directories(in("a=b"));
  expect_one_line(laconic({"report", in("a=b"), in("a=b"), "out=" + in("c.html")}), 2, "holds no run");
}

TEST_F(Failures, RefusesAnOutFolderWithoutRemovingALink) {
  fs::create_symlink("nowhere", in("link"));
  const std::vector<std::string> run = {"problem=quadratic(d=3)", "method=gd", "rounds=1",
                                        "out=" + in("link")};
  for (const char* verb : {"run", "sweep"}) {
    std::vector<std::string> words = {verb};
    words.insert(words.end(), run.begin(), run.end());
    expect_one_line(laconic(words), 2, "is a link to what is not there");
    EXPECT_TRUE(fs::is_symlink(in("link"))) << verb;
  }
  for (const std::vector<std::string>& words : {std::vector<std::string>{"advise", run[0], "network=lan"},
                                                {"plot", in("run")},
                                                {"report", in("run")}}) {
    const std::string name = words[0] == "advise" ? "a.json" : words[0] == "plot" ? "a.svg" : "a.html";
    fs::create_symlink("nowhere", in(name));
    std::vector<std::string> with_out = words;
    with_out.push_back("out=" + in(name));
    expect_one_line(laconic(with_out), 2, name + ": cannot write: that is a link to what is not there");
    EXPECT_TRUE(fs::is_symlink(in(name))) << words[0];
  }
}

TEST_F(Failures, NoVerbOverwritesTheFilesOfAResult) {
  ASSERT_EQ(laconic({"run", "problem=quadratic(d=3)", "method=gd", "rounds=1", "out=" + in("run")}).code, 0);
  const std::string summary = read_whole(in("run/summary.json"));
  expect_one_line(
      laconic({"advise", "problem=quadratic(d=3)", "network=lan", "out=" + in("run/summary.json")}), 2,
      "out: " + in("run/summary.json") + ": belongs to the results in ");
  EXPECT_EQ(read_whole(in("run/summary.json")), summary);
  ASSERT_EQ(laconic({"sweep", "problem=quadratic(d=3)", "method=gd", "step=theory*{1,2}", "rounds=1",
                     "out=" + in("sweep")})
                .code,
            0);
  for (const char* name : {"map.svg", "curves.svg", "curves-2.svg"})
    expect_one_line(laconic({"plot", in("run"), "out=" + in("sweep/") + name}), 2,
                    "belongs to the results in ");
}

TEST_F(Failures, MemoryThatIsNotThereIsAWrongInputOfEveryVerb) {
  if (!kLimitsHold) GTEST_SKIP() << "a sanitizer maps more than the limit, and ends where memory is refused";
  for (const std::string verb : {"run", "sweep", "theory", "advise"}) {
    const std::vector<std::string> words = {verb, "problem=quadratic(d=3e8)", "clients=2", "threads=1",
                                            verb == "advise" ? "network=lan" : "method=gd"};
    const Said said = laconic(words, "ulimit -v 400000;");
    EXPECT_EQ(said.code, 2) << said.text;
    EXPECT_THAT(said.text,
                HasSubstr("laconic: not enough memory: the description or its data ask for more than "
                          "this machine has\n"));
  }
  expect_one_line(laconic({"run", "problem=quadratic(d=3)", "method=gd", "clients=99999999999"}), 2,
                  "not enough memory");
  expect_one_line(laconic({"run", "problem=quadratic(d=3)", "method=gd", "rounds=1e30"}), 2,
                  "rounds: \"1e30\"; need a whole number >= 0, below 2^64");
}

TEST_F(Failures, SaysWhichFileDoesNotFitIntoMemory) {
  if (!kLimitsHold) GTEST_SKIP() << "a sanitizer maps more than the limit, and ends where memory is refused";
  const std::string file = folder_.write("large", "");
  fs::resize_file(file, std::uintmax_t{1} << 30);  // sparse: takes no disk space
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"run", file}, {"run", "problem=logistic(\"" + file + "\")", "method=gd"}})
    expect_one_line(laconic(words, "ulimit -v 400000;"), 2,
                    file + ": cannot read: it does not fit into memory");
}

TEST_F(Failures, SaysWhatCannotBeRead) {
  fs::create_directories(in("folder.toml"));
  fs::create_directories(in("run/trace.csv"));
  fs::create_directories(in("run/summary.json"));
  folder_.write("run/run.toml", "problem = 'quadratic(d=3)'\nmethod = 'gd'\n");
  folder_.write("nul.toml", "problem = 'quadratic(d=3)'\nmethod = \"gd\\u0000\"\n");
  folder_.write("raw-nul.toml", std::string("problem = 'quadratic(d=3)'\nmethod = 'gd\0'\n", 43));
  folder_.write("latin.toml", "problem = 'quadratic(d=3)'\nmethod = 'g\xe9'\n");
  folder_.write("empty.toml", "");
  folder_.write("sweep/run.toml",
                "problem = 'quadratic(d=3)'\nmethod = 'gd'\nmeasure = 'bits'\ntarget = '1'\n");
  fs::create_directories(in("sweep/sweep.csv"));
  folder_.write("checkpoint/run.toml", "problem = 'quadratic(d=3)'\nmethod = 'gd'\n");
  fs::create_directories(in("checkpoint/checkpoint/manifest.json"));
  const std::string gd = "method=gd";
  const auto quoted = [](const std::string& path) { return "\"" + path + "\""; };
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"run", in("folder.toml")},
       quoted(in("folder.toml")) + " is neither key=value nor a TOML file: it is a folder"},
      {{"run", in("empty.toml")}, "no problem is given"},
      {{"run", in("nul.toml")}, "nul.toml:2: method: need a text without NUL characters"},
      {{"run", in("raw-nul.toml")}, "raw-nul.toml:2:"},
      {{"run", in("latin.toml")}, "latin.toml:2:"},
      {{"run", "/dev/zero"}, "/dev/zero: cannot read: it is a device"},
      {{"run", "problem=logistic(\"" + in("run") + "\")", gd}, "a folder without files of a data set"},
      {{"run", "problem=logistic(\"" + std::string(5000, 'x') + "\")", gd}, "File name too long"},
      {{"run", "problem=logistic(\"a\nb\x1b[31m\")", gd}, "a\\nb\\x1b[31m"},
      {{"run", "problem=logistic(\"\xff\")", gd}, "problem: not a text in UTF-8"},
      {{"run", "problem=quadratic(d=3)", "method=" + std::string(100000, 'x')}, " bytes left out ... "},
      {{"run", "problem=quadratic(d=3)", "method=d-sgd", "step=1", "topology=edges(\"" + in("run") + "\")"},
       in("run") + ": cannot read: it is a folder"},
      {{"run", "problem=quadratic(d=3)", gd, "stragglers=trace(\"" + in("run") + "\")"},
       in("run") + ": cannot read: it is a folder"},
      {{"resume", in("run")}, "summary.json: cannot read: it is a folder"},
      {{"resume", in("sweep")}, "sweep.csv: cannot read: it is a folder"},
      {{"resume", in("checkpoint")}, "manifest.json: cannot read: it is a folder"},
      {{"plot", in("run"), "out=" + in("a.svg")}, "trace.csv: cannot read: it is a folder"},
      {{"report", in("run"), "out=" + in("a.html")}, "trace.csv: cannot read: "},
      {{"list", "data=/dev/zero"}, "cannot read: it is a device"},
  };
  for (const auto& [words, message] : cases) expect_one_line(laconic(words), 2, message);
}

TEST_F(Failures, AMissingPermissionIsNoMissingFile) {
  const auto user = as_user();
  if (!user) GTEST_SKIP() << "another user cannot run this program";
  const std::string data = folder_.write("data/set", "+1 1:1\n-1 1:2\n");
  const std::string toml = folder_.write("data/run.toml", "");
  const std::string file = folder_.write("set", "+1 1:1\n-1 1:2\n");
  chmod(folder_.path().c_str(), 0777);
  chmod(file.c_str(), 0);
  const WithoutPrivileges guard(in("data"));
  const std::string gd = "method=gd";
  expect_one_line(laconic({"run", "problem=logistic(\"" + data + "\")", gd}, *user), 2,
                  data + ": cannot read: Permission denied");
  expect_one_line(laconic({"run", "problem=logistic(set)", gd}, "LACONIC_DATA=" + in("data") + " " + *user),
                  2, data + ": cannot read: Permission denied");
  expect_one_line(laconic({"run", "problem=logistic(\"" + file + "\")", gd}, *user), 2,
                  file + ": cannot read: Permission denied");
  expect_one_line(laconic({"run", toml}, *user), 2, toml + ": cannot read: Permission denied");
  for (const char* verb : {"run", "sweep"}) {
    expect_one_line(laconic({verb, "problem=quadratic(d=3)", gd, "out=" + in("data/run")}, *user), 2,
                    "out: cannot make the folder " + in("data/run") + ": Permission denied");
  }
  expect_one_line(
      laconic({"advise", "problem=quadratic(d=3)", "network=lan", "out=" + in("data/a.json")}, *user), 2,
      "Permission denied");
  expect_one_line(laconic({"plot", in("data"), "out=" + in("a.svg")}, *user), 2, "Permission denied");
  expect_one_line(laconic({"report", in("data"), "out=" + in("a.html")}, *user), 2, "Permission denied");
  expect_one_line(laconic({"resume", in("data")}, *user), 2, "Permission denied");
}

TEST_F(Failures, ReadsDescriptionsAndDataFromAShellsPipes) {
  if (std::system("command -v bash >/dev/null") != 0) GTEST_SKIP() << "there is no bash";
  const std::string toml = folder_.write("run.toml", "method = 'gd'\nclients = 2\nrounds = 1\n");
  const std::string data = folder_.write("set.gz", gzipped("+1 1:1\n-1 1:2\n"));
  const std::string script = folder_.write("script", "'" LACONIC_PROGRAM "' run <(cat '" + toml +
                                                         "') \"problem=logistic(\\\"\"<(zcat '" + data +
                                                         "')\"\\\", lambda=0.1)\"\n");
  const Said said = said_by("bash '" + script + "'");
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, StartsWith("1 rounds done"));
}

TEST_F(Failures, ReadsManyKeysInLinearTime) {
  std::string text;
  for (int key = 0; key < 300000; ++key) text += "key" + std::to_string(key) + " = 1\n";
  const std::string file = folder_.write("many.toml", text);
  expect_one_line(laconic({"run", file}, kLimitsHold ? "ulimit -t 20;" : "ulimit -t 200;"), 2,
                  file + ":1: unknown key \"key0\"");
}

}  // namespace
}  // namespace laconic::testing
