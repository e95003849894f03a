// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/make.h"

#include <filesystem>
#include <fstream>

#include <Eigen/Dense>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "laconic/core/rng.h"
#include "laconic/problem/linear_model.h"
#include "laconic/transport/fleet.h"
#include "laconic/transport/threads.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;

/// A folder with a small data set, removed at the end.
class ProblemMake : public ::testing::Test {
 protected:
  ProblemMake()
      : folder_(std::filesystem::temp_directory_path() /
                ("laconic_problem_make_" + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder_);
    std::ofstream(folder_ / "tiny") << "1 1:1 2:2\n2 2:1\n1 3:1\n2 1:0.5 3:1\n2 1:1\n";
    std::ofstream(folder_ / "three") << "1 1:1 2:2\n2 2:1\n3 1:1\n";
    std::ofstream(folder_ / "three.t") << "2 1:1\n1 1:1\n";
    setting_.folders = {folder_.string()};
  }
  ~ProblemMake() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Problem> make(const char* text) { return make_problem(parse(text), setting_); }
  std::string error(const char* text) {
    return error_of([&] { make(text); });
  }

  std::filesystem::path folder_;
  ProblemSetting setting_;
};

TEST_F(ProblemMake, NamesItsMatrices) {
  using Blocks = std::vector<MatrixBlock>;
  constexpr auto kHead = MatrixBlock::Kind::head;
  EXPECT_EQ(make("logistic(tiny)")->blocks(), Blocks{});
  EXPECT_EQ(make("softmax(three, bias=1)")->blocks(), (Blocks{{0, 3, 3, kHead}}));
  EXPECT_EQ(make("autoencoder(tiny, 2)")->blocks(), (Blocks{{0, 3, 2}, {6, 2, 3}}));
  EXPECT_EQ(make("mlp(three, 4)")->blocks(), (Blocks{{0, 4, 2}, {12, 3, 4, kHead}}));
  // The gradient of the loss of one row is a product of a column and a row, in each matrix.
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  for (const char* text :
       {"softmax(generated(rows=2, d=5, classes=4))", "autoencoder(generated(rows=2, d=7), 3)",
        "mlp(generated(rows=2, d=5, classes=4), 6, 3, activation=tanh)"}) {
    const auto problem = make(text);
    Vector x(problem->dim());
    Vector g(problem->dim());
    fill_normal(Key{.seed = 5}.stream(Purpose::data), x);
    const std::uint32_t first[] = {0};
    problem->value_gradient(0, Rows::listed(first), x, g);
    ASSERT_FALSE(problem->blocks().empty()) << text;
    for (const MatrixBlock& block : problem->blocks()) {
      const Eigen::Map<const Matrix> M(g.data() + block.offset, static_cast<Eigen::Index>(block.rows),
                                       static_cast<Eigen::Index>(block.cols));
      const auto values = Eigen::JacobiSVD<Matrix>(M).singularValues();
      EXPECT_GT(values[0], 0) << text;
      EXPECT_LE(values[1], 1e-5 * values[0]) << text;
    }
  }
}

