// SPDX-License-Identifier: Apache-2.0
// Data with many more columns than their rows have entries in.
#include "laconic/core/spec.h"
#include "laconic/problem/linear_model.h"
#include "laconic/problem/softmax.h"
#include "laconic/problem/used_columns.h"
#include "laconic/transport/fleet.h"
#include "laconic/transport/threads.h"
#include "tests/problem_testing.h"

namespace laconic {
namespace {

using namespace laconic::testing;

// The most columns that a file can have. A vector of this length takes 16 GiB, so any work for each column is
// noticed.
constexpr std::size_t kMostColumns = std::size_t{1} << 31;

using Factory = std::unique_ptr<Problem> (*)(const Dataset&, const Shards&, const ModelOptions&,
                                             const std::optional<IndexSet>& own);

struct Model {
  const char* name;
  Factory make;
};

constexpr Model kModels[] = {
    {"logistic",
     [](const Dataset& data, const Shards& shards, const ModelOptions& options,
        const std::optional<IndexSet>& own) { return make_logistic(data, shards, options, {}, own); }},
    {"least-squares", make_least_squares},
    {"softmax",
     [](const Dataset& data, const Shards& shards, const ModelOptions& options,
        const std::optional<IndexSet>& own) { return make_softmax(data, shards, options, {}, own); }},
};

/// The position of column c of `narrow` columns among `wide` columns.
std::uint32_t place_of(std::size_t c, std::size_t narrow, std::size_t wide) {
  return static_cast<std::uint32_t>((c + 1) * (wide / narrow) - 1);
}

Dataset widened(const Dataset& data, std::size_t columns) {
  Dataset wide = data;
  for (std::uint32_t& c : std::get<SparseRows>(wide.features).column) c = place_of(c, data.columns, columns);
  wide.columns = columns;
  return wide;
}

void expect_near(const Constants& found, const Constants& expected, const std::string& what) {
  const auto close = [&](double a, double b) { EXPECT_NEAR(a, b, 1e-12 * b) << what; };
  close(found.L_minus, expected.L_minus);
  close(found.L_plus, expected.L_plus);
  close(found.L_pm, expected.L_pm);
  close(found.L_tilde, expected.L_tilde);
  close(found.L_max, expected.L_max);
  close(found.L_sample, expected.L_sample);
}

TEST(WideData, HasTheConstantsOfTheColumnsThatAreUsed) {
  ThreadPool pool(2);
  Fleet fleet(pool);
  for (const Values values : {Values::ones, Values::few, Values::many, Values::mixed}) {
    const Dataset narrow = random_data(400, 60, values, 7);
    const Dataset wide = widened(narrow, kMostColumns);
    for (const std::size_t clients : {1, 3, 10, 40}) {  // 400, 133, 40 and 10 rows
      for (const char* split : {"contiguous", "by-label"}) {
        const Shards shards = split_rows(parse(split), narrow.labels, clients, 1);
        for (const bool bias : {false, true}) {
          const ModelOptions options = {.regulariser = {.lambda = 0.01}, .bias = bias};
          for (const Model& model : kModels) {
            const auto expected = model.make(narrow, shards, options, {})->constants(fleet);
            const auto found = model.make(wide, shards, options, {})->constants(fleet);
            expect_near(*found, *expected,
                        std::string(model.name) + ", " + split + ", " + std::to_string(clients) + " clients");
          }
        }
      }
    }
  }
}

TEST(WideData, HasTheSameConstantsOnAnyNumberOfRanks) {
  const Dataset data = widened(random_data(200, 60, Values::many, 8), kMostColumns);
  const Shards shards = split_rows(parse("by-label"), data.labels, 7, 1);
  for (const Model& model : kModels) {
    ThreadPool alone(1);
    Fleet one(alone);
    const Constants expected = model.make(data, shards, {}, {})->constants(one).value();
    run_ranks(3, [&](Transport& transport) {
      ThreadPool pool(2);
      Fleet fleet(pool, transport);
      const auto problem = model.make(data, shards, {}, IndexSet(fleet.owned(shards.size())));
      const Constants found = problem->constants(fleet).value();
      EXPECT_EQ(found.L_minus, expected.L_minus) << model.name;
      EXPECT_EQ(found.L_tilde, expected.L_tilde) << model.name;
    });
  }
}

TEST(WideData, WithoutEntriesHasTheConstantsOfItsRegulariser) {
  ThreadPool pool(1);
  Fleet fleet(pool);
  Dataset data = random_data(60, 5, Values::ones, 9);
  data.columns = kMostColumns;
  data.features = SparseRows{.begin = std::vector<std::uint64_t>(61, 0), .column = {}, .value = {}};
  const ModelOptions options = {.regulariser = {.lambda = 0.25}};
  for (const Model& model : kModels) {
    for (const std::size_t clients : {1, 20}) {
      const Shards shards = split_rows(parse("contiguous"), data.labels, clients, 1);
      const Constants found = model.make(data, shards, options, {})->constants(fleet).value();
      EXPECT_EQ(found.L_minus, 0.25) << model.name;
      EXPECT_EQ(found.L_max, 0.25) << model.name;
    }
  }
}

TEST(WideData, HasTheGradientsOfTheColumnsThatAreUsed) {
  constexpr std::size_t kNarrow = 60, kWide = 100'000;
  for (const Values values : {Values::ones, Values::few, Values::many, Values::mixed}) {
    const Dataset narrow = random_data(300, kNarrow, values, 10);
    const Shards shards = split_rows(parse("contiguous"), narrow.labels, 2, 1);
    const auto expected = make_logistic(narrow, shards, {}, {});
    const auto found = make_logistic(widened(narrow, kWide), shards, {}, {});
    const Vector x = random_vector(kNarrow, 11);
    Vector wide_x(kWide, 0.0), g(kNarrow), wide_g(kWide);
    for (std::size_t c = 0; c < kNarrow; ++c) wide_x[place_of(c, kNarrow, kWide)] = x[c];
    for (std::size_t i = 0; i < shards.size(); ++i) {
      const double value = expected->value_gradient(i, Rows::everything(), x, g).value;
      EXPECT_EQ(found->value_gradient(i, Rows::everything(), wide_x, wide_g).value, value);
      Vector spread(kWide, 0.0);
      for (std::size_t c = 0; c < kNarrow; ++c) spread[place_of(c, kNarrow, kWide)] = g[c];
      EXPECT_EQ(wide_g, spread);
    }
  }
}

TEST(UsedColumns, AreThoseOfTheEntriesAscending) {
  std::mt19937 generator(12);
  for (const std::size_t entries : {0, 1, 50, 1000}) {
    for (const std::size_t columns : {1, 7, 300, 1'000'000}) {  // fewer than the entries, and far more
      std::vector<std::uint32_t> column(entries);
      for (std::uint32_t& c : column) c = static_cast<std::uint32_t>(generator() % columns);
      const UsedColumns used = used_columns(column, columns);
      std::vector<std::uint32_t> expected = column;
      std::sort(expected.begin(), expected.end());
      expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
      EXPECT_EQ(used.columns, expected);
      ASSERT_EQ(used.place.size(), entries);
      for (std::size_t e = 0; e < entries; ++e) EXPECT_EQ(used.columns[used.place[e]], column[e]);
    }
  }
}

}  // namespace
}  // namespace laconic
