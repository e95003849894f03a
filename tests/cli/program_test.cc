// SPDX-License-Identifier: Apache-2.0
// The program as a whole: words in; files, exit codes and one-line errors out.
#include "tests/program.h"

#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "laconic/report/trace.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Program : public ::testing::Test {
 protected:
  std::string out(const std::string& name) const { return folder_.path(name); }
  bool exists(const std::string& name) const { return std::filesystem::exists(folder_.path(name)); }

  TemporaryFolder folder_;
  std::string data_ = folder_.write("classes", two_classes(60, 9));
  std::string problem_ = "problem=logistic(\"" + data_ + "\", lambda=0.1)";
};

TEST_F(Program, RefusesAGapToTheMinimumOfAnotherObjective) {
  const Said said =
      laconic({"run", "problem=quadratic(d=5)", "method=gd", "outer=prox-l1(0.1)", "target-gap=0.1"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.text, HasSubstr("target-gap: f* is that of f without the term of outer; use target"));
}

TEST_F(Program, WritesTheFilesOfARun) {
  const Said said =
      laconic({"run", problem_, "clients=4", "method=marina( rand-k(2) )", "rounds=30", "out=" + out("run")});
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(
      said.text,
      ContainsRegex("^30 rounds done; f = 0\\.[0-9]+, \\|grad f\\|\\^2 = [0-9.e-]+, [0-9.]+ kbit up and "
                    "[0-9.]+ kbit down a client, [0-9.]+ s -> .*/run\n$"));

  const std::string trace = content_of(out("run/trace.csv"));
  EXPECT_THAT(
      trace,
      StartsWith("round,f,grad_norm_sq,uplink_floats,uplink_bits,downlink_bits,oracle_calls,participants,"
                 "step,consensus,network_seconds,train_accuracy,test_accuracy,downlink_floats\n0,0."
                 "693147180559945"));
  const Table table = read_table(out("run/trace.csv"));
  EXPECT_EQ(table.values[0].size(), 31U);
  EXPECT_EQ(table.values[0].back(), 30);
  EXPECT_THAT(content_of(out("run/timing.csv")), StartsWith("round,seconds,bytes_sent,bytes_received\n0,"));
  EXPECT_EQ(read_table(out("run/timing.csv")).values[0].size(), 31U);

  const auto summary = nlohmann::json::parse(content_of(out("run/summary.json")));
  EXPECT_EQ(summary["description"]["method"], "marina(rand-k(2))");
  EXPECT_EQ(summary["description"]["step"], "theory");
  EXPECT_EQ(summary["description"]["clients"], 4);
  EXPECT_EQ(summary["stopped"]["why"], "rounds");
  EXPECT_EQ(summary["last"]["round"], 30);
  EXPECT_EQ(summary["last"]["f"], table.column("f")->back());
  EXPECT_EQ(summary["totals"]["uplink_bits"], 4 * table.column("uplink_bits")->back());
  EXPECT_DOUBLE_EQ(summary["method"]["omega"], 3.5);
  EXPECT_DOUBLE_EQ(summary["method"]["p"], 2.0 / 9);
  EXPECT_EQ(summary["method"]["gamma"], table.column("step")->back());
  for (const char* name : {"L_minus", "L_plus", "L_tilde", "L_max", "mu"}) {
    EXPECT_GT(summary["constants"][name], 0) << name;
  }

  const std::string npy = content_of(out("run/x.npy"));
  EXPECT_EQ(npy.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_THAT(npy, HasSubstr("{'descr': '<f8', 'fortran_order': False, 'shape': (9,), }"));
  EXPECT_EQ(npy.size() % 64, (9 * 8) % 64);

  // The stored description gives the same run.
  EXPECT_EQ(laconic({"run", out("run/run.toml"), "out=" + out("again"), "threads=3"}).code, 0);
  EXPECT_EQ(content_of(out("again/trace.csv")), trace);
  EXPECT_EQ(content_of(out("again/x.npy")), npy);
}

TEST_F(Program, TakesTomlAndWordsAndTheWordsWin) {
  const std::string toml = folder_.write(
      "run.toml",
      "# a comment\nproblem = \"quadratic(d=10)\"\nmethod = 'gd'\nclients = 3\nstep = 0.5\nrounds = 7\n");
  EXPECT_THAT(laconic({"run", toml}).text, StartsWith("7 rounds done"));
  const Said said = laconic({"run", "rounds=2", toml, "out=" + out("run")});
  EXPECT_THAT(said.text, StartsWith("2 rounds done")) << "words win wherever they stand";
  const auto summary = nlohmann::json::parse(content_of(out("run/summary.json")));
  EXPECT_EQ(summary["description"]["clients"], 3);
  EXPECT_EQ(summary["description"]["step"], 0.5);
  EXPECT_THAT(content_of(out("run/run.toml")), HasSubstr("\nclients = 3\n"));
}

TEST_F(Program, DescribesTheSameRunByItsNumbers) {
  const std::string most = "18446744073709551615";
  ASSERT_EQ(laconic({"run", problem_, "clients=4", "method=gd", "step=0.1", "rounds=3", "seed=" + most,
                     "split-seed=9223372036854775807", "target=1e-6", "max-bits=1e9", "out=" + out("run")})
                .code,
            0);
  const std::string toml = content_of(out("run/run.toml"));
  for (const char* line :
       {"step = 0.1", "seed = \"18446744073709551615\"", "split-seed = 9223372036854775807", "target = 1e-06",
        "rounds = 3", "wire = \"f32\""})
    EXPECT_THAT(toml, HasSubstr(fmt::format("\n{}\n", line)));
  const auto summary = nlohmann::json::parse(content_of(out("run/summary.json")));
  EXPECT_EQ(summary["description"]["seed"].get<std::uint64_t>(), 18446744073709551615U);
  EXPECT_EQ(summary["description"]["target"], 1e-6);
  ASSERT_EQ(laconic({"run", out("run/run.toml"), "out=" + out("again")}).code, 0);
  EXPECT_EQ(content_of(out("again/run.toml")), toml);
  EXPECT_EQ(content_of(out("again/trace.csv")), content_of(out("run/trace.csv")));
}

TEST_F(Program, LeavesTheAccuracyEmptyWithoutATestSet) {
  ASSERT_EQ(laconic({"run", problem_, "clients=4", "method=gd", "rounds=2", "out=" + out("run")}).code, 0);
  const Table table = read_table(out("run/trace.csv"));
  for (const double accuracy : *table.column("test_accuracy")) EXPECT_TRUE(std::isnan(accuracy));
  EXPECT_GT(table.column("train_accuracy")->back(), 0.0);
  EXPECT_THAT(content_of(out("run/trace.csv")), ContainsRegex("\n0,.*,0,,0\n1,"));
  const Said drawn = laconic({"plot", out("run"), "y=test_accuracy", "log=", "out=" + out("none.svg")});
  EXPECT_EQ(drawn.code, 2) << drawn.text;
  const Said page = laconic({"report", out("run"), "out=" + out("page.html")});
  if (page.code == 0) {  // otherwise the program was built without its charting library
    EXPECT_THAT(content_of(out("page.html")), Not(HasSubstr("\"test_accuracy\":\"")));
  }
  const Said measured =
      laconic({"sweep", problem_, "clients=4", "method=gd", "rounds=2", "measure=test-error"});
  EXPECT_EQ(measured.code, 2);
  EXPECT_THAT(measured.text, HasSubstr("measure: test-error needs a problem with a test set"));
}

TEST_F(Program, TellsHowManyRowsASplitLeavesOut) {
  const std::string told =
      "laconic: " + data_ +
      ": 4 of 60 rows are left out by split=contiguous with 7 clients; rest=spread deals "
      "the remainder\n";
  const std::vector<std::string> words = {problem_, "clients=7", "method=gd", "rounds=1"};
  const auto said_by_verb = [&](const std::string& verb, std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    more.insert(more.begin(), verb);
    return laconic(more);
  };
  EXPECT_THAT(said_by_verb("run", {}).text, StartsWith(told));
  EXPECT_THAT(said_by_verb("run", {"--quiet"}).text, StartsWith(told)) << "a warning";
  EXPECT_THAT(said_by_verb("sweep", {"step=theory*{1,2}"}).text, StartsWith(told));
  EXPECT_THAT(said_by_verb("theory", {}).text, StartsWith(told));
  for (const char* rest : {"rest=spread", "split=contiguous(rest=spread)"}) {
    const Said said = said_by_verb("run", {rest, "out=" + out(rest)});
    EXPECT_EQ(said.code, 0) << said.text;
    EXPECT_THAT(said.text, Not(HasSubstr("left out")));
    EXPECT_THAT(content_of(out(rest) + "/run.toml"), HasSubstr("split = \"contiguous(rest=spread)\"\n"));
    EXPECT_EQ(read_table(out(rest) + "/clients.csv").column("rows")->at(3), 9);
    EXPECT_EQ(read_table(out(rest) + "/clients.csv").column("rows")->at(4), 8);
  }
  EXPECT_THAT(said_by_verb("run", {"rest=all"}).text, HasSubstr("rest: \"all\"; need drop or spread"));
  EXPECT_THAT(said_by_verb("run", {"rest=drop", "split=contiguous(rest=spread)"}).text,
              HasSubstr("rest: contiguous(rest=spread) says it already; leave one out"));
}

TEST_F(Program, RefusesAFolderThatHoldsARunUnlessTold) {
  const std::vector<std::string> words = {"run", "problem=quadratic(d=10)", "method=gd", "clients=2",
                                          "out=" + out("run")};
  ASSERT_EQ(laconic(words).code, 0);
  const std::string trace = content_of(out("run/trace.csv"));
  auto other = words;
  other.emplace_back("rounds=3");
  const Said refused = laconic(other);
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(
      refused.text,
      HasSubstr("already holds a run (trace.csv); choose another folder, give --force to replace it"));
  EXPECT_EQ(content_of(out("run/trace.csv")), trace);
  other.emplace_back("--force");
  EXPECT_EQ(laconic(other).code, 0);
  EXPECT_NE(content_of(out("run/trace.csv")), trace);
}

TEST_F(Program, EndsADivergedRunWithCodeOneAndKeepsTheTrace) {
  const Said said = laconic({"run", "problem=quadratic(d=10)", "method=gd", "clients=2", "step=1e9",
                             "rounds=100000", "out=" + out("run")});
  EXPECT_EQ(said.code, 1);
  EXPECT_THAT(said.text, StartsWith("laconic: diverged: "));
  EXPECT_THAT(said.text, HasSubstr("try a smaller step"));
  EXPECT_GT(read_table(out("run/trace.csv")).values[0].size(), 2U);
  EXPECT_EQ(nlohmann::json::parse(content_of(out("run/summary.json")))["stopped"]["why"], "diverged");
}

TEST_F(Program, StopsAtAShareOfTheGapOrAtAnAccuracy) {
  Said said = laconic(
      {"run", problem_, "clients=4", "method=gd", "target-gap=1e-3", "rounds=100000", "out=" + out("gap")});
  EXPECT_EQ(said.code, 0) << said.text;
  const auto summary = nlohmann::json::parse(content_of(out("gap/summary.json")));
  EXPECT_EQ(summary["stopped"]["why"], "target");
  const Table table = read_table(out("gap/trace.csv"));
  const std::vector<double>& f = *table.column("f");
  const double f_star = summary["constants"]["f_star"];
  const double goal = f_star + 1e-3 * (f.front() - f_star);
  EXPECT_LE(f.back(), goal);
  EXPECT_GT(f[f.size() - 2], goal);

  said = laconic({"run", problem_, "clients=4", "method=gd", "target-accuracy=0.5", "rounds=1000"});
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.text, HasSubstr("target-accuracy: needs a problem with a test set"));
  folder_.write("classes.t", two_classes(20, 9));
  said = laconic({"run", problem_, "clients=4", "method=gd", "target-accuracy=0.5", "rounds=1000"});
  EXPECT_EQ(said.code, 0) << said.text;
  said = laconic({"run", "problem=softmax(\"" + data_ + "\")", "clients=4", "method=gd",
                  "target-accuracy=0.5", "rounds=1000"});
  EXPECT_EQ(said.code, 0) << said.text;
  EXPECT_THAT(said.text, StartsWith("target reached: test accuracy >= 0.5; "));
}

TEST_F(Program, TestsOnTheFileThatIsNamedAndSaysWhereOneDoesNotFit) {
  const std::string narrow = folder_.write("narrow", "1 1:1\n2 2:1\n1 1:2\n2 2:2\n");
  const std::string wide = folder_.write("narrow.t", "1 1:1\n2 3:1\n1 1:3\n");
  const auto words = [&](const std::string& options) {
    return std::vector<std::string>{"run", "problem=softmax(\"" + narrow + "\"" + options + ")", "method=gd",
                                    "clients=2", "rounds=3"};
  };
  const std::string remark = "laconic: " + wide +
                             ": the highest index is 3; need at most 2, the columns of the training set "
                             "(columns=3 declares more); the run goes on without this test set\n";
  Said said = laconic(words(""));
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.text, StartsWith(remark + "3 rounds done"));
  said = laconic(words(", test=\"" + wide + "\""));
  EXPECT_EQ(said.code, 2);
  EXPECT_THAT(said.text, StartsWith("laconic: " + wide + ": the highest index is 3; need at most 2"));

  auto fitting = words(", test=\"" + wide + "\", columns=3");
  fitting.push_back("out=" + out("run"));
  said = laconic(fitting);
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.text, StartsWith("3 rounds done"));
  EXPECT_EQ(read_table(out("run/trace.csv")).column("test_accuracy")->back(), 2.0 / 3);
  EXPECT_EQ(laconic({"run", out("run/run.toml"), "out=" + out("again")}).code, 0);
  EXPECT_EQ(content_of(out("again/trace.csv")), content_of(out("run/trace.csv")));

  said = laconic({"sweep", "problem=softmax(\"" + narrow + "\", lambda={0, 0.1})", "method=gd", "clients=2",
                  "rounds=3"});
  EXPECT_EQ(said.code, 0);
  EXPECT_THAT(said.text, HasSubstr(remark));
  EXPECT_EQ(said.text.find(remark), said.text.rfind(remark)) << "once, of two problems over the same data";
}