TEST_F(ProblemMake, BuildsWhatTheDescriptionSays) {
  struct Case {
    const char* text;
    std::size_t clients, dim, rows;
    bool classifies;
  };
  const Case cases[] = {
      {"logistic(tiny)", 2, 3, 2, true},
      {"logistic(data=tiny, bias=1, lambda=0.1)", 1, 4, 5, true},
      {"nonconvex(tiny, rows=4, reg=nonconvex)", 1, 3, 4, true},
      {"least-squares(tiny)", 5, 3, 1, false},
      {"softmax(three, bias=1)", 3, 9, 1, true},
      {"autoencoder(tiny, 2)", 2, 12, 2, false},
      {"autoencoder(data=three, hidden=5, rows=2, seed=7)", 2, 20, 1, false},
      {"logistic(generated(rows=3, d=8, nnz=2), bias=1)", 7, 9, 3, true},
      {"nonconvex(data=generated)", 2, 100, 100, true},
      {"logistic(generated(rows=3, d=8, law=normal, shift=2), lambda=0.01, reg=nonconvex)", 4, 8, 3, true},
      {"least-squares(generated(d=5))", 2, 5, 100, false},
      {"softmax(generated(rows=2, d=5, classes=4))", 2, 20, 2, true},
      {"autoencoder(generated(rows=2, d=5), 3)", 2, 30, 2, false},
      {"mlp(tiny, 4)", 2, 26, 2, true},
      {"mlp(three, 4, 5, activation=tanh, lambda=0.1, seed=7, precision=f64)", 3, 55, 1, true},
      {"mlp(data=tiny, widths=2, rows=4)", 2, 14, 2, true},
      {"mlp(generated(rows=2, d=5, classes=4), 3, 2, 1)", 2, 37, 2, true},
      {"quadratic(d=20)", 7, 20, 1, false},
      {"quadratic", 2, 1000, 1, false},
  };
  for (const Case& c : cases) {
    setting_.clients = c.clients;
    const auto problem = make(c.text);
    EXPECT_EQ(problem->shards(), c.clients) << c.text;
    EXPECT_EQ(problem->dim(), c.dim) << c.text;
    EXPECT_EQ(problem->rows(0), c.rows) << c.text;
    EXPECT_EQ(problem->classifies(), c.classifies) << c.text;
  }
}

TEST_F(ProblemMake, ArgumentsReachTheProblem) {
  const Vector x = {0.5, -1, 2};
  Vector plain(3), ridge(3), nonconvex(3);
  const auto gradient = [&](const char* text, Vector& g) {
    return make(text)->value_gradient(0, Rows::everything(), x, g).value;
  };
  const double value = gradient("logistic(tiny)", plain);
  EXPECT_NEAR(gradient("logistic(tiny, lambda=0.5)", ridge), value + 0.25 * norm_sq(x), 1e-14);
  EXPECT_NEAR(gradient("logistic(tiny, lambda=0.5, reg=nonconvex)", nonconvex),
              value + 0.5 * (0.2 + 0.5 + 0.8), 1e-14);
  EXPECT_NEAR(ridge[2] - plain[2], 1, 1e-14);
  EXPECT_NEAR(nonconvex[2] - plain[2], 0.08, 1e-14);
  setting_.split = parse("by-label");
  setting_.clients = 2;
  EXPECT_NEAR(make("logistic(tiny)")->value_gradient(0, Rows::everything(), Vector(3, 0.0), plain).value,
              std::log(2), 1e-15);
  EXPECT_EQ(plain[0], 0.25) << "the two rows with the smaller label: y = -1, mean of a / 2";
}

TEST_F(ProblemMake, KeepsTheRowsOfItsOwnShardsOnly) {
  const Vector x = {0.5, -1, 2, 1, 0, 3, 0.25, 1, -2, 0, 1, 0.5};
  const std::pair<const char*, const char*> cases[] = {
      {"contiguous", "logistic(tiny)"},   {"contiguous", "least-squares(three, bias=1)"},
      {"contiguous", "softmax(three)"},   {"contiguous", "autoencoder(three, 2)"},
      {"by-label", "logistic(tiny)"},     {"by-label", "softmax(three)"},
      {"shuffled", "softmax(three)"},     {"shuffled", "autoencoder(tiny, 2)"},
      {"overlap(0.5)", "logistic(tiny)"}, {"overlap(0.5)", "autoencoder(tiny, 2)"},
      {"homogeneous", "softmax(tiny)"},   {"homogeneous", "autoencoder(tiny, 2)"},
      {"shuffled", "mlp(three, 1)"},      {"overlap(0.5)", "mlp(tiny, 1)"},
  };
  setting_.clients = 3;
  for (const auto& [split, text] : cases) {
    setting_.split = parse(split);
    setting_.own.reset();
    const auto whole = make(text);
    Vector all(whole->dim()), some(whole->dim());
    const View at = View(x).first(whole->dim());
    for (const Range own : {Range{0, 1}, Range{1, 3}, Range{2, 2}, Range{0, 3}}) {
      setting_.own = own;
      const auto part = make(text);
      EXPECT_EQ(part->dim(), whole->dim());
      EXPECT_EQ(part->data_checksum(), whole->data_checksum());
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(part->rows(i), whole->rows(i));
        if (!own.contains(i)) {
          EXPECT_THROW(part->value_gradient(i, Rows::everything(), at, some), std::logic_error);
          continue;
        }
        const double value = whole->value_gradient(i, Rows::everything(), at, all).value;
        EXPECT_EQ(part->value_gradient(i, Rows::everything(), at, some).value, value) << text << split;
        EXPECT_EQ(some, all) << text << split;
      }
    }
  }
}

