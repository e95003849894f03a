// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/libsvm.h"

#include <algorithm>
#include <map>
#include <ostream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/real_data.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const SparseRows& sparse(const Dataset& set) { return std::get<SparseRows>(set.features); }

TEST(Libsvm, ReadsRowsAsTheyAre) {
  const Dataset set = parse_libsvm("+1 1:0.5 3:-2\n-1\n0 2:0 4:1e-3\n", "f");
  EXPECT_EQ(set.name, "f");
  EXPECT_EQ(set.rows, 3U);
  EXPECT_EQ(set.columns, 4U);
  EXPECT_THAT(set.labels, ElementsAre(1, -1, 0));
  EXPECT_THAT(sparse(set).begin, ElementsAre(0, 2, 2, 4));
  EXPECT_THAT(sparse(set).column, ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(sparse(set).value, ElementsAre(0.5, -2, 0, 1e-3));
}

TEST(Libsvm, ReadsEverySpellingOfOneText) {
  const Dataset plain = parse_libsvm("-1 1:1 3:2\n1 2:1\n", "f");
  for (const char* text : {
           "-1 1:1 3:2\n1 2:1",                   // no last line end
           "-1 1:1 3:2\r\n1 2:1\r\n",             // CRLF
           "-1 1:1 3:2 \t\r\n1 2:1  \r\n",        // blanks, then CRLF
           "-1 1:1 3:2\r \n1 2:1\r\r\n",          // CR twice, or before a blank
           "\n \n-1 1:1 3:2\n\r\n\t\n1 2:1\n\n",  // blank lines
           "\t-1\t1:1   3:2\n  1 2:1\n",          // tabs and blanks between
           "# made by hand\n-1 1:1 3:2 # first\n1 2:1#last", "-1.0 1:1e0 3:+2.\n+1 2:10E-1\n",
           "-1e+0 1:01 3:.2e1\n+1.00 2:1\n",
           "\xef\xbb\xbf-1 1:1 3:2\n1 2:1\n",  // byte order mark
           "-1 1: 1 3:\t 2\n1 2:\t1\r\n",      // blanks after a colon
           "-1 +1:1 3:+2\n+1 +2:1\n",          // indices with a plus sign
       }) {
    const Dataset set = parse_libsvm(text, "f");
    EXPECT_EQ(set.rows, 2U) << text;
    EXPECT_EQ(set.columns, 3U) << text;
    EXPECT_EQ(set.labels, plain.labels) << text;
    EXPECT_EQ(sparse(set).begin, sparse(plain).begin) << text;
    EXPECT_EQ(sparse(set).column, sparse(plain).column) << text;
    EXPECT_EQ(sparse(set).value, sparse(plain).value) << text;
  }
}

TEST(Libsvm, KeepsNumbersToTheLastBit) {
  const Dataset set =
      parse_libsvm("0.1 1:0.1 2:1.7976931348623157e308 3:5e-324 4:-2.2250738585072014E-308\n", "f");
  EXPECT_THAT(sparse(set).value, ElementsAre(0.1, 1.7976931348623157e308, 5e-324, -2.2250738585072014e-308));
  const Dataset tiny = parse_libsvm("1 1:1 2:1e-400 3:0." + std::string(400, '0') + "1\n", "f");
  EXPECT_THAT(sparse(tiny).value, ElementsAre(1, 0, 0));
}

TEST(Libsvm, StoresASharedValueOnce) {
  struct Case {
    const char* text;
    std::vector<double> stored;
    std::vector<double> seen;
  };
  for (const Case& each :
       {Case{"1 1:2 2:2\n0 1:2\n", {2}, {2, 2, 2}}, Case{"1 1:2 2:2\n0 1:3\n", {2, 2, 3}, {2, 2, 3}},
        Case{"1 1:2\n0 1:3\n", {2, 3}, {2, 3}}, Case{"1 1:2\n", {2}, {2}},
        Case{"1 1:0\n1 1:0\n", {0}, {0, 0}}, Case{"1 1:2\n1\n1 1:1\n1 1:2", {2, 1, 2}, {2, 1, 2}}}) {
    const Dataset set = parse_libsvm(each.text, "f");
    EXPECT_EQ(sparse(set).value, each.stored) << each.text;
    ASSERT_EQ(sparse(set).column.size(), each.seen.size()) << each.text;
    for (std::size_t i = 0; i < each.seen.size(); ++i)
      EXPECT_EQ(sparse(set).value_at(i), each.seen[i]) << each.text;
  }
}

TEST(Libsvm, TakesTheDeclaredColumns) {
  EXPECT_EQ(parse_libsvm("1 3:1\n", "f", {.columns = 5}).columns, 5U);
  EXPECT_EQ(parse_libsvm("1 3:1\n", "f", {.columns = 3}).columns, 3U);
  const Dataset empty_rows = parse_libsvm("1\n-1\n", "f", {.columns = 2});
  EXPECT_EQ(empty_rows.columns, 2U);
  EXPECT_EQ(empty_rows.rows, 2U);
  EXPECT_THAT(sparse(empty_rows).value, IsEmpty());
  EXPECT_EQ(parse_libsvm("1 2147483648:1\n", "f").columns, std::size_t{1} << 31);
}

TEST(Libsvm, KeepsTheFirstRowsButTheDimensionOfAll) {
  const std::string text = "1 1:1\n2 2:1\n3 7:5\n";
  const Dataset two = parse_libsvm(text, "f", {.rows = 2});
  EXPECT_EQ(two.rows, 2U);
  EXPECT_EQ(two.columns, 7U);
  EXPECT_THAT(two.labels, ElementsAre(1, 2));
  EXPECT_THAT(sparse(two).begin, ElementsAre(0, 1, 2));
  EXPECT_THAT(sparse(two).value, ElementsAre(1));
  EXPECT_EQ(parse_libsvm(text, "f", {.rows = 3}).rows, 3U);
}

TEST(Libsvm, StoresTheRowsThatAreChosenByTheLabels) {
  const std::string text = "\xef\xbb\xbf+1 1:1 # of four\n2 2:3\n\n3\r\n 4 7:5 8:6";
  const ChooseRows odd = [](const std::vector<double>& labels) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < labels.size(); ++i) {
      if (static_cast<int>(labels[i]) % 2 == 0) rows.push_back(i);
    }
    return rows;
  };
  const Dataset all = parse_libsvm(text, "f");
  const Dataset some = parse_libsvm(text, "f", {.choose = odd});
  EXPECT_EQ(some.rows, 4U);
  EXPECT_EQ(some.columns, 8U);
  EXPECT_EQ(some.labels, all.labels);
  EXPECT_EQ(some.checksum, all.checksum);
  EXPECT_NE(some.checksum, parse_libsvm("1 8:1\n", "f").checksum);
  EXPECT_THAT(*some.stored, ElementsAre(1, 3));
  EXPECT_THAT(sparse(some).begin, ElementsAre(0, 1, 3));
  EXPECT_THAT(sparse(some).column, ElementsAre(1, 6, 7));
  EXPECT_THAT(sparse(some).value, ElementsAre(3, 5, 6));
  EXPECT_EQ(some.place_of(3), 1U);
  EXPECT_THROW((void)some.place_of(2), std::logic_error);
  EXPECT_EQ(all.place_of(2), 2U);
  EXPECT_THAT(*parse_libsvm(text, "f", {.rows = 3, .choose = odd}).stored, ElementsAre(1));
  EXPECT_EQ(error_of([&] { parse_libsvm("2 1:1\n1 x\n", "f", {.choose = odd}); }),
            error_of([&] { parse_libsvm("2 1:1\n1 x\n", "f"); }))
      << "rows that are not chosen are checked too";
}

