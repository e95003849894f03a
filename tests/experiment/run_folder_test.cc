// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/run_folder.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include <gmock/gmock.h>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kNoPatience{0};

class RunFolderTest : public ::testing::Test {
 protected:
  std::string in(const std::string& name) const { return folder_.path(name); }
  bool exists(const std::string& name) const { return fs::exists(fs::symlink_status(in(name))); }
  std::string refusal_to_take(const std::string& path, bool force = false) const {
    return error_of([&] { RunFolder(path, kNoPatience).take(force, "a = 1\n"); });
  }
  /// A finished run with all its files.
  void make_run(const std::string& name) const {
    RunFolder out(in(name));
    out.take(false, "a = 1\n");
    out.clear();
    folder_.write(name + "/trace.csv", "round\n0\n");
    out.keep();
    folder_.write(name + "/summary.json", "{}");
    out.finish();
  }

  TemporaryFolder folder_;
};

TEST_F(RunFolderTest, IsLeftAsItWasFoundWhereNoRunBegins) {
  folder_.write("mine/file", "");
  for (const char* name : {"mine", "mine/new", "new/below"}) {
    RunFolder out(in(name));
    out.take(false, "a = 1\n");
    EXPECT_TRUE(out.is_described());
    EXPECT_EQ(read_whole(out.description()), "a = 1\n");
  }
  EXPECT_TRUE(exists("mine/file"));
  for (const char* name : {"mine/run.toml", "mine/new", "new"}) EXPECT_FALSE(exists(name)) << name;
}

TEST_F(RunFolderTest, IsKeptWhereOneBegins) {
  make_run("new/run");
  const RunFolder out(in("new/run"));
  EXPECT_TRUE(out.is_described());
  EXPECT_TRUE(out.is_finished());
  EXPECT_FALSE(out.has_checkpoint());
}

TEST_F(RunFolderTest, RemovesNoLinkOfAUser) {
  fs::create_symlink("nowhere", in("link"));
  EXPECT_EQ(refusal_to_take(in("link")), "out: cannot make the folder " + in("link") + ": " + in("link") +
                                             " is a link to what is not there");
  EXPECT_THAT(refusal_to_take(in("link/below")), HasSubstr("is a link to what is not there"));
  EXPECT_TRUE(fs::is_symlink(in("link")));
  EXPECT_EQ(fs::read_symlink(in("link")), "nowhere");

  fs::create_directory(in("real"));
  fs::create_symlink("real", in("good-link"));
  { RunFolder(in("good-link")).take(false, "a = 1\n"); }
  EXPECT_TRUE(fs::is_symlink(in("good-link")));

  fs::create_symlink("nowhere", in("real/run.toml"));
  EXPECT_THAT(refusal_to_take(in("real")), HasSubstr("already holds a run (run.toml)"));
  EXPECT_TRUE(fs::is_symlink(in("real/run.toml")));
}

TEST_F(RunFolderTest, RefusesWhatItCannotMakeOrWrite) {
  folder_.write("file", "");
  EXPECT_EQ(refusal_to_take(in("file")),
            "out: cannot make the folder " + in("file") + ": " + in("file") + " is not a folder");
  fs::create_directory(in("locked"));
  const WithoutPrivileges guard(in("locked"));
  EXPECT_THAT(refusal_to_take(in("locked")), HasSubstr("Permission denied"));
  EXPECT_THAT(refusal_to_take(in("locked/new")), HasSubstr("Permission denied"));
}

TEST_F(RunFolderTest, HoldsOneRunUnlessForced) {
  make_run("run");
  EXPECT_EQ(refusal_to_take(in("run")),
            "out: " + in("run") +
                " already holds a run (trace.csv); choose another folder, give --force to replace it");
  fs::remove(in("run/summary.json"));
  EXPECT_THAT(refusal_to_take(in("run")),
              HasSubstr("(trace.csv); choose another folder, give --force to replace it, or go on with it: "
                        "laconic resume '" +
                        in("run") + "'"));
  {
    RunFolder out(in("run"));
    out.take(true, "b = 2\n");
    EXPECT_EQ(read_whole(out.description()), "b = 2\n");
    EXPECT_FALSE(out.holds("trace.csv")) << "that is the earlier run's";
    EXPECT_TRUE(out.has("trace.csv"));
  }
  EXPECT_EQ(read_whole(in("run/run.toml")), "a = 1\n") << "the other never began";
  EXPECT_TRUE(exists("run/trace.csv"));
  EXPECT_FALSE(exists("run/run.toml.next"));
}

