// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/generated.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include "laconic/core/draws.h"
#include "laconic/core/error.h"
#include "laconic/core/rng.h"

namespace laconic {
namespace {

double on_both_sides(double uniform) { return 2 * uniform - 1; }

/// Planted models with weights on [-1, 1].
class Planted {
 public:
  /// `uses`: about how many weights will be read. They are kept in a table if that costs less than computing
  /// each when it is read.
  Planted(const Stream& draws, std::size_t models, std::size_t columns, std::size_t uses)
      : draws_(draws), columns_(columns) {
    if (columns > uses / models) return;
    std::vector<std::uint32_t> words(kWords * columns);
    table_.reserve(models * columns);
    for (std::size_t m = 0; m < models; ++m) {
      draws_.fill(first_block(m), words);
      for (std::size_t c = 0; c < columns; ++c) table_.push_back(weight_of(words[kWords * c]));
    }
  }

  [[nodiscard]] double weight(std::size_t model, std::uint32_t column) const {
    if (!table_.empty()) return table_[model * columns_ + column];
    return weight_of(draws_.block(first_block(model) | column)[0]);
  }

 private:
  static constexpr std::size_t kWords = std::tuple_size_v<Stream::Block>;

  static std::uint64_t first_block(std::size_t model) { return std::uint64_t{model} << 32; }
  static double weight_of(std::uint32_t word) { return on_both_sides(word * 0x1p-32); }

  Stream draws_;
  std::size_t columns_;
  std::vector<double> table_;
};

/// A data set of a client, its entries and labels at 0.
Dataset zero_rows(const GeneratedOptions& options) {
  Dataset data{
      .name = "generated", .rows = options.rows, .columns = options.columns, .features = {}, .labels = {}};
  auto& features = std::get<SparseRows>(data.features);
  features.begin.resize(options.rows + 1);
  for (std::size_t i = 0; i < features.begin.size(); ++i) features.begin[i] = i * options.nnz;
  features.column.resize(options.rows * options.nnz);
  features.value.resize(options.rows * options.nnz);
  data.labels.resize(options.rows);
  return data;
}

void falsify(const GeneratedOptions& options, std::vector<double>& labels) {
  if (!options.false_labels) return;
  const double largest = options.classes > 0 ? static_cast<double>(options.classes - 1) : 0;
  for (double& label : labels) label = largest - label;
}

/// A random orthogonal matrix, uniform except for the signs of its rows. It is the product of d - 1
/// reflections (Stewart 1980, The efficient generation of random orthogonal matrices): the k-th reflection
/// maps a normal vector of the last d - k coordinates to their first axis.
class Rotation {
 public:
  Rotation(const Key& common, std::size_t d) {
    for (std::size_t k = 0; k + 1 < d; ++k) {
      std::vector<double> axis(d - k);
      Key key = common;
      key.step = static_cast<std::uint32_t>(k);
      key.copy = 2;  // separates it from the other draws
      fill_normal(key.stream(Purpose::data), axis);
      const double length = std::sqrt(square(axis));
      axis[0] += axis[0] < 0 ? -length : length;
      axes_.push_back(std::move(axis));
    }
  }

  void turn(std::vector<double>& row) const {
    for (std::size_t k = axes_.size(); k-- > 0;) {
      const std::vector<double>& axis = axes_[k];
      double along = 0;
      for (std::size_t j = 0; j < axis.size(); ++j) along += axis[j] * row[k + j];
      along *= 2 / square(axis);
      for (std::size_t j = 0; j < axis.size(); ++j) row[k + j] -= along * axis[j];
    }
  }

 private:
  static double square(const std::vector<double>& v) {
    double sum = 0;
    for (const double each : v) sum += each * each;
    return sum;
  }
  std::vector<std::vector<double>> axes_;
};

class NormalRows final : public RowGenerator {
 public:
  explicit NormalRows(const GeneratedOptions& options)
      : options_(options), model_(options.columns), unit_(options.columns, 1.0) {
    check(options.classes == 2 && options.nnz == options.columns, "normal rows are whole and of two classes");
    const Key common = Key{.seed = options.seed}.common();
    fill_normal(common.stream(Purpose::data), model_);
    for (std::size_t j = 1; j < unit_.size(); ++j) {
      unit_[j] =
          std::pow(10, -options.decades * static_cast<double>(j) / static_cast<double>(unit_.size() - 1));
    }
    if (options.rotated) rotation_.emplace(common, options.columns);
  }