TEST_F(Program, RefusesBadInputInOneLineAndLeavesNothing) {
  const std::string gd = "method=gd";
  const std::string quadratic = "problem=quadratic(d=10)";
  const std::string broken = folder_.write("broken", "+1 1:1\n-1 1:1 x\n");
  const std::string zero = folder_.write("zero", "+1 1:1\n-1 0:1\n");
  const std::string descending = folder_.write("descending", "+1 2:1 1:1\n-1 1:1\n");
  const std::string nan = folder_.write("nan", "+1 1:nan\n-1 1:1\n");
  const std::string empty = folder_.write("empty", "");
  const std::string gzip = folder_.write("gzip.gz", std::string("\x1f\x8b\x08\x00 broken", 11));
  const std::string bad_toml = folder_.write("bad.toml", "problem = \"quadratic\"\nmethod =\n");
  const std::string odd_toml = folder_.write("odd.toml", "problem = \"quadratic(d=3)\"\nrounds = [1]\n");
  const std::string key_toml = folder_.write("key.toml", "problem = \"quadratic(d=3)\"\nmethud = \"gd\"\n");
  const auto logistic = [](const std::string& data) { return "problem=logistic(\"" + data + "\")"; };
  struct Case {
    std::vector<std::string> words;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{}, "no problem is given, as in"},
      {{quadratic}, "no method is given, as in \"method=marina(rand-k(10))\""},
      {{"problem=autoencoder(generated(rows=2, d=5), 2)", gd},
       "step = theory: no theorem with known constants for this method on this problem; give a number"},
      {{quadratic, "method=local-sgd(steps=2)"}, "give a number, as in step=0.1; as a scale, 1/L_minus = "},
      {{quadratic, "method=ef21(top-k(0.1))"},
       "k = 0.1; need a whole number with 1 <= k <= 10 (did you mean 10%?)"},
      {{quadratic, gd, "network=10MB/s"},
       "bandwidth = 10MB/s; bandwidths are in bits a second: write 80mbit"},
      {{quadratic, gd, "--rounds", "10"}, "--rounds: keys have no dashes; write rounds=10"},
      {{quadratic, gd, "--rounds=10"}, "--rounds=10: keys have no dashes; write rounds=10"},
      {{quadratic, gd, "rounts=3"},
       "unknown key \"rounts\" (did you mean \"rounds\"?); known: problem, clients"},
      {{quadratic, "method=marina(rand-k(2)"},
       "method: column 17: expected ')' to close the '(' of column 7, found the end"},
      {{quadratic, "method=marinna(rand-k(2))"},
       "method: column 1: unknown method \"marinna\" (did you mean \"marina\"?)"},
      {{quadratic, "method=marina(randk(2))"},
       "method: column 8: unknown compressor \"randk\" (did you mean \"rand-k\"?)"},
      {{quadratic, "method=marina(rand-k(0))"},
       "method: column 8: rand-k(0): k = 0; need a whole number with 1 <= k <= 10"},
      {{quadratic, "method=marina(rand-k(11))"},
       "method: column 8: rand-k(11): k = 11; need a whole number with 1 <= k <= 10"},
      {{quadratic, "method=marina(rand-k(2), p=0)"}, "p = 0; need 0 < p <= 1"},
      {{quadratic, gd, "step=0"}, "step: step = 0; need step > 0"},
      {{quadratic, gd, "step=-0.1"}, "step: step = -0.1; need step > 0"},
      {{quadratic, gd, "step=fast"},
       "step: step = fast; need a number > 0, theory, theory*16, theory-pl or tight"},
      {{quadratic, gd, "clients=0"}, "clients: \"0\"; need a whole number >= 1, below 2^64"},
      {{quadratic, gd, "rounds=-1"}, "rounds: \"-1\"; need a whole number >= 0, below 2^64"},
      {{quadratic, gd, "wire=f16"}, "wire: \"f16\"; need f32 or f64"},
      {{quadratic, gd, "threads=0"}, "threads: \"0\"; need a whole number >= 1, below 2^64"},
      {{quadratic, gd, "batch=0"}, "batch: \"0\"; need a whole number >= 1, below 2^64"},
      {{quadratic, gd, "target=nan"}, "target: \"nan\"; need a finite number > 0"},
      {{quadratic, gd, "target-consensus=0"}, "target-consensus: \"0\"; need a finite number > 0"},
      {{quadratic, gd, "target-consensus=1"},
       "target-consensus: gd has one model, and so no distance between nodes; leave target-consensus out"},
      {{quadratic, "method=local-sgd(steps=2)", "step=0.1", "target-consensus=1"},
       "target-consensus: local-sgd(steps=2) has one model"},
      {{"problem=logistik(a)", gd},
       "problem: column 1: unknown problem \"logistik\" (did you mean \"logistic\"?)"},
      {{logistic("nowhere"), gd}, "nowhere"},
      {{logistic(broken), gd}, broken + ":2:8"},
      {{logistic(zero), gd}, zero + ":2:4"},
      {{logistic(descending), gd}, descending + ":1:8"},
      {{logistic(nan), gd}, nan + ":1:6"},
      {{logistic(empty), gd}, empty},
      {{logistic(gzip), gd}, gzip},
      {{logistic(data_), gd, "clients=61"}, "60"},
      {{logistic(data_), gd, "split=random"}, "split"},
      {{bad_toml}, bad_toml + ":2:"},
      {{odd_toml, gd}, odd_toml + ":2: rounds: need a text or a number"},
      {{key_toml}, key_toml + ":2: unknown key \"methud\" (did you mean \"method\"?)"},
      {{"nowhere.toml"}, "\"nowhere.toml\" is neither key=value nor a TOML file: there is no such file"},
  };
  for (const Case& c : cases) {
    std::vector<std::string> words = {"run", "out=" + out("refused")};
    words.insert(words.end(), c.words.begin(), c.words.end());
    const Said said = laconic(words);
    EXPECT_EQ(said.code, 2) << said.text;
    EXPECT_THAT(said.text, StartsWith("laconic: "));
    EXPECT_THAT(said.text, HasSubstr(c.message));
    EXPECT_EQ(std::count(said.text.begin(), said.text.end(), '\n'), 1) << said.text;
    EXPECT_FALSE(exists("refused")) << said.text;
  }
}