TEST_F(RunFolderTest, ARunThatReplacesAnotherClearsItsFilesAndNoOthers) {
  make_run("run");
  for (const char* name : {"sweep.csv", "map.svg", "map-2.svg", "curves.svg", "best/gd.toml", "curves/gd/x",
                           "checkpoint/manifest.json", "mine.txt", "map-4.svg"})
    folder_.write(std::string("run/") + name, "");
  fs::create_symlink(folder_.write("mine", "mine"), in("run/x.npy"));
  RunFolder out(in("run"));
  out.take(true, "b = 2\n");
  out.clear();
  out.keep();
  for (const char* name : {"sweep.csv", "map.svg", "map-2.svg", "curves.svg", "best", "curves", "checkpoint",
                           "trace.csv", "summary.json", "x.npy", "run.toml.next"})
    EXPECT_FALSE(exists(std::string("run/") + name)) << name;
  EXPECT_EQ(read_whole(in("run/run.toml")), "b = 2\n");
  EXPECT_TRUE(exists("run/mine.txt"));
  EXPECT_TRUE(exists("mine"));
}

TEST_F(RunFolderTest, CannotBeClearedWithoutPermission) {
  make_run("run");
  folder_.write("run/best/gd.toml", "");
  RunFolder out(in("run"));
  out.take(true, "b = 2\n");
  const WithoutPrivileges guard(in("run/best"));
  EXPECT_EQ(error_of([&] { out.clear(); }), "out: cannot clear " + in("run") + ": Permission denied");
}

TEST_F(RunFolderTest, BelongsToOneProcessAtATime) {
  std::optional<RunFolder> first(in("run"));
  first->take(false, "a = 1\n");
  EXPECT_EQ(refusal_to_take(in("run")), "out: another process is still at work in " + in("run"));
  EXPECT_TRUE(exists("run/run.toml")) << "the first one's";

  std::thread second([&] {
    RunFolder out(in("run"), std::chrono::seconds(10));
    out.take_up();  // succeeds once the first has ended
    EXPECT_TRUE(out.is_described());
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  first->clear();
  first->keep();
  first.reset();
  second.join();
}

TEST_F(RunFolderTest, IsTakenUpWhereItHoldsARun) {
  EXPECT_EQ(error_of([&] { RunFolder(in("none")).take_up(); }), "resume: there is no folder " + in("none"));
  fs::create_directory(in("empty"));
  EXPECT_EQ(error_of([&] { RunFolder(in("empty")).take_up(); }),
            "resume: " + in("empty") + " holds no run: there is no run.toml in it");
  make_run("run");
  folder_.write("run/checkpoint/manifest.json", "");
  RunFolder out(in("run"));
  out.take_up();
  EXPECT_TRUE(out.has_checkpoint());
}

TEST_F(RunFolderTest, LosesWhatIsOnlyOnTheWayWhenTheRunEnds) {
  make_run("run");
  for (const char* name : {"checkpoint/manifest.json", "summary.json.part", "sweep.csv.part-2", "mine.part"})
    folder_.write(std::string("run/") + name, "");
  RunFolder out(in("run"));
  out.take_up();
  out.finish();
  for (const char* name : {"checkpoint", "summary.json.part", "sweep.csv.part-2"})
    EXPECT_FALSE(exists(std::string("run/") + name)) << name;
  EXPECT_TRUE(exists("run/mine.part"));
  fs::remove(in("run/run.toml"));
  EXPECT_THROW(out.finish(), RunError) << "somebody has removed the run";
}

TEST_F(RunFolderTest, NumbersFigures) {
  EXPECT_EQ(numbered("a.b/map.svg", 1), "a.b/map.svg");
  EXPECT_EQ(numbered("a.b/map.svg", 2), "a.b/map-2.svg");
}

TEST_F(RunFolderTest, NoOutputTakesThePlaceOfAResult) {
  make_run("run");
  folder_.write("sweep/sweep.csv", "");
  folder_.write("papers/verdicts.json", "{}");
  folder_.write("mine/map.svg", "");
  fs::create_symlink(in("run/summary.json"), in("link.json"));
  fs::create_directory_symlink(in("run"), in("run-link"));
  for (const char* name :
       {"run/summary.json", "run/run.toml", "run/checkpoint/manifest.json", "link.json",
        "run-link/summary.json", "run/../run/summary.json", "sweep/map.svg", "sweep/map-2.svg",
        "sweep/best/a.json", "papers/verdicts.json", "sweep/summary.json"}) {
    EXPECT_THAT(error_of([&] { require_output(in(name)); }), HasSubstr("belongs to the results in ")) << name;
  }
  for (const char* name : {"run/advice.json", "run/map.svg", "sweep/map-x.svg", "sweep/mine.svg",
                           "mine/map.svg", "summary.json", "new/summary.json", "papers/summary.json"}) {
    EXPECT_EQ(error_of([&] { require_output(in(name)); }), "no error") << name;
  }
  EXPECT_EQ(error_of([] { require_output(""); }), "out: is empty; need the name of a file");
  EXPECT_EQ(error_of([&] { require_output(in("run")); }),
            "out: " + in("run") + ": cannot write: that is a folder");
  EXPECT_EQ(read_whole(in("run/summary.json")), "{}");
}

}  // namespace
}  // namespace laconic