TEST_F(ProblemMake, DrawsTheRowsOfItsOwnShardsOnly) {
  setting_.clients = 100'000;  // with more than 1 MB each
  setting_.own = Range{5, 6};
  const auto part = make("least-squares(generated(rows=100, d=1000))");
  setting_.clients = 6;
  setting_.own.reset();
  const auto whole = make("least-squares(generated(rows=10, d=30))");
  setting_.own = Range{5, 6};
  const auto other = make("least-squares(generated(rows=10, d=30))");
  Vector x(30, 0.5), g(30), expected(30);
  whole->value_gradient(5, Rows::everything(), x, expected);
  other->value_gradient(5, Rows::everything(), x, g);
  EXPECT_EQ(g, expected);
  EXPECT_EQ(part->shards(), 100'000U);
  EXPECT_THROW(other->value_gradient(4, Rows::everything(), x, g), std::logic_error);
}

TEST_F(ProblemMake, DrawsRowsAnewWhereClientsAreTooManyToKeepThem) {
  constexpr std::size_t kMany = 75'000, kFew = 1100;  // 550 MiB of entries, 12 bytes each
  for (const char* text : {"logistic(generated(rows=20, d=40, nnz=32, shift=0.5), lambda=0.1)",
                           "least-squares(generated(rows=20, d=32), bias=1)"}) {
    setting_.clients = kFew;
    setting_.own.reset();
    const auto few = make(text);
    setting_.clients = kMany;
    const auto many = make(text);
    setting_.own = Range{5, 6};
    const auto part = make(text);
    const Vector x(few->dim(), 0.5);
    Vector g(few->dim()), expected(few->dim());
    for (const std::uint32_t row : {0, 2}) {
      const Rows rows = row == 0 ? Rows::everything() : Rows::listed(std::span(&row, 1));
      const double value = few->value_gradient(5, rows, x, expected).value;
      for (const Problem* each : {many.get(), part.get()}) {
        EXPECT_EQ(each->value_gradient(5, rows, x, g).value, value);
        EXPECT_EQ(g, expected);
      }
    }
    EXPECT_THROW(part->value_gradient(4, Rows::everything(), x, g), std::logic_error);

    ThreadPool pool(2);
    Fleet fleet(pool);
    const Constants kept = few->constants(fleet).value();
    const Constants anew = many->constants_of_first(kFew, fleet).value();
    EXPECT_EQ(anew.L_tilde, kept.L_tilde);
    EXPECT_EQ(anew.L_max, kept.L_max);
    EXPECT_EQ(anew.L_sample, kept.L_sample);
    EXPECT_NEAR(anew.L_minus, kept.L_minus, 1e-12 * kept.L_minus);
    EXPECT_NEAR(anew.mu.value_or(0), kept.mu.value_or(0), 1e-12 * kept.L_minus);
    run_ranks(3, [&](Transport& transport) {
      ThreadPool alone(1);
      Fleet of_rank(alone, transport);
      EXPECT_EQ(many->constants_of_first(kFew, of_rank).value().L_minus, anew.L_minus);
    });
  }
}

TEST_F(ProblemMake, ReadsNoFeaturesOfOtherShards) {
  // A process keeps only its own rows: the loader has stored only the labels of the other rows.
  setting_.clients = 5;
  setting_.own = Range{1, 2};
  const DataOptions options{.folders = setting_.folders,
                            .choose = [](const auto&) { return std::vector<std::uint32_t>{1}; }};
  const Dataset data = load_dataset("tiny", options);
  EXPECT_EQ(std::get<SparseRows>(data.features).column.size(), 1U);
  const Shards one_each = {{0}, {1}, {2}, {3}, {4}};
  EXPECT_EQ(make_logistic(data, one_each, {}, {}, Range{1, 2})->rows(0), 1U);
  EXPECT_THROW(make_logistic(data, one_each, {}), std::logic_error) << "a problem that copies others' rows";
}

TEST_F(ProblemMake, ChecksumsTellDataApart) {
  const auto checksum = [&](const char* text) { return make(text)->data_checksum(); };
  EXPECT_EQ(checksum("logistic(tiny)"), checksum("least-squares(tiny, bias=1)"));
  EXPECT_NE(checksum("least-squares(tiny)"), checksum("least-squares(three)"));
  EXPECT_NE(checksum("softmax(three)"), checksum("least-squares(three)")) << "its test set counts";
  EXPECT_EQ(checksum("quadratic"), 0U);
}

TEST_F(ProblemMake, SoftmaxFindsItsTestSet) {
  ThreadPool pool(1);
  const Vector x = {0, 0, 1, 0, 0, 0};  // predicts the second class, wherever the first feature is
  EXPECT_EQ(make("softmax(three)")->test_accuracy(x, pool), 0.5);
  EXPECT_EQ(make("softmax(tiny)")->test_accuracy(x, pool), std::nullopt);
}

class TestSets : public ProblemMake {
 protected:
  TestSets() {
    setting_.on_remark = [this](const std::string& remark) { remarks_.push_back(remark); };
  }

  /// The accuracy at x = e_1, or the error message.
  std::string accuracy(const std::string& text) {
    return error_of([&] {
      const auto problem = make(text.c_str());
      Vector x(problem->dim());
      x[0] = 1;
      const auto share = problem->test_accuracy(x, pool_);
      throw InputError(share ? fmt::format("{}", *share) : "none");
    });
  }
  std::string write(const char* name, const char* text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  ThreadPool pool_{2};
  std::vector<std::string> remarks_;
};

TEST_F(TestSets, OfTwoClassesAreFoundByName) {
  write("tiny.t", "2 1:1\n1 1:-1\n1 1:2\n2 2:1\n");  // margins 1, -1, 2 and 0
  for (const char* problem : {"logistic(tiny, bias=1)", "nonconvex(tiny)"})
    EXPECT_EQ(accuracy(problem), "0.5");
  EXPECT_EQ(accuracy("least-squares(tiny)"), "none");
}

TEST_F(TestSets, AreTakenFromTheFileThatIsNamed) {
  write("other", "1 1:1\n1 1:-1\n1 1:-1\n1 1:-1\n");
  for (const char* problem :
       {"logistic(tiny, test=other)", "nonconvex(tiny, test=other)", "softmax(tiny, test=other)"}) {
    EXPECT_EQ(accuracy(problem), std::string_view(problem).starts_with("softmax") ? "0.25" : "0.75");
  }
  EXPECT_EQ(accuracy("softmax(three, test=other)"), "0.25") << "not three.t, which lies beside it";
  EXPECT_THAT(accuracy("mlp(tiny, 2, test=other)"), ::testing::AnyOf("0", "0.25", "0.75", "1"));
  EXPECT_THAT(accuracy("softmax(tiny, test=none)"), ::testing::StartsWith("no data set \"none\""));
  EXPECT_THAT(remarks_, ::testing::IsEmpty());
}

TEST_F(TestSets, DoNotStopTrainingWhereTheyWereFoundByName) {
  const std::string path = write("three.t", "1 1:1\n2 3:1\n");
  EXPECT_EQ(accuracy("softmax(three)"), "none");
  EXPECT_THAT(remarks_,
              ::testing::ElementsAre(
                  path + ": the highest index is 3; need at most 2, the columns of the training set "
                         "(columns=3 declares more); the run goes on without this test set"));
  EXPECT_EQ(accuracy("softmax(three, columns=3)"), "0.5");
  EXPECT_EQ(remarks_.size(), 1U);

  remarks_.clear();
  write("three.t", "0 1:1\n1 2:1\n");
  EXPECT_EQ(accuracy("softmax(three)"), "none");
  EXPECT_THAT(remarks_, ::testing::ElementsAre(
                            path + ": row 1 of the test set has the label 0; need one of the training "
                                   "set's: 1, 2, 3; the run goes on without this test set"));
  remarks_.clear();
  write("three.t", "1 1:x\n");
  EXPECT_EQ(accuracy("softmax(three)"), "none");
  EXPECT_EQ(remarks_.size(), 1U);
}

TEST_F(TestSets, ThatAreNamedMustFit) {
  const std::string wide = write("wide", "2 1:1\n1 4:1\n");
  const std::string labels = write("labels", "1 1:1\n-1 2:1\n");
  for (const char* problem : {"logistic(tiny, test={})", "softmax(tiny, test={})", "mlp(tiny, 2, test={})"}) {
    EXPECT_EQ(accuracy(fmt::format(fmt::runtime(problem), "wide")),
              wide +
                  ": the highest index is 4; need at most 3, the columns of the training set (columns=4 "
                  "declares more)");
    EXPECT_EQ(accuracy(fmt::format(fmt::runtime(problem), "labels")),
              labels + ": row 2 of the test set has the label -1; need one of the training set's: 1, 2");
  }
  EXPECT_EQ(accuracy("logistic(tiny, test=wide, columns=4)"), "0.5");
  EXPECT_THAT(remarks_, ::testing::IsEmpty());
}

TEST_F(TestSets, CountInTheChecksum) {
  write("other", "1 1:1\n");
  const auto checksum = [&](const char* text) { return make(text)->data_checksum(); };
  EXPECT_NE(checksum("logistic(tiny)"), checksum("logistic(tiny, test=other)"));
  EXPECT_EQ(checksum("logistic(tiny, test=other)"), checksum("softmax(tiny, test=other)"));
}

TEST_F(ProblemMake, DeclaresColumns) {
  EXPECT_EQ(make("logistic(tiny, columns=7)")->dim(), 7U);
  EXPECT_EQ(make("least-squares(tiny, columns=7, bias=1)")->dim(), 8U);
  EXPECT_EQ(make("softmax(three, columns=7)")->dim(), 21U);
  EXPECT_EQ(make("autoencoder(tiny, 2, columns=7)")->dim(), 28U);
  EXPECT_EQ(make("mlp(tiny, 2, columns=7)")->dim(), 22U);
  EXPECT_EQ(error("nonconvex(tiny, columns=2)"),
            (folder_ / "tiny").string() + ":3:3: expected an index <= 2, the number of columns, found 3");
}

TEST_F(ProblemMake, WarnsOfVeryManyClasses) {
  std::ofstream many(folder_ / "many");
  for (int i = 0; i < 1001; ++i) many << i << " 1:1\n";
  many.close();
  std::vector<std::string> remarks;
  setting_.on_remark = [&](const std::string& remark) { remarks.push_back(remark); };
  EXPECT_EQ(make("softmax(many)")->dim(), 1001U);
  EXPECT_THAT(remarks,
              ::testing::ElementsAre("many: 1001 distinct labels make as many classes; least-squares is for "
                                     "numbers to be fitted"));
  EXPECT_EQ(make("softmax(many, rows=1000)")->dim(), 1000U);
  EXPECT_EQ(remarks.size(), 1U);
}

TEST_F(ProblemMake, ErrorsNameTheColumnAndWhatIsNeeded) {
  const std::pair<const char*, const char*> cases[] = {
      {"logistic(tiny, lambda=-1)", "column 1: logistic(tiny, lambda=-1): lambda = -1; need lambda >= 0"},
      {"logistic(tiny, lambda=nan)", "column 1: logistic(tiny, lambda=nan): lambda = nan; need a number"},
      {"softmax(tiny, reg=l1)", "column 1: softmax(tiny, reg=l1): reg = l1; need l2 or nonconvex"},
      {"logistic(tiny, rows=0)", "column 1: logistic(tiny, rows=0): rows = 0; need a whole number >= 1"},
      {"logistic(tiny, bias=2)", "column 1: logistic(tiny, bias=2): bias = 2; need 0 or 1"},
      {"logistic", "column 1: logistic: its data set is missing, a name such as a9a"},
      {"logistc(tiny)",
       "column 1: unknown problem \"logistc\" (did you mean \"logistic\"?); known: logistic, nonconvex, "
       "least-squares, softmax, autoencoder, mlp, torch, quadratic, distributed-ls"},
      {"logistic(tiny, lamda=1)",
       "column 1: logistic(tiny, lamda=1): unknown option \"lamda\" (did you mean \"lambda\"?); known: data, "
       "lambda, "
       "reg, bias, rows, columns, test"},
      {"logistic(tiny(3))", "column 1: logistic(tiny(3)): data = tiny(3); need a plain word"},
      {"logistic(generated(rows=0))", "column 10: generated(rows=0): rows = 0; need a whole number >= 1"},
      {"logistic(generated(d=4, nnz=5))", "column 10: generated(d=4, nnz=5): nnz = 5; need nnz <= 4"},
      {"logistic(generated(noise=2))", "column 10: generated(noise=2): noise = 2; need 0 <= noise <= 1"},
      {"logistic(generated(shift=-1))", "column 10: generated(shift=-1): shift = -1; need shift >= 0"},
      {"logistic(generated(law=cauchy))",
       "column 10: generated(law=cauchy): law = cauchy; need uniform or normal"},
      {"logistic(generated(d=5, nnz=2, law=normal))",
       "column 10: generated(d=5, nnz=2, law=normal): law = normal; need nnz = d = 5: rows with all their "
       "columns"},
      {"least-squares(generated(law=normal))",
       "column 15: generated(law=normal): law = normal; draws rows of two classes"},
      {"logistic(generated(classes=3))",
       "column 10: generated(classes=3): unknown option \"classes\"; known: rows, d, nnz, law, noise, shift, "
       "decades, "
       "rotated, seed"},
      {"softmax(generated(classes=1))",
       "column 9: generated(classes=1): classes = 1; need a whole number >= 2"},
      {"logistic(generated, rows=5)",
       "column 1: logistic(generated, rows=5): rows = 5; need generated(rows=5, ...)"},
      {"softmax(generated, columns=5)",
       "column 1: softmax(generated, columns=5): columns = 5; need generated(d=5, ...)"},
      {"logistic(generated, test=tiny)",
       "column 1: logistic(generated, test=tiny): test = tiny; rows that are drawn have no test set: leave "
       "test "
       "out"},
      {"least-squares(tiny, test=tiny)",
       "column 1: least-squares(tiny, test=tiny): test = tiny; a test set serves to measure accuracy, and "
       "this "
       "problem predicts no class: leave test out"},
      {"autoencoder(tiny, 2, test=tiny)",
       "column 1: autoencoder(tiny, 2, test=tiny): test = tiny; a test set serves to measure accuracy, and "
       "this "
       "problem predicts no class: leave test out"},
      {"softmax(tiny, test=generated(rows=3))",
       "column 1: softmax(tiny, test=generated(rows=3)): test = generated(rows=3); need a plain word"},
      {"autoencoder(tiny)",
       "column 1: autoencoder(tiny): its number of hidden units is missing, as in autoencoder(mnist, 16)"},
      {"autoencoder(tiny, hiden=3)",
       "column 1: autoencoder(tiny, hiden=3): unknown option \"hiden\" (did you mean \"hidden\"?); known: "
       "data, "
       "hidden, seed, rows, columns, test"},
      {"autoencoder(tiny, 0)", "column 1: autoencoder(tiny, 0): hidden = 0; need a whole number >= 1"},
      {"autoencoder(tiny, 2, lambda=1)",
       "column 1: autoencoder(tiny, 2, lambda=1): unknown option \"lambda\" (did you mean \"data\"?); known: "
       "data, "
       "hidden, seed, rows, columns, test"},
      {"autoencoder(tiny, 1000000000)",
       "hidden = 1000000000; need 2 * 3 * hidden < 2^32, as the rows have 3 columns"},
      {"mlp(tiny)", "column 1: mlp(tiny): its widths are missing, as in mlp(mnist, 64)"},
      {"mlp(tiny, 3, 0)", "column 1: mlp(tiny, 3, 0): widths = 0; need a whole number >= 1"},
      {"mlp(tiny, wide)", "column 1: mlp(tiny, wide): widths = wide; need a number"},
      {"mlp(tiny, 3, 4, widths=2)",
       "column 1: mlp(tiny, 3, 4, widths=2): \"widths\" is given twice, by position and by name"},
      {"mlp(tiny, 3, activation=sigmoid)",
       "column 1: mlp(tiny, 3, activation=sigmoid): activation = sigmoid; need relu or tanh"},
      {"mlp(tiny, 3, precision=f16)",
       "column 1: mlp(tiny, 3, precision=f16): precision = f16; need f32 or f64"},
      {"mlp(tiny, 3, lambda=-1)", "column 1: mlp(tiny, 3, lambda=-1): lambda = -1; need lambda >= 0"},
      {"mlp(tiny, 3, 4, reg=l2)",
       "column 1: mlp(tiny, 3, 4, reg=l2): unknown option \"reg\"; known: data, widths, "
       "activation, lambda, seed, precision, rows, columns, test"},
      {"mlp(tiny, 1000000000)",
       "widths = 1000000000; need fewer than 2^32 weights and biases: with 3 columns and 2 classes there are "
       "6000000002"},
      {"torch(cnn, tiny)", "column 1: torch(cnn, tiny): this build has no LibTorch: cmake --preset torch"},
      {"quadratic(d=0)", "column 1: quadratic(d=0): d = 0; need a whole number >= 1"},
      {"quadratic(s=-1)", "column 1: quadratic(s=-1): s = -1; need s >= 0"},
      {"quadratic(lambda=0)", "column 1: quadratic(lambda=0): lambda = 0; need lambda > 0"},
      {"quadratic(seed=4294967296)",
       "column 1: quadratic(seed=4294967296): seed = 4294967296; need seed < 2^32"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(error(text), message);
  EXPECT_NE(error("logistic(three)").find("found 3 distinct labels (1, 2, 3)"), std::string::npos);
  EXPECT_NE(error("logistic(nothing-of-that-name)"), "no error");
  setting_.split = parse("shuffled");
  EXPECT_EQ(error("logistic(generated(d=5))"),
            "column 10: generated(d=5): split = shuffled; these rows belong to their clients already: leave "
            "split out");
  EXPECT_EQ(error("quadratic(d=5)"),
            "column 1: quadratic(d=5): split = shuffled; there are no rows to deal: leave split out");
  setting_.split = parse("contiguous");
  setting_.clients = 6;
  EXPECT_NE(error("logistic(tiny)"), "no error");
  setting_.clients = 0;
  EXPECT_EQ(error("quadratic"), "clients = 0; need clients >= 1");
}

TEST(Problems, TheTableNamesThemAll) {
  EXPECT_EQ(problems().size(), 9U);
  for (const ProblemRow& row : problems()) EXPECT_TRUE(std::string(row.usage).starts_with(row.name));
}

}  // namespace
}  // namespace laconic