TEST_F(Program, RefusesAnUnwritableFolder) {
  const std::string file = folder_.write("file", "mine");
  for (const std::string& path : {file, file + "/run", std::string("/proc/laconic/run")}) {
    const Said said = laconic({"run", "problem=quadratic(d=3)", "method=gd", "out=" + path});
    EXPECT_EQ(said.code, 2) << said.text;
    EXPECT_THAT(said.text, StartsWith("laconic: out: "));
  }
  EXPECT_EQ(content_of(file), "mine");
}

TEST_F(Program, ShowsTheTheory) {
  const Said said =
      laconic({"theory", "problem=quadratic(d=10, s=0.8)", "clients=5", "method=marina(rand-k(2))"});
  EXPECT_EQ(said.code, 0) << said.text;
  for (const char* name :
       {"L_minus", "L_plus", "L_pm", "L_tilde", "L_max", "mu", "omega", "p", "gamma", "bound"}) {
    EXPECT_THAT(said.text, ContainsRegex(fmt::format("\n  {} *= [0-9.e+-]+", name)));
  }
  EXPECT_THAT(said.text, HasSubstr("MARINA, Theorem 2.1 (arXiv 2102.07845)"));
  // For a method without a theorem the constants are still printed.
  const Said none = laconic({"theory", "problem=quadratic(d=10)", "clients=5", "method=dcgd(top-k(2))"});
  EXPECT_EQ(none.code, 0) << none.text;
  EXPECT_THAT(none.text, HasSubstr("needs a number as its step"));
}

