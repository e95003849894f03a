// SPDX-License-Identifier: Apache-2.0
// `laconic report`: the content of its page. report_test.py tests its appearance and behaviour.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "laconic/experiment/embedded.h"
#include "laconic/report/thin.h"
#include "tests/program.h"
#include "tests/support.h"

namespace laconic::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kProblem = "problem=quadratic(d=30, s=0.8)";

Table table_of(std::vector<double> norms) {
  Table table{.columns = {"round", "grad_norm_sq"}, .values = {{}, std::move(norms)}};
  for (std::size_t r = 0; r < table.values[1].size(); ++r) table.values[0].push_back(static_cast<double>(r));
  return table;
}

TEST(RowsToShow, ShortTracesStayWhole) {
  EXPECT_THAT(rows_to_show(table_of({3, 2, 1}), 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(rows_to_show(table_of({}), 3), IsEmpty());
}

TEST(RowsToShow, KeepTheEndsAndWhatItTookToEachPowerOfTen) {
  std::vector<double> norms;
  for (std::size_t r = 0; r <= 5000; ++r) norms.push_back(std::pow(0.995, static_cast<double>(r)) * 7);
  norms[4321] = std::nan("");
  const Table table = table_of(norms);
  for (const std::size_t limit : {2, 3, 12, 400}) {
    const std::vector<std::size_t> rows = rows_to_show(table, limit);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    EXPECT_EQ(rows.front(), 0U);
    EXPECT_EQ(rows.back(), 5000U);
    EXPECT_LE(rows.size(), limit + 13);
    const Table few = with_rows(table, rows);
    const auto first_below = [](const Table& of, double level) {
      const auto& norm = of.values[1];
      const auto at = std::find_if(norm.begin(), norm.end(), [&](double value) { return value <= level; });
      return at == norm.end() ? -1 : of.values[0][at - norm.begin()];
    };
    for (int exponent = 0; exponent > -12; --exponent) {
      const double level = std::pow(10.0, exponent);
      EXPECT_EQ(first_below(few, level), first_below(table, level)) << level;
    }
  }
  // Early rounds are shown as densely as late ones: among the first hundred as many as a logarithmic spacing
  // asks for.
  const auto rows = rows_to_show(table, 400);
  EXPECT_GT(std::count_if(rows.begin(), rows.end(), [](std::size_t row) { return row < 100; }), 40);
  EXPECT_GT(std::count_if(rows.begin(), rows.end(), [](std::size_t row) { return row > 2500; }), 80);
}

TEST(RowsToShow, KeepTheFirstNormOfZero) {
  std::vector<double> norms(1000, 2);
  norms[333] = 0.5;
  for (std::size_t r = 444; r < norms.size(); ++r) norms[r] = 0;
  const std::vector<std::size_t> rows = rows_to_show(table_of(norms), 2);
  EXPECT_THAT(rows, ElementsAre(0, 333, 444, 999));
}

class Report : public ::testing::Test {
 protected:
  void SetUp() override {
    if (chart_files().empty()) GTEST_SKIP() << "built without charts: tools/fetch_charts.sh";
  }

  std::string out(const std::string& name) const { return folder_.path(name); }

  void run(const std::string& name, std::vector<std::string> words) const {
    for (const std::string usual : {kProblem, "clients=5"}) {
      const std::string key = usual.substr(0, usual.find('=') + 1);
      const auto is_given = [&](const std::string& word) { return word.starts_with(key); };
      if (std::none_of(words.begin(), words.end(), is_given)) words.push_back(usual);
    }
    words.insert(words.begin(), "run");
    words.push_back("out=" + out(name));
    const Said said = laconic(words);
    ASSERT_EQ(said.code, 0) << said.text;
  }

  /// Makes the page about these folders and returns its data.
  Json data_of(std::vector<std::string> folders) {
    for (std::string& folder : folders) folder = out(folder);
    folders.insert(folders.begin(), "report");
    folders.insert(folders.end(), {"-o", out("report.html")});
    const Said said = laconic(folders);
    EXPECT_EQ(said.code, 0) << said.text;
    page_ = content_of(out("report.html"));
    EXPECT_LT(page_.size(), 3'000'000U);
    const std::string begin = "<script type=\"application/json\" id=\"data\">";
    const std::size_t from = page_.find(begin) + begin.size();
    return Json::parse(page_.substr(from, page_.find("</script>", from) - from));
  }

  TemporaryFolder folder_;
  std::string page_;
};

TEST_F(Report, ShowsRunsWithTheoryNextToWhatWasMeasured) {
  run("runs/gd", {"method=gd", "rounds=40"});
  run("runs/marina", {"method=marina(rand-k(3))", "rounds=50", "step=theory*2"});
  run("runs/pl", {"method=gd", "rounds=20", "step=theory-pl"});
  run("runs/number", {"method=gd", "rounds=20", "step=0.01", "eval-every=5"});
  const Json data = data_of({"runs"});
  ASSERT_EQ(data["runs"].size(), 4U);
  EXPECT_EQ(data["groups"].size(), 1U);
  EXPECT_EQ(data["groups"][0]["scene"], "problem=quadratic(d=30, s=0.8) clients=5 split=contiguous");

  const Json& gd = data["runs"][0];
  EXPECT_EQ(gd["label"], "gd, step=theory");
  EXPECT_EQ(gd["rows"], 41);
  EXPECT_THAT(gd["columns"].dump(), Not(HasSubstr("network_seconds"))) << "0 throughout";
  EXPECT_TRUE(gd["columns"].contains("seconds")) << "of timing.csv";
  EXPECT_THAT(gd["columns"]["uplink_bits"].get<std::string>(), ::testing::StartsWith("968 1936 "));
  // The same, computed by hand.
  const Table trace = read_table(out("runs/gd/trace.csv"));
  const auto& norm = *trace.column("grad_norm_sq");
  double mean = 0;
  for (std::size_t k = 0; k < 40; ++k) mean += norm[k] / 40;
  const double gap = trace.column("f")->front() - gd["constants"]["f_lower"].get<double>();
  EXPECT_NEAR(gd["promised"]["mean_gradient"].get<double>(), mean, 1e-9 * mean);
  EXPECT_NEAR(gd["promised"]["mean_gradient_bound"].get<double>(),
              2 * gap / (gd["method"]["gamma"].get<double>() * 40), 1e-9);
  EXPECT_LE(mean, gd["promised"]["mean_gradient_bound"].get<double>());
  EXPECT_EQ(gd["evaluated_every"], Json({1, 1}));
  EXPECT_EQ(gd["promised"]["step_allowed"], true);

  const Json& marina = data["runs"][1];
  EXPECT_EQ(marina["promised"]["step_allowed"], false);
  EXPECT_FALSE(marina["promised"].contains("mean_gradient_bound")) << "the step is too long for one";
  EXPECT_TRUE(marina["promised"].contains("mean_gradient"));

  const Json& number = data["runs"][2];  // sorted by folder
  EXPECT_THAT(number["theorem"]["name"].get<std::string>(), HasSubstr("descent lemma"))
      << "holds for a number, too";
  EXPECT_FALSE(number["promised"].contains("mean_gradient")) << "not all rounds are known";
  EXPECT_EQ(number["evaluated_every"], Json({5, 5}));
  EXPECT_TRUE(number["promised"].contains("mean_gradient_bound"));

  const Json& pl = data["runs"][3];
  EXPECT_LE(pl["promised"]["gap"].get<double>(), pl["promised"]["gap_bound"].get<double>());
  EXPECT_EQ(pl["promised"]["gap_is_to_minimum"], false);
}

TEST_F(Report, MeasuresNoMeanOfSomeRounds) {
  const std::vector<std::string> words = {"problem=logistic(generated(rows=50, d=20), lambda=0.1)",
                                          "method=gd", "rounds=120"};
  const auto with = [&](const std::string& every) {
    std::vector<std::string> all = words;
    all.push_back("eval-every=" + every);
    run("runs/" + every, all);
  };
  for (const char* every : {"0", "1", "50", "500"}) with(every);
  const Json data = data_of({"runs"});
  ASSERT_EQ(data["runs"].size(), 4U);
  const auto strides = [&](std::size_t r) { return data["runs"][r]["evaluated_every"]; };
  EXPECT_EQ(strides(0), Json({120, 120}));
  EXPECT_EQ(strides(1), Json({1, 1}));
  EXPECT_EQ(strides(2), Json({50, 50})) << "the last row comes when it comes";
  EXPECT_EQ(strides(3), Json({500, 500})) << "of which only a part was run";
  for (std::size_t r = 0; r < 4; ++r) {
    const Json& promised = data["runs"][r]["promised"];
    EXPECT_EQ(promised.contains("mean_gradient"), r == 1);
    EXPECT_EQ(promised["mean_gradient_bound"], data["runs"][1]["promised"]["mean_gradient_bound"]);
    EXPECT_EQ(promised["gap"], data["runs"][1]["promised"]["gap"]) << "of the last row, which all have";
  }
}

TEST_F(Report, PromisesWhatTheoryDoesAlsoWhereTheMinimumIsKnown) {
  for (const char* step : {"theory", "theory-pl"}) {
    const std::vector<std::string> words = {"problem=logistic(generated(rows=50, d=20), lambda=0.1)",
                                            "clients=5",
                                            "method=gd",
                                            "rounds=5",
                                            "target-gap=1e-14",
                                            fmt::format("step={}", step)};
    run(step, words);
    std::vector<std::string> theory = words;
    theory.insert(theory.begin(), "theory");
    const std::string said = laconic(theory).text;
    const std::size_t at = said.find("bound      = ");
    ASSERT_NE(at, std::string::npos) << said;
    const double bound = std::stod(said.substr(at + 13));
    const Json run = data_of({step})["runs"][0];
    const Json& promised = run["promised"];
    EXPECT_EQ(promised["rounds"], 5);
    const bool is_pl = promised.contains("gap_bound");
    EXPECT_EQ(is_pl, std::string(step) == "theory-pl");
    EXPECT_NEAR(promised[is_pl ? "gap_bound" : "mean_gradient_bound"].get<double>(), bound, 1e-12 * bound);
    EXPECT_EQ(promised["gap_is_to_minimum"], true);
    const double f = read_table(out(std::string(step) + "/trace.csv")).column("f")->back();
    EXPECT_NEAR(promised["gap"].get<double>(), f - run["constants"]["f_star"].get<double>(), 1e-15);
  }
}

TEST_F(Report, TellsWhatCostNothingFromWhatWasNotCounted) {
  folder_.write("runs/quiet/trace.csv",
                "round,f,grad_norm_sq,uplink_bits,downlink_bits,network_seconds\n0,1,1,0,0,0\n1,0,0,0,0,0\n");
  const Json columns = data_of({"runs"})["runs"][0]["columns"];
  EXPECT_EQ(columns["uplink_bits"], "0");
  EXPECT_EQ(columns["downlink_bits"], "0");
  EXPECT_FALSE(columns.contains("network_seconds")) << "there is no clock";
  EXPECT_FALSE(columns.contains("seconds")) << "there is no timing.csv";
  EXPECT_FALSE(columns.contains("oracle_calls")) << "there is no such column";
  EXPECT_EQ(columns["grad_norm_sq"], "1 0");
}

TEST_F(Report, WritesNothingButPages) {
  run("run", {"method=gd", "rounds=3"});
  const auto complaint = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"report", out("run")};
    all.insert(all.end(), words.begin(), words.end());
    const Said said = laconic(all);
    EXPECT_EQ(said.code, 2) << said.text;
    return said.text;
  };
  const std::string trace = content_of(out("run/trace.csv"));
  EXPECT_THAT(complaint({"-o", out("run/trace.csv")}), HasSubstr("need a file that ends in .html"));
  std::filesystem::create_symlink(out("run/trace.csv"), out("trap.html"));
  EXPECT_THAT(complaint({"-o", out("trap.html")}),
              HasSubstr("run/trace.csv; need a file that ends in .html"));
  std::filesystem::create_symlink(out("nowhere.html"), out("dangling.html"));
  EXPECT_THAT(complaint({"-o", out("dangling.html")}), HasSubstr("a link to what is not there"));
  ASSERT_EQ(mkfifo(out("pipe.html").c_str(), 0600), 0);
  EXPECT_THAT(complaint({"-o", out("pipe.html")}), HasSubstr("that is no regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(out("pipe.html")));
  EXPECT_THAT(complaint({"-o", "/proc/r.html"}), HasSubstr("out: /proc/r.html: cannot write"));
  EXPECT_THAT(complaint({"-o", "/proc/none/r.html"}), HasSubstr("out: cannot make the folder /proc/none: "));
  EXPECT_THAT(complaint({"-o", ""}), HasSubstr("out: is empty"));
  EXPECT_THAT(complaint({"out="}), HasSubstr("out: is empty"));
  EXPECT_THAT(complaint({"-o", out("a.html"), "out=" + out("b.html")}), HasSubstr("out is given twice"));
  EXPECT_THAT(complaint({out("nowhere"), "-o", out("new/a.html")}),
              HasSubstr("nowhere: there is no such folder"));
  for (const char* name : {"a.html", "b.html", "nowhere.html", "new"})
    EXPECT_FALSE(std::filesystem::exists(out(name))) << name;
  EXPECT_EQ(content_of(out("run/trace.csv")), trace);

  folder_.write("old.html", "old");
  std::filesystem::create_symlink("old.html", out("link.html"));
  EXPECT_EQ(laconic({"report", out("run"), "-o", out("link.html")}).code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(out("link.html")));
  EXPECT_GT(content_of(out("old.html")).size(), 1000U);
}

TEST_F(Report, SaysWhatCannotBeRead) {
  run("runs/whole", {"method=gd", "rounds=3"});
  std::filesystem::create_directories(out("runs/bad"));
  std::filesystem::create_symlink(out("gone.csv"), out("runs/bad/trace.csv"));
  const auto complaint = [&] {
    const Said said = laconic({"report", out("runs"), "-o", out("page.html")});
    EXPECT_EQ(said.code, 2);
    return said.text;
  };
  EXPECT_THAT(complaint(), HasSubstr("bad/trace.csv: cannot read: No such file"));
  std::filesystem::remove(out("runs/bad/trace.csv"));
  std::filesystem::create_directories(out("runs/bad/trace.csv"));
  EXPECT_THAT(complaint(), HasSubstr("bad/trace.csv: cannot read: it is a folder"));
  EXPECT_FALSE(std::filesystem::exists(out("page.html")));
}

TEST_F(Report, ShowsSweepsAndTheBestRunsInThem) {
  const Said said = laconic({"sweep", kProblem, "clients={4,5}", "method={gd, ef21(top-k({1,3}))}",
                             "step=theory*{1,4}", "seed={1,2}", "target=1e-2", "rounds=500",
                             "expect=EF21 sends less: ef21 / gd <= 2; gd / ef21 >= 1e9", "title=Who wins?",
                             "figure=round,f,x", "out=" + out("all/sweep")});
  ASSERT_EQ(said.code, 1) << said.text;  // some statements cannot hold
  run("all/plain", {"method=gd", "rounds=5"});
  // Runs of best settings, as a sweep stores them.
  const auto record = [&](const std::string& file, const std::string& name) {
    EXPECT_EQ(laconic({"run", out("all/sweep/best/" + file), "target=1e-9", "rounds=5",
                       "out=" + out("all/sweep/curves/" + name)})
                  .code,
              0);
  };
  std::filesystem::remove_all(out("all/sweep/curves"));
  record("ef21.toml", "ef21-10");
  record("ef21-2.toml", "ef21-2");
  record("gd.toml", "gd-1");

  const Json data = data_of({"all"});
  ASSERT_EQ(data["sweeps"].size(), 1U);
  const Json& sweep = data["sweeps"][0];
  EXPECT_EQ(sweep["title"], "Who wins?");
  EXPECT_EQ(sweep["measure"], "bits");
  EXPECT_EQ(sweep["scenes"].size(), 2U);
  EXPECT_EQ(sweep["settings"].size(), 12U) << "seeds are no axis";
  EXPECT_EQ(sweep["axes"].size(), 3U);
  EXPECT_EQ(sweep["axes"][0]["name"], "clients");
  EXPECT_EQ(sweep["axes"][0]["of_scene"], true);
  EXPECT_THAT(sweep["settings"][0].dump(), ::testing::MatchesRegex("\\[0,0,0,[0-9.]+,0,-1,0\\]"))
      << "gd has no top-k";
  EXPECT_EQ(sweep["expect"][0]["claim"], "EF21 sends less");
  EXPECT_THAT(sweep["expect"][0]["numbers"].get<std::string>(), ::testing::EndsWith(" <= 2"));
  EXPECT_EQ(sweep["expect"].back()["holds"], false);
  EXPECT_EQ(sweep["places"].size(), 2U);
  EXPECT_EQ(sweep["figure"]["log"], "x");
  ASSERT_EQ(data["groups"].size(), 3U);
  EXPECT_EQ(data["groups"][2]["sweep"], nullptr);
  std::vector<std::string> runs;
  for (const Json& each : data["runs"])
    runs.push_back(fmt::format("{} {}", each["group"].get<int>(), each["folder"].get<std::string>()));
  EXPECT_THAT(runs, ElementsAre("0 " + out("all/sweep/curves/ef21-10"), "0 " + out("all/sweep/curves/gd-1"),
                                "1 " + out("all/sweep/curves/ef21-2"), "2 " + out("all/plain")))
      << "each once, with those of its clients";
}

TEST_F(Report, ShowsSeedsAsOneCurve) {
  for (const char* seed : {"1", "2", "3"}) {
    run(std::string("runs/marina") + seed,
        {"method=marina(rand-k(3))", "rounds=9", std::string("seed=") + seed, "target-gap=1e-9"});
  }
  run("runs/gd", {"method=gd", "rounds=9"});
  const Json data = data_of({"runs"});
  const Json& curves = data["groups"][0]["curves"];
  ASSERT_EQ(curves.size(), 2U);
  EXPECT_EQ(curves[0]["label"], "gd");
  EXPECT_EQ(curves[0]["looks"]["light"], "#111111");
  EXPECT_EQ(curves[1]["label"], "marina(rand-k(3)), 3 seeds");
  EXPECT_THAT(curves[1]["runs"], ElementsAre(1, 2, 3));
  EXPECT_TRUE(data["runs"][1]["columns"].contains("gap")) << "it knows f*";
  EXPECT_FALSE(data["runs"][0]["columns"].contains("gap"));
}

TEST_F(Report, ShowsWhatWasReproduced) {
  folder_.write(
      "out/verdicts.json",
      R"({"experiments": [{"name": "gc", "title": "t", "status": "skipped", "reason": "r", "statements": []}]})");
  const Json data = data_of({"out"});
  EXPECT_EQ(data["verdicts"][0]["experiments"][0]["reason"], "r");
  EXPECT_EQ(data["verdicts"][0]["folder"], out("out"));
  folder_.write("out/verdicts.json", "[1]");
  EXPECT_THAT(laconic({"report", out("out"), "out=" + out("x.html")}).text,
              HasSubstr("verdicts.json: need a JSON object"));
}

TEST_F(Report, ShowsRunsThatWereKilled) {
  run("runs/whole", {"method=gd", "rounds=9"});
  run("runs/killed", {"method=marina(rand-k(3))", "rounds=9"});
  std::filesystem::remove(out("runs/killed/summary.json"));
  std::filesystem::resize_file(out("runs/killed/trace.csv"),
                               std::filesystem::file_size(out("runs/killed/trace.csv")) - 7);
  folder_.write("runs/unborn/trace.csv", "round,f,grad_norm_sq\n0,1");
  const Json data = data_of({"runs"});
  ASSERT_EQ(data["runs"].size(), 2U);
  EXPECT_EQ(data["runs"][0]["description"]["method"], "marina(rand-k(3))") << "of run.toml";
  EXPECT_EQ(data["runs"][0]["rows"], 9);
  EXPECT_FALSE(data["runs"][0].contains("stopped"));
  EXPECT_EQ(data["groups"].size(), 1U);
  EXPECT_THAT(data["notes"].dump(), HasSubstr("unborn is left out"));
}

TEST_F(Report, HoldsWhateverNamesFoldersHave) {
  const std::string odd = "runs/</script><script>alert(1)</script> \" ü \x01 {{DATA}} <!--";
  folder_.write(odd + "/trace.csv", "round,f,grad_norm_sq,uplink_bits\n0,1,nan,3\n1,0.5,inf,4\n");
  folder_.write("runs/bytes\xff/trace.csv", "round,f\n0,1\n1,0.5\n");
  std::string file_name = odd.substr(odd.rfind('/') + 1);
  const Json data = data_of({"runs"});
  ASSERT_EQ(data["runs"].size(), 2U);
  EXPECT_EQ(data["runs"][0]["folder"], out(odd));
  EXPECT_EQ(data["runs"][0]["description"]["method"], file_name);
  EXPECT_EQ(data["runs"][0]["columns"]["grad_norm_sq"], "nan inf");
  EXPECT_THAT(data["runs"][1]["folder"].get<std::string>(), HasSubstr("bytes\xEF\xBF\xBD"));
  EXPECT_THAT(page_, Not(HasSubstr("<script>alert")));
}

TEST_F(Report, StaysSmallWhateverItIsGiven) {
  std::string trace =
      "round,f,grad_norm_sq,uplink_bits,downlink_bits,oracle_calls,consensus,network_seconds,test_accuracy\n";
  for (int r = 0; r < 500; ++r)
    trace += fmt::format("{0},{1},{2},{3},{4},{5},{1},{2},{1}\n", r, 0.123456789 * r, 1 / (r + 0.3),
                         1234567.0 * r, 7654321.0 * r, 999 * r);
  const std::string padding(200, '<');  // a long name, and longer when escaped
  const auto add = [&](int first, int last) {
    for (int i = first; i < last; ++i)
      folder_.write(fmt::format("runs/{:04}{}/trace.csv", i, padding), trace);
  };
  add(0, 100);
  Json data = data_of({"runs"});
  EXPECT_EQ(data["runs"].size(), 100U);
  EXPECT_LT(data["points"].get<int>(), 400);
  EXPECT_GT(page_.size(), 2'000'000U) << "as many points as there is room for";
  EXPECT_EQ(data["notes"].size(), 0U);
  add(100, 500);
  data = data_of({"runs"});
  EXPECT_LT(data["runs"].size(), 500U);
  EXPECT_GT(data["runs"].size(), 200U);
  EXPECT_THAT(data["notes"].dump(), HasSubstr("of 500 runs are shown"));
}

TEST_F(Report, AsksNothingOfTheNetwork) {
  run("run", {"method=gd", "rounds=3"});
  data_of({"run"});
  // Our part of the page: without the library, its licence and the data.
  std::string ours = page_;
  for (const EmbeddedFile& file : chart_files()) {
    const std::size_t at = ours.find(file.content);
    ASSERT_NE(at, std::string::npos) << file.name << " is part of the page";
    EXPECT_EQ(file.name == "echarts.min.js" ? file.content.find("</script") : file.content.find("--"),
              std::string::npos);
    ours.erase(at, file.content.size());
  }
  for (std::size_t at = ours.find("://"); at != std::string::npos; at = ours.find("://", at + 1))
    EXPECT_TRUE(ours.substr(at, 17) == "://www.w3.org/200" || ours.substr(at - 4, 7) == "path://")
        << "but for the name of SVG, and for outlines of markers";
  for (const char* word : {"src=\"", "@import", "url(", "innerHTML", "fetch(", "XMLHttpRequest", "<link"})
    EXPECT_THAT(ours, Not(HasSubstr(word)));
  EXPECT_THAT(ours, HasSubstr("default-src 'none'"));
}

TEST_F(Report, SaysWhatIsWrong) {
  run("run", {"method=gd", "rounds=3"});
  folder_.write("nothing/here.txt", "");
  folder_.write("broken/deep/trace.csv", "round,f\n0,1\n1,one\n");
  folder_.write("half/sweep.csv", "run\n");
  folder_.write("file", "");
  const auto complaint = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"report"};
    all.insert(all.end(), words.begin(), words.end());
    const Said said = laconic(all);
    EXPECT_EQ(said.code, 2) << said.text;
    EXPECT_EQ(std::count(said.text.begin(), said.text.end(), '\n'), 1) << said.text;
    return said.text;
  };
  const std::string page = "out=" + out("page.html");
  EXPECT_THAT(complaint({page}), HasSubstr("report needs the folder of at least one run or sweep"));
  EXPECT_THAT(complaint({out("nowhere"), page}),
              HasSubstr("nowhere: there is no such folder; need the folder of a run"));
  EXPECT_THAT(complaint({out("file"), page}), HasSubstr("file: is no folder"));
  EXPECT_THAT(complaint({out("run"), out("nothing"), page}), HasSubstr("nothing: holds no run and no sweep"));
  EXPECT_THAT(complaint({out("broken"), page}), HasSubstr("broken/deep/trace.csv:3: not a row of 2 numbers"));
  EXPECT_THAT(complaint({out("half"), page}), HasSubstr("half: holds a sweep.csv, but no run.toml"));
  EXPECT_THAT(complaint({out("run"), "colour=red"}), HasSubstr("unknown key \"colour\""));
  EXPECT_THAT(complaint({out("run"), "out=" + out("file") + "/page.html"}),
              HasSubstr("cannot make the folder"));
  EXPECT_THAT(complaint({out("run"), "-o", out("run")}), HasSubstr("that is a folder"));
  EXPECT_FALSE(std::filesystem::exists(out("page.html")));
  EXPECT_EQ(laconic({"report", out("run"), "out=" + out("new/folder/page.html"), "title=A & B"}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(out("new/folder/page.html")));
}

TEST(Embedded, FilesAreThere) {
  const auto files = report_page_files();
  ASSERT_GE(files.size(), 3U);
  EXPECT_EQ(files[0].name, "page.html");
  EXPECT_THAT(std::string(files[0].content), ::testing::StartsWith("<!doctype html>"));
  EXPECT_THAT(std::string(files[0].content), ::testing::EndsWith("</html>\n"));
}

}  // namespace
}  // namespace laconic::testing
