// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/spec.h"

#include <limits>

#include <gtest/gtest.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Spec, PrintsTheCanonicalForm) {
  const std::pair<const char*, const char*> spellings[] = {
      {"gd", "gd"},
      {" marina( rand-k( 10 ) ) ", "marina(rand-k(10))"},
      {"perm-k()", "perm-k"},
      {"3pc-v1(top-k(1%))", "3pc-v1(top-k(1%))"},
      {"logistic(a9a,lambda=1e-1,reg=nonconvex)", "logistic(a9a, lambda=0.1, reg=nonconvex)"},
      {"k-gt(steps=+5)", "k-gt(steps=5)"},
      {R"(softmax("my data/a \"b\".gz", bias=1))", R"(softmax("my data/a \"b\".gz", bias=1))"},
      {"torus(4,4)", "torus(4, 4)"},
      {"deadline(50ms)", "deadline(50ms)"},
  };
  for (const auto& [text, canonical] : spellings) {
    const Spec spec = parse(text);
    EXPECT_EQ(print(spec), canonical);
    EXPECT_EQ(parse(print(spec)), spec) << text;
  }
}

TEST(Spec, ErrorsNameTheColumnAndWhatWasExpected) {
  EXPECT_EQ(error_of([] { parse("marina(rand-k(10)"); }),
            "column 18: expected ')' to close the '(' of column 7, found the end");
  EXPECT_EQ(error_of([] { parse(""); }),
            "column 1: expected a name such as marina(rand-k(10)), found the end");
  EXPECT_EQ(error_of([] { parse("gd)"); }), "column 3: unexpected ')' after the end of the description");
  EXPECT_EQ(error_of([] { parse("a(b c)"); }),
            "column 5: expected ',' or ')', found 'c' (a text with blanks needs double quotes)");
  EXPECT_EQ(error_of([] { parse("a(b,)"); }), "column 5: expected an argument, found ')'");
  EXPECT_EQ(error_of([] { parse("a(k=1, k=2)"); }), "column 8: \"k\" is given twice");
  EXPECT_EQ(error_of([] { parse("a(k=1, 2)"); }),
            "column 8: an argument without a name must come before those with one");
  EXPECT_EQ(error_of([] { parse("a(\"b)"); }), "column 6: expected '\"' to close the text begun in column 3");
  EXPECT_THROW(parse(std::string(100000, '(').insert(0, 1, 'a')), InputError);
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "a(";
  EXPECT_THROW(parse(deep), InputError);
}

TEST(Arguments, ReadByPositionOrName) {
  for (const char* text : {"p(7, x=2)", "p(k=7, x=2)"}) {
    const Spec spec = parse(text);
    Arguments args(spec);
    EXPECT_EQ(args.count_of("k", 10, 0), 7U);
    EXPECT_EQ(args.number("x", 0.0), 2.0);
    EXPECT_EQ(args.number("y", 5.0), 5.0);
    args.done();
  }
}

TEST(Arguments, SharesRoundUp) {
  const auto share = [](const char* text, std::size_t whole) {
    const Spec spec = parse(text);
    Arguments args(spec);
    return args.count_of("k", whole, 0);
  };
  EXPECT_EQ(share("c(1%)", 1000), 10U);
  EXPECT_EQ(share("c(1%)", 1001), 11U);
  EXPECT_EQ(share("c(0.001%)", 10), 1U);
  EXPECT_EQ(share("c(7%)", 100), 7U);
  EXPECT_EQ(share("c(100%)", 123), 123U);
}

TEST(Arguments, RefuseNumbersOutsideTheirInterval) {
  const auto read = [](const char* text, const Interval& interval) {
    return error_of([&] {
      const Spec spec = parse(text);
      Arguments args(spec);
      args.number_in("p", 0.5, interval, 0);
      args.required_number_in("p", interval, 0, "p is missing");
    });
  };
  EXPECT_EQ(read("c(1)", kPositiveShare), "no error");
  EXPECT_EQ(read("c(0)", kShareBelowOne), "no error");
  EXPECT_EQ(read("c()", kShare), "column 1: c: p is missing");
  EXPECT_EQ(read("c(0)", kPositiveShare), "column 1: c(0): p = 0; need 0 < p <= 1");
  EXPECT_EQ(read("c(1)", kShareBelowOne), "column 1: c(1): p = 1; need 0 <= p < 1");
  EXPECT_EQ(read("c(1.5)", kShare), "column 1: c(1.5): p = 1.5; need 0 <= p <= 1");
  EXPECT_EQ(read("c(0)", kPositive), "column 1: c(0): p = 0; need p > 0");
  EXPECT_EQ(read("c(-1)", kNotNegative), "column 1: c(-1): p = -1; need p >= 0");
  EXPECT_EQ(read("c(2)", {.high = 1}), "column 1: c(2): p = 2; need p < 1");
  EXPECT_FALSE(kPositive.contains(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(kPositive.contains(std::numeric_limits<double>::quiet_NaN()));
}

TEST(Arguments, RefuseWhatTheyDoNotKnow) {
  const auto read = [](const char* text) {
    return error_of([text] {
      const Spec spec = parse(text);
      Arguments args(spec);
      args.count_of("k", 10, 0);
      args.number("lambda", 0.0);
      args.done();
    });
  };
  EXPECT_EQ(read("c(0)"), "column 1: c(0): k = 0; need a whole number with 1 <= k <= 10");
  EXPECT_EQ(read("c(11)"), "column 1: c(11): k = 11; need a whole number with 1 <= k <= 10");
  EXPECT_EQ(read("c(1.5)"), "column 1: c(1.5): k = 1.5; need a whole number with 1 <= k <= 10");
  EXPECT_EQ(read("c(nan)"), "column 1: c(nan): k = nan; need a count such as 10, or a share such as 1%");
  EXPECT_EQ(read("c(1, lamda=3)"),
            "column 1: c(1, lamda=3): unknown option \"lamda\" (did you mean \"lambda\"?); known: k, lambda");
  EXPECT_EQ(read("c(1, 2)"), "column 1: c(1, 2): takes one argument without a name; found 1 more: 2");
  EXPECT_EQ(read("c(1, k=2)"), "column 1: c(1, k=2): \"k\" is given twice, by position and by name");
  EXPECT_EQ(read("c()"), "column 1: c: \"k\" is missing: a count such as 10, or a share such as 1%");
}

TEST(Spec, QuotesAWholeCharacter) {
  const auto error_of = [](const std::string& text) {
    try {
      parse(text);
    } catch (const SpecError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error_of("gd \xc3\xa9"), "column 4: unexpected '\xc3\xa9' after the end of the description");
  EXPECT_EQ(error_of("gd x"), "column 4: unexpected 'x' after the end of the description");
  EXPECT_EQ(error_of(std::string("gd\0", 3)),
            "column 3: unexpected '\\x00' after the end of the description");
  EXPECT_EQ(error_of("gd \xff"), "column 4: unexpected '\\xff' after the end of the description");
}

}  // namespace
}  // namespace laconic
