// SPDX-License-Identifier: Apache-2.0
#include "laconic/catalogue/catalogue.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>

#include "laconic/catalogue/method_facts.h"
#include "laconic/catalogue/text.h"
#include "laconic/compress/compressor.h"
#include "laconic/core/error.h"
#include "laconic/methods/citations.h"
#include "laconic/report/trace.h"

namespace laconic::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::vector<NameTable>& tables() {
  static const std::vector<NameTable> all = catalogue();
  return all;
}

TEST(Catalogue, DescribesEachNameOnceInItsTable) {
  for (const NameTable& table : tables()) {
    EXPECT_THAT(table.entries, Not(IsEmpty())) << table.name;
    std::set<std::string> names;
    for (const NameRow& entry : table.entries) {
      EXPECT_TRUE(names.insert(entry.name).second) << table.name << ": " << entry.name;
      EXPECT_THAT(entry.summary, Not(IsEmpty())) << entry.name;
    }
  }
}

TEST(Catalogue, HasTheStepAndTheExampleOfEachMethod) {
  const NameTable& table = *table_named("methods", tables());
  ASSERT_EQ(table.entries.size(), methods().size());
  for (const NameRow& entry : table.entries) {
    EXPECT_THAT(fact(entry, "step"), Not(IsEmpty())) << entry.name << ": its example is refused";
    EXPECT_THAT(fact(entry, "example"), HasSubstr(entry.name));
  }
  const auto step_of = [](const char* name) { return fact(*entries_named(name, tables())[0].entry, "step"); };
  EXPECT_THAT(step_of("marina"), HasSubstr("theory: MARINA, Theorem 2.1"));
  EXPECT_THAT(step_of("ef21"), HasSubstr("tight: "));
  EXPECT_EQ(step_of("local-sgd"), "a number: no theorem gives one");
}

TEST(Catalogue, FindsAllEntriesOfAName) {
  std::vector<std::string> kinds;
  for (const Found& found : entries_named("step", tables())) kinds.push_back(found.table->kind);
  EXPECT_THAT(kinds,
              ::testing::ElementsAre("key of a run", "rule of the server's step", "column of trace.csv"));
  EXPECT_EQ(entries_named("3pc-v1(top-k(10))", tables()).size(), 1U);
  EXPECT_NO_THROW(require_names({"methods", "top-k", "uplink_bits"}, tables()));
  try {
    require_names({"marinna"}, tables());
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "there is no name \"marinna\" (did you mean \"marina\"?); `laconic list` has all names");
  }
}

TEST(Catalogue, DescribesTheColumnsOfTheTrace) {
  std::vector<std::string> names;
  const Row row;
  for_each_column(row, [&](const char* name, const auto&) { names.emplace_back(name); });
  std::vector<std::string> described;
  for (const NameRow& entry : table_named("columns", tables())->entries) described.push_back(entry.name);
  EXPECT_EQ(described, names);
}

TEST(Citations, ExistForEachPaperAndAreWellFormed) {
  for (const MethodRow& row : methods())
    EXPECT_TRUE(row.paper == "-" || citation_in(row.paper) != nullptr) << row.name << ": " << row.paper;
  std::set<std::string> keys;
  for (const Citation& citation : citations()) {
    EXPECT_TRUE(keys.insert(citation.key).second) << citation.key;
    EXPECT_EQ(citation_in(citation.arxiv), &citation);
    const std::string entry = bibtex(citation);
    int depth = 0;
    for (const char c : entry) {
      depth += c == '{' ? 1 : c == '}' ? -1 : 0;
      EXPECT_GE(depth, 0) << entry;
    }
    EXPECT_EQ(depth, 0) << entry;
    for (const char* field : {"author", "title", "year", "eprint"})
      EXPECT_THAT(entry, HasSubstr(std::string("\n  ") + field + " = {")) << entry;
    EXPECT_THAT(line_of(citation), Not(::testing::ContainsRegex("[{}\\\\]")));
  }
  const Citation* marina = citation_in("arXiv 2102.07845");
  ASSERT_NE(marina, nullptr);
  EXPECT_EQ(line_of(*marina),
            "Gorbunov et al. 2021: MARINA: Faster Non-Convex Distributed Learning with Compression, "
            "arXiv 2102.07845");
  EXPECT_EQ(citation_of_compressor("perm-k"), citation_in("2110.03300"));
  for (const CompressorRow& row : compressors())
    EXPECT_TRUE(citation_of_compressor(row.name) == nullptr ||
                !std::string(citation_of_compressor(row.name)->title).empty());
  EXPECT_EQ(citation_in("-"), nullptr);
}

TEST(Catalogue, IsMarkdownWithEscapedBars) {
  const std::string text = reference_of(tables());
  EXPECT_THAT(text, HasSubstr("\n## Methods; C is a compressor, Q an unbiased one\n\n| method | meaning |"));
  EXPECT_THAT(text, HasSubstr("diana(Q, alpha=1/(1+omega), init=zero\\|exact)"));
}

}  // namespace
}  // namespace laconic::testing
