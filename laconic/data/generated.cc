// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/generated.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "laconic/core/error.h"
#include "laconic/core/rng.h"

namespace laconic {
namespace {

double on_both_sides(double uniform) { return 2 * uniform - 1; }

/// Weight `column` of planted model `number`. It is computed on demand and not stored, because a client uses
/// few of the columns.
double planted(const Stream& models, std::size_t number, std::uint32_t column) {
  const Stream::Block words = models.block(std::uint64_t{number} << 32 | column);
  return on_both_sides(words[0] * 0x1p-32);
}

/// A data set without rows, with memory reserved for them.
Dataset empty_rows(const GeneratedOptions& options) {
  Dataset data{
      .name = "generated", .rows = options.rows, .columns = options.columns, .features = {}, .labels = {}};
  auto& features = std::get<SparseRows>(data.features);
  features.begin.reserve(options.rows + 1);
  features.column.reserve(options.rows * options.nnz);
  features.value.reserve(options.rows * options.nnz);
  data.labels.reserve(options.rows);
  return data;
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

Dataset draw_logistic_model(const GeneratedOptions& options, std::size_t client) {
  check(options.classes == 2 && options.nnz == options.columns, "normal rows are whole and of two classes");
  const Key own{.seed = options.seed, .client = static_cast<std::uint32_t>(client)};
  std::vector<double> model(options.columns), shift(options.columns), row(options.columns);
  fill_normal(own.common().stream(Purpose::data), model);
  fill_normal(own.stream(Purpose::data), shift);
  for (std::size_t j = 0; j < model.size(); ++j) model[j] += options.shift * shift[j];
  std::vector<double> unit(options.columns, 1.0);
  for (std::size_t j = 1; j < unit.size(); ++j)
    unit[j] = std::pow(10, -options.decades * static_cast<double>(j) / static_cast<double>(unit.size() - 1));
  std::optional<Rotation> rotation;
  if (options.rotated) rotation.emplace(own.common(), options.columns);

  Dataset data = empty_rows(options);
  auto& features = std::get<SparseRows>(data.features);
  for (std::size_t i = 0; i < options.rows; ++i) {
    Key key = own;
    key.step = 1 + static_cast<std::uint32_t>(i);
    fill_normal(key.stream(Purpose::data), row);
    double score = 0;
    for (std::size_t j = 0; j < row.size(); ++j) score += model[j] * row[j];
    for (std::size_t j = 0; j < row.size(); ++j) row[j] *= unit[j];
    if (rotation) rotation->turn(row);
    for (std::size_t j = 0; j < row.size(); ++j) features.column.push_back(static_cast<std::uint32_t>(j));
    features.value.insert(features.value.end(), row.begin(), row.end());
    features.begin.push_back(features.column.size());
    key.copy = 1;
    Stream stream = key.stream(Purpose::data);
    const bool anew = stream.uniform() < options.noise;
    const double chance = anew ? 0.5 : 1 / (1 + std::exp(-score));
    data.labels.push_back(stream.uniform() < chance ? 1 : 0);
  }
  return data;
}

/// Uniform rows.
Dataset draw_uniform(const GeneratedOptions& options, std::size_t client) {
  Dataset data = empty_rows(options);
  auto& features = std::get<SparseRows>(data.features);
  const Stream common = Key{.seed = options.seed}.common().stream(Purpose::data);
  // one score decides between two classes
  const std::size_t scores = options.classes > 2 ? options.classes : 1;
  Key key{.seed = options.seed, .client = static_cast<std::uint32_t>(client)};
  const Stream own = key.stream(Purpose::data);
  const double size = std::sqrt(3 / static_cast<double>(options.nnz));
  std::vector<std::uint32_t> columns;
  std::vector<double> score;
  for (std::size_t i = 0; i < options.rows; ++i) {
    key.step = 1 + static_cast<std::uint32_t>(i);
    Stream stream = key.stream(Purpose::data);
    draw_distinct(stream, options.columns, options.nnz, columns);
    score.assign(scores, 0);
    for (const std::uint32_t column : columns) {
      const double value = size * on_both_sides(stream.uniform());
      features.column.push_back(column);
      features.value.push_back(value);
      for (std::size_t c = 0; c < scores; ++c) {
        double weight = planted(common, c, column);
        if (options.shift > 0) weight += options.shift * planted(own, c, column);
        score[c] += weight * value;
      }
    }
    features.begin.push_back(features.column.size());

    const double chance = stream.uniform();
    if (options.classes == 0) {
      data.labels.push_back(score[0] + options.noise * on_both_sides(chance));
    } else if (chance < options.noise) {
      data.labels.push_back(static_cast<double>(stream.below(options.classes)));
    } else if (options.classes == 2) {
      data.labels.push_back(score[0] > 0 ? 1 : 0);
    } else {
      data.labels.push_back(
          static_cast<double>(std::max_element(score.begin(), score.end()) - score.begin()));
    }
  }
  return data;
}

}  // namespace

Dataset generate(const GeneratedOptions& options, std::size_t client) {
  Dataset data = options.law == GeneratedOptions::Law::normal ? draw_logistic_model(options, client)
                                                              : draw_uniform(options, client);
  if (!options.false_labels) return data;
  const double largest = options.classes > 0 ? static_cast<double>(options.classes - 1) : 0;
  for (double& label : data.labels) label = largest - label;
  return data;
}

}  // namespace laconic
