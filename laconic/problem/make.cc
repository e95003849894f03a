// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/make.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/data/lookup.h"
#include "laconic/data/split.h"
#include "laconic/problem/linear_model.h"
#include "laconic/problem/quadratic.h"
#include "laconic/problem/softmax.h"

namespace laconic {
namespace {

/// The arguments that all problems over data share, read and checked before any file is.
struct DataArguments {
  std::string name;
  DataOptions data;
  ModelOptions model;
};

DataArguments read_data_arguments(Arguments& arguments, const ProblemSetting& setting) {
  DataArguments read;
  read.name = arguments.word("data", "", 0);
  if (read.name.empty()) arguments.fail("its data set is missing, a name such as a9a");
  read.model.regulariser.lambda = arguments.number("lambda", 0.0);
  if (!(read.model.regulariser.lambda >= 0) || std::isinf(read.model.regulariser.lambda)) {
    arguments.fail(fmt::format("lambda = {}; need lambda >= 0", read.model.regulariser.lambda));
  }
  read.model.regulariser.kind = arguments.choice("reg", {"l2", "nonconvex"}, "l2") == "l2"
                                    ? Regulariser::Kind::l2
                                    : Regulariser::Kind::nonconvex;
  read.model.bias = arguments.flag("bias", false);
  if (const std::size_t rows = arguments.whole("rows", 0); rows > 0) read.data.rows = rows;
  read.data.folders = setting.folders;
  arguments.done();
  return read;
}

Shards deal(const std::vector<double>& labels, const ProblemSetting& setting) {
  return of_text("split",
                 [&] { return split_rows(setting.split, labels, setting.clients, setting.split_seed); });
}

std::vector<std::uint32_t> rows_of(const Shards& shards, Range own) {
  std::vector<std::uint32_t> rows;
  for (std::size_t i = own.begin; i < own.end; ++i)
    rows.insert(rows.end(), shards[i].begin(), shards[i].end());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

/// The data set, with the features of those rows that this process keeps. Who holds which rows is known from the labels
/// alone, so that a process need not store the others' even for a moment.
Dataset load(const DataArguments& read, const ProblemSetting& setting) {
  DataOptions options = read.data;
  if (setting.own) {
    options.choose = [&](const std::vector<double>& labels) {
      return rows_of(deal(labels, setting), *setting.own);
    };
  }
  return load_dataset(read.name, options);
}

using LinearFactory = std::unique_ptr<Problem> (*)(const Dataset&, const Shards&, const ModelOptions&,
                                                   const std::optional<Range>& own);

template <LinearFactory make>
std::unique_ptr<Problem> linear(Arguments& arguments, const ProblemSetting& setting) {
  const DataArguments read = read_data_arguments(arguments, setting);
  const Dataset data = load(read, setting);
  return make(data, deal(data.labels, setting), read.model, setting.own);
}

std::unique_ptr<Problem> softmax(Arguments& arguments, const ProblemSetting& setting) {
  const DataArguments read = read_data_arguments(arguments, setting);
  const Dataset data = load(read, setting);
  return make_softmax(data, deal(data.labels, setting), read.model,
                      load_test_set(read.name, data.columns, read.data), setting.own);
}

std::unique_ptr<Problem> quadratic(Arguments& arguments, const ProblemSetting& setting) {
  QuadraticOptions options;
  options.clients = setting.clients;
  options.d = arguments.whole("d", options.d);
  constexpr double kMost = 0x1p32;  // what a message can index
  if (static_cast<double>(options.d) >= kMost)
    arguments.fail(fmt::format("d = {}; need d < 2^32", options.d));
  options.s = arguments.number("s", options.s);
  if (!(options.s >= 0) || std::isinf(options.s))
    arguments.fail(fmt::format("s = {}; need s >= 0", options.s));
  options.lambda = arguments.number("lambda", options.lambda);
  if (!(options.lambda > 0) || std::isinf(options.lambda)) {
    arguments.fail(fmt::format("lambda = {}; need lambda > 0", options.lambda));
  }
  const std::size_t seed = arguments.whole("seed", options.seed, 0);
  if (seed > std::numeric_limits<std::uint32_t>::max()) {
    arguments.fail(fmt::format("seed = {}; need seed < 2^32", seed));
  }
  options.seed = static_cast<std::uint32_t>(seed);
  arguments.done();
  if (setting.split != Spec("contiguous")) {
    arguments.fail(
        fmt::format("split = {}; there are no rows to deal: leave split out", print(setting.split)));
  }
  return make_quadratic(options);
}

constexpr ProblemRow kProblems[] = {
    {"logistic", "logistic(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N)",
     "two classes, log(1 + exp(-z))", linear<make_logistic>},
    {"nonconvex", "nonconvex(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N)",
     "two classes, (1 - sigma(z))^2: the problem of MARINA", linear<make_nonconvex>},
    {"least-squares", "least-squares(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N)",
     "(a'x - label)^2 / 2", linear<make_least_squares>},
    {"softmax", "softmax(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N)",
     "any number of classes, cross-entropy", softmax},
    {"quadratic", "quadratic(d=1000, s=0, lambda=1e-6, seed=12345)",
     "synthetic quadratics of 3PC, s says how unlike the clients are", quadratic},
};

}  // namespace

std::span<const ProblemRow> problems() { return kProblems; }

std::unique_ptr<Problem> make_problem(const Spec& spec, const ProblemSetting& setting) {
  if (setting.clients < 1) throw InputError("clients = 0; need clients >= 1");
  const ProblemRow& row = row_named(spec, "problem", problems());
  Arguments arguments(spec);
  return row.make(arguments, setting);
}

}  // namespace laconic