TEST_F(Program, ListsWhatThereIs) {
  const Said said = laconic({"list"});
  EXPECT_EQ(said.code, 0);
  for (const char* name : {"marina(Q", "rand-k(", "perm-k", "logistic(", "quadratic(", "by-label",
                           "main-class(", "dirichlet(", "eval-every"}) {
    EXPECT_THAT(said.text, HasSubstr(name));
  }
}

TEST_F(Program, ListsTheClassesOfClients) {
  const std::string data = folder_.write("six", "1 1:1\n-1 1:1\n1 1:1\n-1 1:1\n-1 1:1\n2.5 1:1\n-1 1:1\n");
  const Said said = laconic({"list", "data=" + data, "clients=3"});
  EXPECT_EQ(said.code, 0);
  EXPECT_EQ(said.text, data +
                           ": 7 rows, 3 classes; split contiguous, split-seed 1, 3 clients\n"
                           "\n"
                           "client    rows   [-1]    [1]  [2.5]\n"
                           "     0       2      1      1      0\n"
                           "     1       2      1      1      0\n"
                           "     2       2      1      0      1\n");
  const Said drawn = laconic({"list", "data=" + data_, "split=dirichlet(0.1)", "clients=2", "split-seed=4"});
  EXPECT_THAT(drawn.text, HasSubstr("60 rows, 2 classes; split dirichlet(0.1), split-seed 4, 2 clients\n"));

  std::string many, numbers;
  for (int i = 0; i < 42; ++i) many += fmt::format("{} 1:1\n", i / 2);
  for (int i = 0; i < 1001; ++i) numbers += fmt::format("{}.5 1:1\n", i);
  EXPECT_THAT(laconic({"list", "data=" + folder_.write("many", many), "clients=2"}).text,
              HasSubstr("client    rows classes   most rows\n"
                        "     0      21      11   2 of [0]\n"
                        "     1      21      11   2 of [11]\n"));
  const Said none = laconic({"list", "data=" + folder_.write("numbers", numbers), "clients=2"});
  EXPECT_EQ(none.code, 0);
  EXPECT_THAT(none.text, HasSubstr("1001 rows, no classes (more than 1000 distinct labels)"));
  EXPECT_THAT(none.text, HasSubstr("client    rows\n     0     500\n     1     500\n"));

  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong = {
      {{"split=by-label"}, "no data set is given, as in \"laconic list data=a9a split=by-label\""},
      {{"data=nowhere"}, "no data set \"nowhere\""},
      {{"data=" + data, "clients=8"}, "clients = 8; need clients <= 7, the rows of the data"},
      {{"data=" + data, "clients=0"}, "clients: \"0\"; need a whole number >= 1"},
      {{"data=" + data, "split=main-class(0.2)"}, "clients = 20"},
      {{"data=" + data, "split=main-class(0.2)", "clients=2"},
       "split: column 1: main-class(0.2): q = 0.2; need 1/3 <= q <= 1 of 3 classes"},
      {{"data=" + data, "rounds=3"}, "unknown key \"rounds\"; known: data, split, clients, split-seed"},
      {{"a9a-or-so"}, "there is no name \"a9a-or-so\"; `laconic list` has all names"},
      {{"none.toml"}, "\"none.toml\" is neither key=value nor a TOML file"},
  };
  for (const auto& [words, message] : wrong) {
    std::vector<std::string> all = {"list"};
    all.insert(all.end(), words.begin(), words.end());
    const Said refused = laconic(all);
    EXPECT_EQ(refused.code, 2) << refused.text;
    EXPECT_THAT(refused.text, HasSubstr(message));
    EXPECT_EQ(std::count(refused.text.begin(), refused.text.end(), '\n'), 1) << refused.text;
  }
}