  Dataset rows_of(std::size_t client) const override {
    Key key{.seed = options_.seed, .client = static_cast<std::uint32_t>(client)};
    std::vector<double> model = model_;
    std::vector<double> row(options_.columns);
    fill_normal(key.stream(Purpose::data), row);
    for (std::size_t j = 0; j < model.size(); ++j) model[j] += options_.shift * row[j];
    Dataset data = zero_rows(options_);
    auto& features = std::get<SparseRows>(data.features);
    for (std::size_t i = 0; i < options_.rows; ++i) {
      key.step = 1 + static_cast<std::uint32_t>(i);
      key.copy = 0;
      fill_normal(key.stream(Purpose::data), row);
      double score = 0;
      for (std::size_t j = 0; j < row.size(); ++j) score += model[j] * row[j];
      for (std::size_t j = 0; j < row.size(); ++j) row[j] *= unit_[j];
      if (rotation_) rotation_->turn(row);
      std::iota(&features.column[i * row.size()], &features.column[i * row.size()] + row.size(), 0U);
      std::copy(row.begin(), row.end(), &features.value[i * row.size()]);
      key.copy = 1;
      Stream stream = key.stream(Purpose::data);
      const bool anew = stream.uniform() < options_.noise;
      const double chance = anew ? 0.5 : 1 / (1 + std::exp(-score));
      data.labels[i] = stream.uniform() < chance ? 1 : 0;
    }
    falsify(options_, data.labels);
    return data;
  }

 private:
  GeneratedOptions options_;
  std::vector<double> model_;  // that all clients share
  std::vector<double> unit_;   // of each feature
  std::optional<Rotation> rotation_;
};

class UniformRows final : public RowGenerator {
 public:
  explicit UniformRows(const GeneratedOptions& options)
      : options_(options),
        scores_(options.classes > 2 ? options.classes : 1),  // one score decides between two classes
        common_(Key{.seed = options.seed}.common().stream(Purpose::data), scores_, options.columns,
                kMostShared) {}

  Dataset rows_of(std::size_t client) const override {
    Key key{.seed = options_.seed, .client = static_cast<std::uint32_t>(client)};
    const bool shifts = options_.shift > 0;
    const Planted own(key.stream(Purpose::data), scores_, options_.columns,
                      shifts ? scores_ * options_.rows * options_.nnz : 0);
    Dataset data = zero_rows(options_);
    auto& [begin, column, value] = std::get<SparseRows>(data.features);
    const double size = std::sqrt(3 / static_cast<double>(options_.nnz));
    std::vector<double> score;
    for (std::size_t i = 0; i < options_.rows; ++i) {
      key.step = 1 + static_cast<std::uint32_t>(i);
      LongReader words(key.stream(Purpose::data));
      const auto columns = std::span(column).subspan(begin[i], options_.nnz);
      draw_distinct(words, options_.columns, columns);
      score.assign(scores_, 0);
      for (std::size_t k = 0; k < columns.size(); ++k) {
        const double entry = size * on_both_sides(draw_uniform(words));
        value[begin[i] + k] = entry;
        for (std::size_t c = 0; c < scores_; ++c) {
          double weight = common_.weight(c, columns[k]);
          if (shifts) weight += options_.shift * own.weight(c, columns[k]);
          score[c] += weight * entry;
        }
      }
      data.labels[i] = label_of(score, words);
    }
    falsify(options_, data.labels);
    return data;
  }

 private:
  static constexpr std::size_t kMostShared = std::size_t{1} << 16;  // weights: 512 KiB

  [[nodiscard]] double label_of(const std::vector<double>& score, LongReader& words) const {
    const double chance = draw_uniform(words);
    if (options_.classes == 0) return score[0] + options_.noise * on_both_sides(chance);
    if (chance < options_.noise) return static_cast<double>(draw_below(words, options_.classes));
    if (options_.classes == 2) return score[0] > 0 ? 1 : 0;
    return static_cast<double>(std::max_element(score.begin(), score.end()) - score.begin());
  }

  GeneratedOptions options_;
  std::size_t scores_;
  Planted common_;
};

}  // namespace

std::unique_ptr<const RowGenerator> make_generator(const GeneratedOptions& options) {
  if (options.law == GeneratedOptions::Law::normal) return std::make_unique<NormalRows>(options);
  return std::make_unique<UniformRows>(options);
}

Dataset generate(const GeneratedOptions& options, std::size_t client) {
  return make_generator(options)->rows_of(client);
}

}  // namespace laconic
