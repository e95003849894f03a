// SPDX-License-Identifier: Apache-2.0
// What the program says of itself, and how much it prints.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/progress_bar.h"
#include "tests/program.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Help, BeginsWithOneScreen) {
  const Said alone = laconic({});
  EXPECT_EQ(alone.code, 0);
  EXPECT_THAT(alone.text,
              AllOf(StartsWith("laconic "), HasSubstr("\n  reproduce NAME"), HasSubstr("\nExamples\n")));
  EXPECT_LT(std::count(alone.text.begin(), alone.text.end(), '\n'), 30);
  for (const std::vector<std::string>& words : {std::vector<std::string>{"help"}, {"--help"}, {"-h"}})
    EXPECT_EQ(laconic(words).text, alone.text);
}

TEST(Help, ExplainsEachKindOfName) {
  const std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> rows = {
      {{"help", "marina"},
       {"marina: method", "usage      marina(Q, p=floats/d)", "arXiv 2102.07845", "Theorem 2.1",
        "method='marina(rand-k(10))'"}},
      {{"list", "marina"}, {"marina: method"}},
      {{"help", "clients"}, {"clients: key of a run", "default    20"}},
      {{"help", "grad_norm_sq"}, {"grad_norm_sq: column of trace.csv"}},
      {{"help", "bytes_sent"}, {"column of timing.csv", "unit       bytes"}},
      {{"help", "deviation"}, {"column of sweep.csv and cells.csv"}},
      {{"help", "top-k"}, {"top-k: compressor"}},
      {{"help", "tune"}, {"tune: key of a sweep"}},
      {{"help", "split"}, {"split: key of a run", "Splits: which rows go to which client", "by-label"}},
      {{"help", "krum"}, {"krum: aggregation rule"}},
      {{"help", "ring"}, {"ring: topology", "key        topology=ring"}},
      {{"list", "methods"}, {"Methods; C is a compressor", "scaffold("}},
      {{"help", "run"}, {"--force", "Keys of a run", "checkpoint-every=30s"}},
      {{"sweep", "--help"}, {"Keys of a run", "Further keys of a sweep", "expect="}},
      {{"help", "sweep"}, {"Further keys of a sweep"}},
  };
  for (const auto& [words, parts] : rows) {
    const Said said = laconic(words);
    EXPECT_EQ(said.code, 0) << said.text;
    for (const std::string& part : parts) EXPECT_THAT(said.text, HasSubstr(part)) << words[1];
  }
  const Said unknown = laconic({"help", "marinna"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.text, HasSubstr("did you mean \"marina\"?"));
}

TEST(Help, CitesPapers) {
  const Said two = laconic({"cite", "marina", "ef21(top-k(3))", "marina"});
  EXPECT_EQ(two.code, 0);
  EXPECT_THAT(two.text, StartsWith("@inproceedings{gorbunov2021marina,\n  author = {"));
  EXPECT_THAT(two.text, HasSubstr("\n  eprint = {2106.05203},\n"));
  EXPECT_EQ(two.text.find("gorbunov2021marina"), two.text.rfind("gorbunov2021marina")) << "once";
  EXPECT_THAT(laconic({"cite"}).text, StartsWith("@software{laconic,\n"));
  EXPECT_THAT(laconic({"cite", "perm-k"}).text, HasSubstr("2110.03300"));
  const Said gd = laconic({"cite", "gd", "marina"});
  EXPECT_EQ(gd.code, 0);
  EXPECT_THAT(gd.text, HasSubstr("cite: no paper of gd is known here"));
  EXPECT_THAT(gd.text, HasSubstr("@"));
  EXPECT_THAT(laconic({"cite", "marinna"}).text, HasSubstr("did you mean \"marina\"?"));
}

/// The document that a command prints on standard output.
nlohmann::json printed(const std::string& words) {
  const Said said = said_by("('" LACONIC_PROGRAM "' " + words + " 2>/dev/null)");
  return nlohmann::json::parse(said.text);
}

TEST(Json, IsTheResultAndNothingElse) {
  const std::string gd = " 'problem=quadratic(d=10, s=0.8)' clients=4 method=gd rounds=3 --json";
  const TemporaryFolder folder;
  const auto run = printed("run" + gd + " out=" + folder.path("run"));
  EXPECT_EQ(run, nlohmann::json::parse(content_of(folder.path("run/summary.json"))));
  EXPECT_EQ(run["description"]["rounds"], 3);
  EXPECT_EQ(printed("run" + gd)["last"]["round"], 3) << "without files too";
  const auto theory = printed("theory" + gd);
  EXPECT_EQ(theory["problem"]["d"], 10);
  EXPECT_EQ(theory["run"]["gamma"], theory["theorems"]["theory"]["step"]);
  EXPECT_GT(theory["constants"]["L_minus"], 0);
  EXPECT_EQ(printed("list marina --json")["methods"][0]["usage"], "marina(Q, p=floats/d)");
  EXPECT_TRUE(printed("list --json").contains("data-found"));
  EXPECT_EQ(printed("advise 'problem=quadratic(d=10, s=0.8)' clients=4 'method={gd}' network=wan target=0.05 "
                    "--json")["clients"],
            4);
}

TEST(Quiet, PrintsNoResultThatIsInFiles) {
  const TemporaryFolder folder;
  const std::vector<std::string> run = {
      "run", "problem=quadratic(d=10)", "clients=4", "method=gd", "rounds=3", "--quiet"};
  EXPECT_THAT(laconic(run).text, StartsWith("3 rounds done")) << "it is nowhere else";
  auto saved = run;
  saved.push_back("out=" + folder.path("run"));
  EXPECT_EQ(laconic(saved).text, "");
  EXPECT_THAT(laconic(saved).text, HasSubstr("already holds a run")) << "an error";
  EXPECT_EQ(laconic({"plot", folder.path("run"), "--quiet", "out=" + folder.path("a.svg")}).text, "");
  EXPECT_TRUE(std::filesystem::exists(folder.path("a.svg")));
}

TEST(Completion, KnowsVerbsKeysAndValues) {
  const TemporaryFolder folder;
  const std::string script = folder.write("script", laconic({"completion", "bash"}).text);
  const auto completed = [&](const std::string& words, int at) {
    return said_by("bash -c 'source " + script + "; COMP_WORDS=(" + words +
                   "); COMP_CWORD=" + std::to_string(at) + "; _laconic; echo \"${COMPREPLY[*]}\"'")
        .text;
  };
  EXPECT_EQ(completed("laconic th", 1), "theory \n");
  EXPECT_EQ(completed("laconic run prob", 2), "problem=\n");
  EXPECT_EQ(completed("laconic run method = marina", 4), "marina\n");
  EXPECT_EQ(completed("laconic run method=vr-ma", 2), "method=vr-marina method=vr-marina-online\n");
  EXPECT_THAT(completed("laconic sweep tu", 2), StartsWith("tune="));
  EXPECT_THAT(completed("laconic help uplink_b", 2), StartsWith("uplink_bits"));
  EXPECT_EQ(completed("laconic plot runs", 2), "\n") << "names of files are the shell's";
  EXPECT_EQ(laconic({"completion", "csh"}).code, 2);
}

TEST(ProgressBar, EstimatesTheTimeThatIsLeft) {
  using namespace std::chrono_literals;
  cli::ProgressBar bar(true);
  const auto now = cli::ProgressBar::WallClock::now();
  EXPECT_EQ(bar.left_text(0, 10, now), "");
  bar.show(2, 10, [] { return "resumed at 2"; });
  EXPECT_EQ(bar.left_text(2, 10, now + 1s), "") << "nothing was done yet";
  EXPECT_THAT(bar.left_text(4, 10, now + 6s), ContainsRegex("^, about 1[78] s left$"));
  EXPECT_EQ(bar.left_text(10, 10, now + 6s), "");
  EXPECT_EQ(cli::duration_text(600), "10 min");
  EXPECT_EQ(cli::duration_text(9000), "2.5 h");
}

}  // namespace
}  // namespace laconic::testing