TEST_F(Program, StoresTheClassesOfClientsWithARun) {
  const auto run = [&](const std::string& problem, const std::string& name) {
    return laconic({"run", "problem=" + problem, "method=gd", "step=0.01", "clients=3",
                    "split=main-class(0.75)", "rounds=1", "out=" + out(name)});
  };
  std::string text;
  for (int i = 0; i < 24; ++i) text += fmt::format("{} 1:{}\n", i % 3, i);
  const std::string data = "\"" + folder_.write("three", text) + "\"";
  ASSERT_EQ(run("softmax(" + data + ")", "run").code, 0);
  EXPECT_EQ(content_of(out("run/clients.csv")),
            "client,rows,class_0,class_1,class_2\n0,8,6,1,1\n1,8,1,6,1\n2,8,1,1,6\n");
  EXPECT_EQ(*read_table(out("run/clients.csv")).column("class_1"), (std::vector<double>{1, 6, 1}));
  // A problem that does not classify ignores the classes of the rows. A run that replaces another deletes all
  // its files.
  ASSERT_EQ(run("least-squares(" + data + ")", "other").code, 0);
  EXPECT_FALSE(exists("other/clients.csv"));
  ASSERT_EQ(
      laconic({"run", "problem=quadratic(d=3)", "method=gd", "rounds=1", "out=" + out("run"), "--force"})
          .code,
      0);
  EXPECT_FALSE(exists("run/clients.csv"));
  EXPECT_EQ(laconic({"run", problem_, "method=gd", "clients=2", "rounds=1", "out=" + out("two")}).code, 0);
  EXPECT_THAT(content_of(out("two/clients.csv")), StartsWith("client,rows,class_-1,class_1\n0,30,"));
}