TEST(Libsvm, ErrorsNameFileLineAndColumn) {
  const std::pair<std::string, const char*> cases[] = {
      {"yes 1:1\n", "f:1:1: expected a label (a number), found \"yes\""},
      {"1:1 2:1\n", "f:1:1: expected a label (a number), found \"1:1\""},
      {"1,2 1:1\n", "f:1:1: expected a label (a number), found \"1,2\""},
      {"+-1 1:1\n", "f:1:1: expected a label (a number), found \"+-1\""},
      {"++1 1:1\n", "f:1:1: expected a label (a number), found \"++1\""},
      {"+ 1:1\n", "f:1:1: expected a label (a number), found \"+\""},
      {"0x1 1:1\n", "f:1:1: expected a label (a number), found \"0x1\""},
      {"1 1:1\nnan 1:1\n", "f:2:1: expected a finite label, found \"nan\""},
      {"-inf 1:1\n", "f:1:1: expected a finite label, found \"-inf\""},
      {"1e999 1:1\n", "f:1:1: expected a label below 1.8e308, found \"1e999\""},
      {"1 1:1 5 6:1\n", "f:1:7: expected index:value with a whole number as index, found \"5\""},
      {"1 a:1\n", "f:1:3: expected index:value with a whole number as index, found \"a:1\""},
      {"1 -1:1\n", "f:1:3: expected index:value with a whole number as index, found \"-1:1\""},
      {"1 1.5:1\n", "f:1:3: expected index:value with a whole number as index, found \"1.5:1\""},
      {"1 :1\n", "f:1:3: expected index:value with a whole number as index, found \":1\""},
      {"1 1 :1\n", "f:1:3: expected index:value with a whole number as index, found \"1\""},
      {"1 qid:7 1:1\n",
       "f:1:3: expected index:value, found \"qid:7\" (query ids, as ranking data have them, are not "
       "supported)"},
      {"# c\n\n1 0:1\n", "f:3:3: expected an index >= 1, found 0"},
      {"1 1:1 3:1 2:1\n", "f:1:11: expected an index above 3, the one before it, found 2"},
      {"1 3:1\r\n1 3:1 3:2\r\n", "f:2:7: expected an index above 3, the one before it, found 3"},
      {"1 2147483649:1\n", "f:1:3: expected an index <= 2147483648, found 2147483649"},
      {"1 99999999999999999999999:1\n",
       "f:1:3: expected an index <= 2147483648, found 99999999999999999999999"},
      {"1 1:\n", "f:1:5: expected a value (a number), found nothing"},
      {"1 1: \t\n", "f:1:5: expected a value (a number), found nothing"},
      {"1 1: 2:5\n", "f:1:6: expected a value (a number), found \"2:5\""},
      {"1 1 : 5\n", "f:1:3: expected index:value with a whole number as index, found \"1\""},
      {"1 ++1:1\n", "f:1:3: expected index:value with a whole number as index, found \"++1:1\""},
      {"1 +:1\n", "f:1:3: expected index:value with a whole number as index, found \"+:1\""},
      {"1 +-1:1\n", "f:1:3: expected index:value with a whole number as index, found \"+-1:1\""},
      {"1 1:x\n", "f:1:5: expected a value (a number), found \"x\""},
      {"1 1:2x 2:1\n", "f:1:5: expected a value (a number), found \"2x\""},
      {"1 1:1:1\n", "f:1:5: expected a value (a number), found \"1:1\""},
      {"  1\t1:NaN\n", "f:1:7: expected a finite value, found \"NaN\""},
      {"1 1:1 2:Infinity\n", "f:1:9: expected a finite value, found \"Infinity\""},
      {"1 1:-1e400\n", "f:1:5: expected a value below 1.8e308, found \"-1e400\""},
      {"1 1:1\r-1 1:1\r", "f:1:5: expected a value (a number), found \"1\\x0d-1\""},
      {std::string("\x89PNG\x0d\x0a\x1a\x00", 8), "f:1:1: expected a label (a number), found \"\\x89PNG\""},
      {"\x1b[2J\a", "f:1:1: expected a label (a number), found \"\\x1b[2J\\x07\""},
      {std::string(1000, 'x'), "f:1:1: expected a label (a number), found \"xxxxxxxxxxxxxxxxxxxxxxxx...\""},
      {"", "f: expected rows of LIBSVM text, found none"},
      {"# nothing\n\n \r\n", "f: expected rows of LIBSVM text, found none"},
      {"1\n-1\n", "f: expected features, found none in any row (columns=N declares how many there are)"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(error_of([&] { parse_libsvm(text, "f"); }), message);
}

TEST(Libsvm, RefusesOptionsThatDoNotFit) {
  const auto error = [](const LibsvmOptions& options) {
    return error_of([&] { parse_libsvm("1 1:1 124:1\n1 1:1\n", "f", options); });
  };
  EXPECT_EQ(error({.columns = 123}), "f:1:7: expected an index <= 123, the number of columns, found 124");
  EXPECT_EQ(error({.columns = 0}), "f: columns = 0; need 1 <= columns <= 2147483648");
  EXPECT_EQ(error({.columns = std::size_t{1} << 40}),
            "f: columns = 1099511627776; need 1 <= columns <= 2147483648");
  EXPECT_EQ(error({.rows = 0}), "f: rows = 0; need rows >= 1");
  EXPECT_EQ(error({.rows = 3}), "f: rows = 3; need rows <= 2, the rows there are");
  EXPECT_EQ(error_of([] { parse_libsvm("1 1:1\n1 x\n", "f", {.rows = 1}); }),
            "f:2:3: expected index:value with a whole number as index, found \"x\"");
}

TEST(Libsvm, ReadsFilesAndNamesThem) {
  const TemporaryFolder folder;
  const std::string packed = folder.write("set.gz", gzipped("1 2:1\n-1 1:1\n"));
  const Dataset set = read_libsvm(packed);
  EXPECT_EQ(set.name, packed);
  EXPECT_THAT(set.labels, ElementsAre(1, -1));
  const std::string bad = folder.write("bad", "1 2:1\n-1 1;1\n");
  EXPECT_EQ(error_of([&] { read_libsvm(bad); }),
            bad + ":2:4: expected index:value with a whole number as index, found \"1;1\"");
  EXPECT_EQ(error_of([&] { read_libsvm(folder.path("none")); }),
            folder.path("none") + ": cannot read: No such file or directory");
}

TEST(LooksLikeLibsvm, JudgesByTheStart) {
  for (const char* text : {"1 1:1", "-1 3:1 17", "+1\n+1 2:0.5 3", "1 1:1\n", "# c\n1 1:1 2:", "\n1 1:1\n-",
                           "1 1: .5 2: .", "1 1: .5 2:\t", "1 1: .5 2: "}) {
    EXPECT_TRUE(looks_like_libsvm(text)) << text;
  }
  for (const char* text :
       {"", "# Data sets\n", "1\n2\n3\n", "a,b\n1,2\n", "key = 1\n", "1 1", "\x89PNG", "1 1:1 x y"}) {
    EXPECT_FALSE(looks_like_libsvm(text)) << text;
  }
}

struct RealSet {
  const char* name;
  std::size_t rows;
  std::size_t highest;
  std::size_t entries;
  std::size_t longest_row;
  std::size_t values;  // number of stored values: 1 if all are equal
  std::map<double, std::size_t> labels;
};

/// For the names of the tests, which would otherwise contain addresses.
void PrintTo(const RealSet& set, std::ostream* out) { *out << set.name; }

class RealLibsvm : public testing::TestWithParam<RealSet> {};

TEST_P(RealLibsvm, HasThePublishedCounts) {
  const RealSet& expected = GetParam();
  const auto path = real_file(std::string(expected.name) + ".gz");
  if (!path) GTEST_SKIP() << "no " << expected.name << ".gz in LACONIC_DATA";
  const Dataset set = read_libsvm(*path);
  const SparseRows& rows = sparse(set);
  EXPECT_EQ(set.rows, expected.rows);
  EXPECT_EQ(set.columns, expected.highest);
  EXPECT_EQ(rows.column.size(), expected.entries);
  EXPECT_EQ(rows.value.size(), expected.values);
  std::map<double, std::size_t> labels;
  for (const double label : set.labels) ++labels[label];
  EXPECT_EQ(labels, expected.labels);
  ASSERT_EQ(rows.begin.size(), set.rows + 1);
  std::size_t longest = 0;
  for (std::size_t i = 0; i < set.rows; ++i) longest = std::max(longest, rows.begin[i + 1] - rows.begin[i]);
  EXPECT_EQ(longest, expected.longest_row);
}

INSTANTIATE_TEST_SUITE_P(
    All, RealLibsvm,
    testing::Values(RealSet{"mushrooms", 8124, 112, 170604, 21, 1, {{1, 3916}, {2, 4208}}},
                    RealSet{"phishing", 11055, 68, 331650, 30, 1, {{0, 4898}, {1, 6157}}},
                    RealSet{"a9a", 32561, 123, 451592, 14, 1, {{-1, 24720}, {1, 7841}}},
                    RealSet{"a9a.t", 16281, 122, 225731, 14, 1, {{-1, 12435}, {1, 3846}}},
                    RealSet{"a1a", 1605, 119, 22249, 14, 1, {{-1, 1210}, {1, 395}}},
                    RealSet{"w8a", 49749, 300, 579586, 114, 1, {{-1, 48270}, {1, 1479}}},
                    RealSet{"ijcnn1", 49990, 22, 649870, 13, 649870, {{-1, 45137}, {1, 4853}}}),
    [](const auto& test) {
      std::string name = test.param.name;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

TEST(RealLibsvmValues, AreThoseOfTheFiles) {
  const auto phishing = real_file("phishing.gz");
  const auto ijcnn1 = real_file("ijcnn1.gz");
  const auto w8a = real_file("w8a.gz");
  if (!phishing || !ijcnn1 || !w8a) GTEST_SKIP() << "no phishing.gz, ijcnn1.gz or w8a.gz in LACONIC_DATA";
  EXPECT_EQ(sparse(read_libsvm(*phishing)).value, std::vector<double>{0.18257});

  const Dataset set = read_libsvm(*ijcnn1);
  const std::vector<double>& values = sparse(set).value;
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), -0.930435);
  EXPECT_EQ(*std::max_element(values.begin(), values.end()), 1);
  EXPECT_EQ(std::count(values.begin(), values.end(), 0.0), 1);
  EXPECT_EQ(values[3], 0.0);  // the explicit 13:0 of the first row

  const Dataset sparse_set = read_libsvm(*w8a);
  const auto& begin = sparse(sparse_set).begin;
  std::size_t empty_rows = 0;
  for (std::size_t i = 0; i < sparse_set.rows; ++i) empty_rows += begin[i] == begin[i + 1] ? 1 : 0;
  EXPECT_EQ(empty_rows, 4203U);
}

}  // namespace
}  // namespace laconic
