// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/make.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/data/classes.h"
#include "laconic/data/lookup.h"
#include "laconic/problem/autoencoder.h"
#include "laconic/problem/distributed_ls.h"
#include "laconic/problem/linear_model.h"
#include "laconic/problem/mlp.h"
#include "laconic/problem/quadratic.h"
#include "laconic/problem/softmax.h"

namespace laconic {
namespace {

constexpr GeneratedRow kGenerated = {
    "generated",
    "generated(rows=100, d=100, nnz=d, law=uniform|normal, noise=0.1, shift=0, decades=0, rotated=0, seed=1)",
    "rows drawn for each client, in place of DATA; of softmax and mlp with classes=2"};

/// The arguments that all problems over data share, read and checked before any file is opened.
struct DataArguments {
  std::string name;
  DataOptions data;
  std::optional<std::string> test;            // the name of a test set
  std::optional<GeneratedOptions> generated;  // in place of a named data set
  ModelOptions model;
};

/// Whether the spec is the plain word `generated`, with arguments or without. A file of that name can be
/// quoted.
bool is_generated(const Spec* data) {
  return data != nullptr && data->kind == Spec::Kind::word && data->name == kGenerated.name;
}

enum class Labels { two, many, real };

GeneratedOptions read_generated(const Spec& spec, Labels labels, const ProblemSetting& setting) {
  constexpr std::size_t kMost =
      std::numeric_limits<std::uint32_t>::max();  // limit of the indices in messages and draws
  Arguments arguments(spec);
  const auto count = [&](const char* name, std::size_t fallback, std::size_t most, std::size_t least = 1) {
    const std::size_t value = arguments.whole(name, fallback, least);
    if (value > most) arguments.fail(fmt::format("{} = {}; need {} <= {}", name, value, name, most));
    return value;
  };
  GeneratedOptions options;
  options.rows = count("rows", options.rows, kMost - 1);
  options.columns = count("d", options.columns, kMost);
  options.nnz = count("nnz", options.columns, options.columns);
  const bool normal = arguments.choice("law", {"uniform", "normal"}, "uniform") == "normal";
  if (normal) options.law = GeneratedOptions::Law::normal;
  options.noise = arguments.number_in("noise", normal ? 0 : options.noise, kShare);
  options.shift = arguments.number_in("shift", options.shift, kNotNegative);
  options.decades = arguments.number_in("decades", options.decades, {0, true, 8, true});
  options.rotated = arguments.flag("rotated", options.rotated);
  if (!normal && (options.decades > 0 || options.rotated))
    arguments.fail("decades and rotated are of law=normal");
  options.seed = arguments.whole("seed", options.seed, 0);
  options.false_labels = setting.false_labels;
  options.classes = labels == Labels::real ? 0 : 2;
  if (labels == Labels::many) options.classes = count("classes", options.classes, kMost, 2);
  arguments.done();
  if (normal && options.classes != 2) arguments.fail("law = normal; draws rows of two classes");
  if (normal && options.nnz != options.columns)
    arguments.fail(
        fmt::format("law = normal; need nnz = d = {}: rows with all their columns", options.columns));
  if (setting.split != Spec("contiguous")) {
    arguments.fail(fmt::format("split = {}; these rows belong to their clients already: leave split out",
                               print(setting.split)));
  }
  return options;
}

void read_source(Arguments& arguments, const ProblemSetting& setting, Labels labels, DataArguments& read,
                 std::size_t position = 0) {
  read.data.folders = setting.folders;
  read.data.working = setting.working;
  if (const Spec* data = arguments.find("data", position); is_generated(data)) {
    read.generated = read_generated(*data, labels, setting);
  } else if (data != nullptr) {
    read.name = arguments.plain_word("data", *data);
  }
  if (setting.site && read.generated)
    arguments.fail("data = generated; each site has its file: leave it out");
  if (setting.site && read.name.empty()) read.name = "the sites";
  if (read.name.empty() && !read.generated) arguments.fail("its data set is missing, a name such as a9a");
}

/// Reads the size of the data set, and the test set.
void read_extent(Arguments& arguments, const ProblemSetting& setting, DataArguments& read, Labels labels) {
  if (const std::size_t rows = arguments.whole("rows", 0); rows > 0) {
    if (read.generated) arguments.fail(fmt::format("rows = {}; need generated(rows={}, ...)", rows, rows));
    if (setting.site) arguments.fail(fmt::format("rows = {}; each site has its file: leave it out", rows));
    read.data.rows = rows;
  }
  if (const std::size_t columns = arguments.whole("columns", 0); columns > 0) {
    if (read.generated)
      arguments.fail(fmt::format("columns = {}; need generated(d={}, ...)", columns, columns));
    read.data.columns = columns;
  }
  if (const Spec* test = arguments.find("test")) {
    read.test = arguments.plain_word("test", *test);
    if (read.generated)
      arguments.fail(
          fmt::format("test = {}; rows that are drawn have no test set: leave test out", *read.test));
    if (labels == Labels::real) {
      arguments.fail(
          fmt::format("test = {}; a test set serves to measure accuracy, and this problem predicts no class: "
                      "leave test out",
                      *read.test));
    }
  }
}

double read_lambda(Arguments& arguments) { return arguments.number_in("lambda", 0.0, kNotNegative); }

DataArguments read_data_arguments(Arguments& arguments, const ProblemSetting& setting, Labels labels) {
  DataArguments read;
  read_source(arguments, setting, labels, read);
  read.model.regulariser.lambda = read_lambda(arguments);
  read.model.regulariser.kind = arguments.choice("reg", {"l2", "nonconvex"}, "l2") == "l2"
                                    ? Regulariser::Kind::l2
                                    : Regulariser::Kind::nonconvex;
  read.model.bias = arguments.flag("bias", false);
  read_extent(arguments, setting, read, labels);
  arguments.done();
  return read;
}

Shards deal(const std::vector<double>& labels, const ProblemSetting& setting) {
  return of_text("split",
                 [&] { return split_rows(setting.split, labels, setting.clients, setting.split_seed); });
}

/// The rows of the site, and behind them a row without features for each label, so that all sites have the
/// same classes. The server has only the latter.
std::shared_ptr<const Dataset> rows_of_site(const SiteData& site) {
  if (site.rows) {
    const bool are_images = std::holds_alternative<PixelRows>(site.rows->features);
    if (site.columns < site.rows->columns || (are_images && site.columns != site.rows->columns))
      throw InputError(fmt::format("{}: has {} columns{}; the run has {}", site.rows->name,
                                   site.rows->columns, are_images ? ", the pixels of an image" : "",
                                   site.columns));
  }
  auto data = site.rows ? std::make_shared<Dataset>(*site.rows) : std::make_shared<Dataset>();
  data->columns = site.columns;
  if (!site.rows) data->name = "the rows of the sites";
  if (site.rows) {
    data->stored.emplace(data->rows);
    std::iota(data->stored->begin(), data->stored->end(), 0);
    data->labels.insert(data->labels.end(), site.labels.begin(), site.labels.end());
  } else {
    data->labels = site.labels.empty() ? std::vector<double>{0} : site.labels;
    data->features =
        SparseRows{.begin = std::vector<std::uint64_t>(data->labels.size() + 1), .column = {}, .value = {}};
  }
  data->rows = data->labels.size();
  return data;
}

/// Loads the data set, with the features of the rows that this process keeps. The split of the rows depends
/// on the labels alone, so a process never stores the features of other rows, not even temporarily.
std::shared_ptr<const Dataset> load(const DataArguments& read, const ProblemSetting& setting) {
  if (setting.site) return rows_of_site(*setting.site);
  if (setting.on_stage) setting.on_stage("reading " + read.name);
  DataOptions options = read.data;
  if (setting.own) {
    options.choose = [&](const std::vector<double>& labels) {
      return rows_of(deal(labels, setting), *setting.own);
    };
  }
  auto data = setting.cache != nullptr && !setting.own
                  ? setting.cache->load(read.name, options)
                  : std::make_shared<const Dataset>(load_dataset(read.name, options));
  if (setting.on_stage) setting.on_stage("packing rows");
  return data;
}

void remark(const ProblemSetting& setting, const std::string& text) {
  if (setting.on_remark) setting.on_remark(text);
}

/// deal(), with a remark on the rows that no client gets.
Shards deal_all(const Dataset& data, const ProblemSetting& setting) {
  if (setting.site) {
    Shards own(1);
    own[0].resize(setting.site->rows ? setting.site->rows->rows : data.rows);
    std::iota(own[0].begin(), own[0].end(), 0);
    return own;
  }
  Shards shards = deal(data.labels, setting);
  if (const std::size_t left = setting.on_remark ? count_left_out(shards, data.labels.size()) : 0; left > 0) {
    const bool spreads = std::any_of(setting.split.options.begin(), setting.split.options.end(),
                                     [](const auto& option) { return option.first == "rest"; });
    remark(setting, fmt::format("{}: {} of {} rows are left out by split={} with {} clients{}", data.name,
                                left, data.labels.size(), print(setting.split), setting.clients,
                                spreads ? "" : "; rest=spread deals the remainder"));
  }
  return shards;
}

/// Loads the test set that the user names, or else the one found beside the data, if it fits.
std::optional<Dataset> load_test(const DataArguments& read, const ProblemSetting& setting,
                                 const Dataset& training) {
  if (setting.site && (setting.site->rows || !read.test)) return {};  // the server has it, if it is named
  if (read.test) return load_named_test_set(*read.test, training.columns, read.data);
  try {
    auto found = load_test_set(read.name, training.columns, read.data);
    if (found) require_test_fits(*found, training);
    return found;
  } catch (const InputError& error) {
    remark(setting, fmt::format("{}; the run goes on without this test set", error.what()));
    return {};
  }
}

/// The inputs of a classifier.
struct ClassData {
  std::shared_ptr<const Dataset> data;
  Shards shards;
  std::optional<Dataset> test;
};

/// Refuses labels that are regression targets; reports a remark where they may be.
void look_at_classes(const DataArguments& read, const ProblemSetting& setting, const Dataset& data) {
  const std::set<double> distinct(data.labels.begin(), data.labels.end());
  require_classes(distinct, read.name);
  if (distinct.size() > kMostClasses) {
    remark(setting, fmt::format("{}: {} distinct labels make as many classes; least-squares is for numbers "
                                "to be fitted",
                                read.name, distinct.size()));
  }
}

std::shared_ptr<const Dataset> with_false_labels(const Dataset& data, bool classes) {
  auto changed = std::make_shared<Dataset>(data);
  falsify(changed->labels, classes);
  return changed;
}

/// For problems that read no labels.
void require_no_labels(const ProblemSetting& setting, Arguments& arguments) {
  if (setting.false_labels)
    arguments.fail("byzantine = label-flip; this problem has no labels to make false");
}

ClassData load_classes(const DataArguments& read, const ProblemSetting& setting, Labels labels) {
  auto data = load(read, setting);
  if (labels == Labels::many) look_at_classes(read, setting, *data);
  Shards shards = deal_all(*data, setting);
  if (setting.on_classes_dealt) setting.on_classes_dealt(data->labels, shards);
  auto test = load_test(read, setting, *data);
  if (setting.false_labels) data = with_false_labels(*data, true);
  return {std::move(data), std::move(shards), std::move(test)};
}

using BinaryFactory = std::unique_ptr<Problem> (*)(const Dataset&, const Shards&, const ModelOptions&,
                                                   const std::optional<Dataset>& test,
                                                   const std::optional<IndexSet>& own);

template <Loss loss, BinaryFactory make>
std::unique_ptr<Problem> binary(Arguments& arguments, const ProblemSetting& setting) {
  const DataArguments read = read_data_arguments(arguments, setting, Labels::two);
  if (read.generated)
    return make_linear_model(loss, *read.generated, setting.clients, read.model, setting.own);
  const auto [data, shards, test] = load_classes(read, setting, Labels::two);
  return make(*data, shards, read.model, test, setting.own);
}

std::unique_ptr<Problem> least_squares(Arguments& arguments, const ProblemSetting& setting) {
  const DataArguments read = read_data_arguments(arguments, setting, Labels::real);
  if (read.generated)
    return make_linear_model(Loss::least_squares, *read.generated, setting.clients, read.model, setting.own);
  auto data = load(read, setting);
  const Shards shards = deal_all(*data, setting);
  if (setting.false_labels) data = with_false_labels(*data, false);
  return make_least_squares(*data, shards, read.model, setting.own);
}

std::unique_ptr<Problem> softmax(Arguments& arguments, const ProblemSetting& setting) {
  const DataArguments read = read_data_arguments(arguments, setting, Labels::many);
  if (read.generated) return make_softmax(*read.generated, setting.clients, read.model, setting.own);
  const auto [data, shards, test] = load_classes(read, setting, Labels::many);
  return make_softmax(*data, shards, read.model, test, setting.own);
}

std::unique_ptr<Problem> autoencoder(Arguments& arguments, const ProblemSetting& setting) {
  DataArguments read;
  read_source(arguments, setting, Labels::real, read);
  AutoencoderOptions options;
  const std::size_t hidden = arguments.whole("hidden", 0, 1, 1);
  options.seed = arguments.whole("seed", options.seed, 0);
  read_extent(arguments, setting, read, Labels::real);
  arguments.done();
  require_no_labels(setting, arguments);
  if (hidden == 0) arguments.fail("its number of hidden units is missing, as in autoencoder(mnist, 16)");
  options.hidden = hidden;
  if (read.generated) return make_autoencoder(*read.generated, setting.clients, options, setting.own);
  const auto data = load(read, setting);
  return make_autoencoder(*data, deal_all(*data, setting), options, setting.own);
}

std::unique_ptr<Problem> mlp(Arguments& arguments, const ProblemSetting& setting) {
  DataArguments read;
  read_source(arguments, setting, Labels::many, read);
  MlpOptions options;
  options.widths = arguments.wholes("widths", 1);
  options.activation = arguments.choice("activation", {"relu", "tanh"}, "relu") == "relu"
                           ? MlpOptions::Activation::relu
                           : MlpOptions::Activation::tanh;
  options.lambda = read_lambda(arguments);
  options.seed = arguments.whole("seed", options.seed, 0);
  options.precision = arguments.choice("precision", {"f32", "f64"}, "f32") == "f32"
                          ? MlpOptions::Precision::f32
                          : MlpOptions::Precision::f64;
  read_extent(arguments, setting, read, Labels::many);
  arguments.done();
  if (options.widths.empty()) arguments.fail("its widths are missing, as in mlp(mnist, 64)");
  if (read.generated) return make_mlp(*read.generated, setting.clients, options, setting.own);
  const auto [data, shards, test] = load_classes(read, setting, Labels::many);
  return make_mlp(*data, shards, options, test, setting.own);
}

std::unique_ptr<Problem> torch_network(Arguments& arguments, const ProblemSetting& setting) {
  if (setting.make_torch_network == nullptr)
    arguments.fail("this build has no LibTorch: cmake --preset torch");
  const bool deep = arguments.choice("network", {"cnn", "resnet18"}, "", 0) == "resnet18";
  DataArguments read;
  read_source(arguments, setting, Labels::many, read, 1);
  if (read.generated) arguments.fail("data = generated; need images, such as mnist or cifar10");
  TorchOptions options;
  options.lambda = read_lambda(arguments);
  options.seed = arguments.whole("seed", options.seed, 0);
  options.precision = arguments.choice("precision", {"f32", "f64"}, "f32") == "f32"
                          ? TorchOptions::Precision::f32
                          : TorchOptions::Precision::f64;
  options.device = arguments.choice("device", {"cpu", "cuda"}, "cpu");
  read_extent(arguments, setting, read, Labels::many);
  arguments.done();
  const auto [data, shards, test] = load_classes(read, setting, Labels::many);
  return setting.make_torch_network(deep ? TorchNetwork::resnet18 : TorchNetwork::cnn, *data, shards, options,
                                    test, setting.own);
}

void require_no_split(const ProblemSetting& setting, Arguments& arguments) {
  if (setting.split == Spec("contiguous")) return;
  arguments.fail(fmt::format("split = {}; there are no rows to deal: leave split out", print(setting.split)));
}

/// Reads the dimension d, for problems with a free dimension.
std::size_t read_dim(Arguments& arguments, std::size_t fallback) {
  const std::size_t d = arguments.whole("d", fallback);
  constexpr double kMost = 0x1p32;  // limit of the indices in messages
  if (static_cast<double>(d) >= kMost) arguments.fail(fmt::format("d = {}; need d < 2^32", d));
  return d;
}

std::unique_ptr<Problem> distributed_ls(Arguments& arguments, const ProblemSetting& setting) {
  DistributedLsOptions options;
  options.clients = setting.clients;
  options.d = read_dim(arguments, options.d);
  options.zeta = arguments.number_in("zeta", options.zeta, kNotNegative);
  options.sigma = arguments.number_in("sigma", options.sigma, kNotNegative);
  options.seed = arguments.whole("seed", options.seed, 0);
  arguments.done();
  require_no_split(setting, arguments);
  require_no_labels(setting, arguments);
  return make_distributed_ls(options, setting.own);
}

std::unique_ptr<Problem> quadratic(Arguments& arguments, const ProblemSetting& setting) {
  QuadraticOptions options;
  options.clients = setting.clients;
  options.d = read_dim(arguments, options.d);
  options.s = arguments.number_in("s", options.s, kNotNegative);
  options.lambda = arguments.number_in("lambda", options.lambda, kPositive);
  const std::size_t seed = arguments.whole("seed", options.seed, 0);
  if (seed > std::numeric_limits<std::uint32_t>::max()) {
    arguments.fail(fmt::format("seed = {}; need seed < 2^32", seed));
  }
  options.seed = static_cast<std::uint32_t>(seed);
  arguments.done();
  require_no_split(setting, arguments);
  require_no_labels(setting, arguments);
  return make_quadratic(options);
}

std::deque<ProblemRow>& table() {
  static std::deque<ProblemRow> rows = {
      {"logistic", "logistic(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N, columns=N, test=FILE)",
       "two classes, log(1 + exp(-z))", binary<Loss::logistic, make_logistic>, 0},
      {"nonconvex", "nonconvex(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N, columns=N, test=FILE)",
       "two classes, (1 - sigma(z))^2: the problem of MARINA", binary<Loss::nonconvex, make_nonconvex>, 0},
      {"least-squares", "least-squares(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N, columns=N)",
       "(a'x - label)^2 / 2", least_squares, 0},
      {"softmax", "softmax(DATA, lambda=0, reg=l2|nonconvex, bias=0, rows=N, columns=N, test=FILE)",
       "any number of classes, cross-entropy", softmax, 0},
      {"autoencoder", "autoencoder(DATA, HIDDEN, rows=N, columns=N, seed=1)",
       "linear, |D E a - a|^2: HIDDEN numbers stand for a row; needs a number as its step", autoencoder, 0},
      {"mlp",
       "mlp(DATA, WIDTH, ..., activation=relu|tanh, lambda=0, rows=N, columns=N, test=FILE, seed=1, "
       "precision=f32|f64)",
       "a network with WIDTH units in each hidden layer, cross-entropy; needs a number as its step", mlp, 0},
      {"torch",
       "torch(cnn|resnet18, DATA, lambda=0, rows=N, test=FILE, seed=1, precision=f32|f64, device=cpu|cuda)",
       "a convolutional network by LibTorch, where built with it; needs a number as its step", torch_network,
       1},
      {"quadratic",
       "quadratic(d=1000, s=0, lambda=1e-6, seed=12345)",
       "synthetic quadratics of 3PC, s sets how heterogeneous the clients are",
       quadratic,
       {}},
      {"distributed-ls",
       "distributed-ls(d=50, zeta=10, sigma=0, seed=1)",
       "synthetic least squares of K-GT: clients heterogeneous by zeta, gradients with noise sigma",
       distributed_ls,
       {}},
  };
  return rows;
}

}  // namespace

const GeneratedRow& generated_row() { return kGenerated; }

const std::deque<ProblemRow>& problems() { return table(); }

void register_problem(ProblemRow row) {
  require_new(row.name, "problem", table());
  table().push_back(std::move(row));
}

std::optional<std::string> data_named(const Spec& problem) {
  const auto row = std::find_if(problems().begin(), problems().end(),
                                [&](const ProblemRow& each) { return problem.name == each.name; });
  if (row == problems().end() || !row->data) return {};
  const auto option = std::find_if(problem.options.begin(), problem.options.end(),
                                   [](const auto& each) { return each.first == "data"; });
  const Spec* data = option != problem.options.end()    ? &option->second
                     : *row->data < problem.args.size() ? &problem.args[*row->data]
                                                        : nullptr;
  if (data == nullptr || is_generated(data)) return {};
  return data->name;
}

std::unique_ptr<Problem> make_problem(const Spec& spec, const ProblemSetting& setting) {
  if (setting.clients < 1) throw InputError("clients = 0; need clients >= 1");
  const ProblemRow& row = row_named(spec, "problem", problems());
  if (setting.site && !row.data)
    throw InputError(
        fmt::format("{}: has no rows that sites could have; need a problem over data", row.name));
  if (setting.on_stage) setting.on_stage("making the problem");
  Arguments arguments(spec);
  return row.make(arguments, setting);
}

}  // namespace laconic