TEST_F(Program, PlotsRunsSideBySide) {
  for (const char* method : {"gd", "marina(rand-k(2))"}) {
    for (const char* step : {"theory", "theory*2"}) {
      const std::string name = fmt::format("out={}/{}{}", out("runs"), method, step);
      ASSERT_EQ(laconic({"run", problem_, "clients=4", fmt::format("method={}", method),
                         fmt::format("step={}", step), "rounds=200", name})
                    .code,
                0);
    }
  }
  std::vector<std::string> words = {"plot"};
  for (const auto& entry : std::filesystem::directory_iterator(out("runs")))
    words.push_back(entry.path().string());
  std::sort(words.begin() + 1, words.end());
  for (const char* ending : {"svg", "png", "pdf"}) {
    auto with_out = words;
    with_out.push_back("out=" + out(fmt::format("figure.{}", ending)));
    const Said said = laconic(with_out);
    ASSERT_EQ(said.code, 0) << said.text;
    EXPECT_THAT(said.text, HasSubstr("bits saved vs gd"));
    EXPECT_THAT(said.text, ContainsRegex("marina\\(rand-k\\(2\\)\\) +theory\\*2 +200 .* [0-9.]+x\n"));
    EXPECT_GT(std::filesystem::file_size(out(fmt::format("figure.{}", ending))), 3000U);
  }
  const std::string svg = content_of(out("figure.svg"));
  EXPECT_THAT(svg, HasSubstr("marina(rand-k(2)), step=theory*2"));
  EXPECT_THAT(svg, HasSubstr("bits sent per client"));

  auto unknown = words;
  unknown.emplace_back("y=grad");
  unknown.push_back("out=" + out("none.svg"));
  EXPECT_EQ(laconic(unknown).code, 2);
  EXPECT_THAT(laconic(unknown).text, HasSubstr("has no column \"grad\""));
  EXPECT_FALSE(exists("none.svg"));
  EXPECT_EQ(laconic({"plot", out("nowhere")}).code, 2);
  EXPECT_EQ(laconic({"plot"}).code, 2);
  EXPECT_EQ(laconic({"plot", words[1], "out=figure.bmp"}).code, 2);
}

TEST_F(Program, WrongUseOfVerbsIsCodeTwo) {
  EXPECT_EQ(laconic({"walk"}).code, 2);
  EXPECT_EQ(laconic({"run", "--fast"}).code, 2);
  EXPECT_EQ(laconic({"--help"}).code, 0);
  EXPECT_THAT(laconic({"--version"}).text, StartsWith("laconic 0."));
}

}  // namespace
}  // namespace laconic::testing
