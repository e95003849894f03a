// SPDX-License-Identifier: Apache-2.0
// For a block of rows (one matrix row each): Z_l = A_{l-1} W_l' + 1 b_l', A_l = act(Z_l); and backwards, from
// the derivatives E_l of the loss with respect to Z_l,
//   dW_l = E_l' A_{l-1},   db_l = E_l' 1,   E_{l-1} = (E_l W_l) o act'(Z_{l-1}).
// A Hessian-vector product is the first-order change of all of these as x moves along v (the R-operator of
// Pearlmutter, Neural Computation 6, 1994). With V_l, c_l the parts of v, and R for the change of the
// quantity that follows,
//   RZ_l = A_{l-1} V_l' + RA_{l-1} W_l' + 1 c_l',   RA_l = RZ_l o act'(Z_l),
//   RdW_l = RE_l' A_{l-1} + E_l' RA_{l-1},          Rdb_l = RE_l' 1,
//   RE_{l-1} = (RE_l W_l + E_l V_l) o act'(Z_{l-1}) + (E_l W_l) o act''(Z_{l-1}) o RZ_{l-1}.
#include "laconic/problem/mlp.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/core/products.h"
#include "laconic/core/rng.h"
#include "laconic/core/round_up.h"
#include "laconic/problem/cross_entropy.h"
#include "laconic/problem/labelled_data.h"
#include "laconic/problem/regulariser.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/mlp.cc"
#include "laconic/problem/first_layer.h"
#include "laconic/problem/sparse_panel.h"
#include "laconic/problem/vector_math.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

using Activation = MlpOptions::Activation;

constexpr std::size_t kMostRows = 256;  // of a block
constexpr std::size_t kFewestRows = 16;
constexpr std::size_t kMostNumbers = 1 << 20;  // of a block in a layer, unless kFewestRows rows have more

std::vector<Layer> layers_of(std::size_t columns, std::vector<std::size_t> units, std::size_t classes) {
  units.push_back(classes);
  std::vector<Layer> layers;
  for (std::size_t l = 0; l < units.size(); ++l) {
    layers.push_back({.inputs = l == 0 ? columns : units[l - 1],
                      .units = units[l],
                      .begin = l == 0 ? 0 : layers.back().end()});
  }
  return layers;
}

/// The values of a layer's units for the rows of a block, a line a row, which zeros fill up to whole vectors.
template <class Real>
struct Values {
  std::size_t units = 0, step = 0;
  std::vector<Real> numbers;

  void make_room(std::size_t rows, std::size_t columns) {
    const std::size_t width = round_up(columns, kWidestLanes<Real>);
    if (columns == units && numbers.size() == rows * width) return;
    units = columns;
    step = width;
    numbers.assign(rows * width, Real{});
  }
  [[nodiscard]] MatrixView<Real> top(std::size_t rows) { return {numbers.data(), rows, units, step}; }
  [[nodiscard]] MatrixView<const Real> top(std::size_t rows) const {
    return {numbers.data(), rows, units, step};
  }
};

/// Each of the first rows of `z` = the biases.
template <class Real>
void set_rows(const Real* biases, std::size_t rows, Values<Real>& z) {
  for (std::size_t i = 0; i < rows; ++i) std::copy_n(biases, z.units, z.numbers.data() + i * z.step);
}

/// sum = the sum of the first rows.
template <class Real>
void sum_rows(const Values<Real>& values, std::size_t rows, Real* sum) {
  std::fill_n(sum, values.units, Real{});
  for (std::size_t i = 0; i < rows; ++i) {
    const Real* const row = values.numbers.data() + i * values.step;
    for (std::size_t u = 0; u < values.units; ++u) sum[u] += row[u];
  }
}

/// z = act(z) in the first rows; NaN stays NaN.
template <class Real>
void activate(Activation activation, std::size_t rows, Values<Real>& z) {
  Real* const at = z.numbers.data();
  const std::size_t count = rows * z.step;
  if (activation == Activation::relu) {
    for (std::size_t k = 0; k < count; ++k) at[k] = at[k] < 0 ? 0 : at[k];
    return;
  }
  static_assert(kWidestLanes<Real> % kLanes == 0 || kWidestBytes < 32);
  std::size_t k = 0;
  for (; k + kLanes <= count; k += kLanes) store(tanh(doubles_at(at + k)), at + k);
  for (; k < count; ++k) at[k] = static_cast<Real>(tanh(all(at[k]))[0]);
}

/// error *= act'(z) in the first rows, computed from a = act(z).
template <class Real>
void times_slope(Activation activation, std::size_t rows, const Values<Real>& a, Values<Real>& error) {
  const Real* const from = a.numbers.data();
  Real* const to = error.numbers.data();
  const std::size_t count = rows * a.step;
  if (activation == Activation::relu) {
    for (std::size_t k = 0; k < count; ++k) to[k] = from[k] > 0 ? to[k] : 0;
  } else {
    for (std::size_t k = 0; k < count; ++k) to[k] *= 1 - from[k] * from[k];
  }
}

/// What a thread keeps from call to call: the values of a network on a block of rows, or, in the same layout,
/// their first-order change along v.
template <class Real>
struct Pass {
  const double* weights;          // of the first layer, in x
  std::vector<Real> x, gradient;  // what follows them in x
  GroupReader<Real> features;
  std::vector<Values<Real>> input;  // of layer l > 0, one row a line
  // Derivatives of the losses with respect to the output of layer l. In the last layer this first holds the
  // scores.
  std::vector<Values<Real>> error;
  Vector scores;  // the scores in the layout of cross_entropy()
  Vector label;   // of each row

  /// The output of layer l.
  Values<Real>& output(std::size_t l) { return l + 1 < input.size() ? input[l + 1] : error[l]; }
};

/// Its code is that of the target at the time of make_mlp().
template <class Real>
class Mlp final : public Problem {
 public:
  Mlp(LabelledData data, const MlpOptions& options)
      : data_(std::move(data)),
        layers_(layers_of(data_.columns, options.widths, data_.classes)),
        activation_(options.activation),
        regulariser_{Regulariser::Kind::l2, options.lambda},
        seed_(options.seed) {
    std::size_t widest = 1;
    for (const Layer& layer : layers_) widest = std::max({widest, layer.inputs, layer.units});
    const std::size_t rows = std::clamp(kMostNumbers / widest, kFewestRows, kMostRows);
    static_assert(kFewestRows % kGroup == 0 && kGroup % kLanes == 0);
    block_ = rows - rows % kGroup;
  }

  [[nodiscard]] std::size_t dim() const override { return layers_.back().end(); }
  [[nodiscard]] std::size_t shards() const override { return data_.rows.size(); }
  [[nodiscard]] double ridge() const override { return regulariser_.ridge(); }
  [[nodiscard]] std::vector<MatrixBlock> blocks() const override {
    std::vector<MatrixBlock> blocks;
    for (const Layer& layer : layers_)
      blocks.push_back({.offset = layer.begin, .rows = layer.units, .cols = layer.inputs});
    blocks.back().kind = MatrixBlock::Kind::head;
    return blocks;
  }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return data_.rows[shard]; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_.checksum; }
  [[nodiscard]] bool classifies() const override { return true; }
  [[nodiscard]] bool has_curvature() const override { return true; }
  [[nodiscard]] std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }

  void start(MutView x) const override {
    fill(x, 0.0);
    Stream stream = Key{.seed = seed_}.stream(Purpose::start);
    for (const Layer& layer : layers_) {
      const bool relu = activation_ == Activation::relu;
      const double bound =
          std::sqrt(6 / static_cast<double>(relu ? layer.inputs : layer.inputs + layer.units));
      for (double& w : x.subspan(layer.begin, layer.units * layer.inputs))
        w = bound * (2 * stream.uniform() - 1);
    }
  }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the gradient of no rows was asked for");
    const double share = 1 / static_cast<double>(selection.size());
    thread_local Pass<Real> at;
    prepare(at, x);
    Measured measured;
    for_each_block(0, selection.size(), [&](std::size_t first, std::size_t count) {
      read(selection, first, count, at);
      forward(count, at);
      const Measured part = link(count, at);
      measured.value += part.value;
      measured.correct += part.correct;
      backward(count, at, {first == 0, share, g});
    });
    measured.value = share * measured.value + regulariser_.add_gradient(x, g);
    return measured;
  }

  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the curvature of no rows was asked for");
    const double share = 1 / static_cast<double>(selection.size());
    thread_local Pass<Real> at, change;
    prepare(at, x);
    prepare(change, v);
    for_each_block(0, selection.size(), [&](std::size_t first, std::size_t count) {
      read(selection, first, count, at);
      forward(count, at);
      forward_change(count, at, change);
      link_change(count, at, change);
      backward_change(count, at, change, {first == 0, share, out});
    });
    regulariser_.add_hessian_vector(x, v, out);
  }

  [[nodiscard]] std::optional<double> test_accuracy(View x, ThreadPool& pool) const override {
    if (!data_.test) return {};
    constexpr std::size_t kChunk = 1024;  // rows of a task, which converts x once
    const Selection selection{*data_.test, Rows::everything()};
    std::vector<double> correct((selection.size() + kChunk - 1) / kChunk);
    pool.for_each(correct.size(), [&](std::size_t chunk) {
      thread_local Pass<Real> at;
      prepare(at, x);
      const std::size_t end = std::min((chunk + 1) * kChunk, selection.size());
      for_each_block(chunk * kChunk, end, [&](std::size_t first, std::size_t count) {
        read(selection, first, count, at);
        forward(count, at);
        correct[chunk] += link(count, at).correct;
      });
    });
    double total = 0;
    for (const double c : correct) total += c;
    return total / static_cast<double>(selection.size());
  }

 private:
  /// Where a block adds its part of a mean over rows.
  struct Mean {
    bool first;  // block, which overwrites
    double share;
    MutView out;
  };

  /// work(first, count) for blocks of the rows begin .. end-1, in this order.
  template <class Work>
  void for_each_block(std::size_t begin, std::size_t end, Work work) const {
    for (std::size_t first = begin; first < end; first += block_) work(first, std::min(block_, end - first));
  }

  /// Allocates space for a block, without uninitialised numbers, and converts x to Real, without the weights
  /// of the first layer.
  void prepare(Pass<Real>& pass, View x) const {
    const std::size_t begin = layers_[0].begin_of_biases();
    pass.weights = x.data();
    pass.x.resize(x.size() - begin);
    convert(x.data() + begin, pass.x.size(), pass.x.data());
    pass.gradient.resize(pass.x.size());
    pass.input.resize(layers_.size());
    pass.error.resize(layers_.size());
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      if (l > 0) pass.input[l].make_room(block_, layers_[l].inputs);
      pass.error[l].make_room(block_, layers_[l].units);
    }
  }

  /// The weights of layer l > 0 in Pass::x or Pass::gradient.
  template <class Number>
  MatrixView<Number> weights(Number* x, std::size_t l) const {
    const Layer& layer = layers_[l];
    return {x + (layer.begin - layers_[0].begin_of_biases()), layer.units, layer.inputs, layer.inputs};
  }
  template <class Number>
  Number* biases(Number* x, std::size_t l) const {
    return x + (layers_[l].begin_of_biases() - layers_[0].begin_of_biases());
  }

  /// Features and labels of the rows first .. first + count - 1 of a selection.
  void read(const Selection& selection, std::size_t first, std::size_t count, Pass<Real>& at) const {
    at.label.assign(round_up(count, kLanes), kNoClass);
    for (std::size_t k = 0; k < count; ++k) at.label[k] = selection.rows.class_of(selection[first + k]);
    if (selection.rows.pixels()) {
      at.features.read_images(count, data_.columns,
                              [&](std::size_t k) { return selection.rows.pixels_of(selection[first + k]); });
    } else {
      at.features.read_sparse(count, data_.columns, [&](std::size_t k, auto entry) {
        selection.rows.for_each(selection[first + k], entry);
      });
    }
  }

  /// out += the features times the weights of the first layer, transposed.
  void add_first_layer(const GroupReader<Real>& features, const double* weights_of_first,
                       Values<Real>& out) const {
    features.visit([&](const auto& rows) {
      add_product_of_rows(
          rows, out.step,
          [&](const Part<Real>& part) { fill_with_weights(weights_of_first, layers_[0], part); },
          out.numbers.data(), out.step);
    });
  }

  /// mean (+)= share * error' features, of the weights of the first layer.
  void add_mean_of_first_layer(std::size_t count, const GroupReader<Real>& features, Values<Real>& error,
                               const Mean& mean) const {
    // The last group may have fewer rows.
    std::fill_n(error.numbers.data() + count * error.step, (round_up(count, kGroup) - count) * error.step,
                Real{});
    features.visit([&](const auto& rows) {
      transposed_product_of_rows(
          rows, error.step, error.numbers.data(), error.step, [&](const Part<Real>& part) {
            add_mean_of_weights(mean.first, mean.share, part, layers_[0], mean.out.data());
          });
    });
  }

  /// mean (+)= share * gradient, of all but the weights of the first layer.
  void add_mean_of_others(const std::vector<Real>& gradient, const Mean& mean) const {
    add_mean(mean.first, mean.share, gradient.data(), gradient.size(),
             mean.out.data() + layers_[0].begin_of_biases());
  }

  /// The outputs of all layers, from the features to the scores.
  void forward(std::size_t count, Pass<Real>& at) const {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Values<Real>& out = at.output(l);
      set_rows(biases(at.x.data(), l), count, out);
      if (l == 0) {
        add_first_layer(at.features, at.weights, out);
      } else {
        add_product(of(at.input[l], count), weights<const Real>(at.x.data(), l).transposed(), out.top(count));
      }
      if (l + 1 < layers_.size()) activate(activation_, count, out);
    }
  }

  void forward_change(std::size_t count, Pass<Real>& at, Pass<Real>& change) const {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Values<Real>& out = change.output(l);
      set_rows(biases(change.x.data(), l), count, out);
      if (l == 0) {
        add_first_layer(at.features, change.weights, out);
      } else {
        add_product(of(at.input[l], count), weights<const Real>(change.x.data(), l).transposed(),
                    out.top(count));
        add_product(of(change.input[l], count), weights<const Real>(at.x.data(), l).transposed(),
                    out.top(count));
      }
      if (l + 1 < layers_.size()) times_slope(activation_, count, at.output(l), out);
    }
  }

  /// The last layer's errors from its scores, and the losses' sum.
  Measured link(std::size_t count, Pass<Real>& at) const {
    give_scores(count, at);
    const Measured measured =
        cross_entropy(data_.classes, at.label.size(), at.label.data(), at.scores.data());
    take_errors(count, at);
    return measured;
  }

  void link_change(std::size_t count, Pass<Real>& at, Pass<Real>& change) const {
    give_scores(count, at);
    give_scores(count, change);
    cross_entropy_change(data_.classes, at.label.size(), at.label.data(), at.scores.data(),
                         change.scores.data());
    take_errors(count, at);
    take_errors(count, change);
  }

  /// mean (+)= share * the sum over the block's rows, from the last layer's errors.
  void backward(std::size_t count, Pass<Real>& at, const Mean& mean) const {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const Values<Real>& error = at.error[l];
      sum_rows(error, count, biases(at.gradient.data(), l));
      if (l == 0) break;
      multiply(error.top(count).transposed(), of(at.input[l], count), weights(at.gradient.data(), l));
      multiply(error.top(count), weights<const Real>(at.x.data(), l), at.error[l - 1].top(count));
      times_slope(activation_, count, at.input[l], at.error[l - 1]);
    }
    add_mean_of_first_layer(count, at.features, at.error[0], mean);
    add_mean_of_others(at.gradient, mean);
  }

  void backward_change(std::size_t count, Pass<Real>& at, Pass<Real>& change, const Mean& mean) const {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const MatrixView<const Real> error = of(at.error[l], count), error_change = of(change.error[l], count);
      sum_rows(change.error[l], count, biases(change.gradient.data(), l));
      if (l == 0) break;
      const auto gradient = weights(change.gradient.data(), l);
      multiply(error_change.transposed(), of(at.input[l], count), gradient);
      add_product(error.transposed(), of(change.input[l], count), gradient);
      Values<Real>& below = at.error[l - 1];
      Values<Real>& below_change = change.error[l - 1];
      multiply(error, weights<const Real>(at.x.data(), l), below.top(count));
      multiply(error_change, weights<const Real>(at.x.data(), l), below_change.top(count));
      add_product(error, weights<const Real>(change.x.data(), l), below_change.top(count));
      times_slope(activation_, count, at.input[l], below_change);
      // Of tanh, act'' o RZ = -2 A o RA; of relu, 0.
      if (activation_ == Activation::tanh) {
        for (std::size_t k = 0; k < count * below.step; ++k) {
          below_change.numbers[k] -=
              2 * below.numbers[k] * at.input[l].numbers[k] * change.input[l].numbers[k];
        }
      }
      times_slope(activation_, count, at.input[l], below);
    }
    add_mean_of_first_layer(count, at.features, change.error[0], mean);
    add_mean_of_others(change.gradient, mean);
  }

  static MatrixView<const Real> of(const Values<Real>& values, std::size_t count) {
    return values.top(count);
  }

  void give_scores(std::size_t count, Pass<Real>& pass) const {
    const Values<Real>& given = pass.error.back();
    const std::size_t rows = round_up(count, kLanes);
    pass.scores.assign(rows * given.units, 0.0);
    for (std::size_t c = 0; c < given.units; ++c)
      for (std::size_t i = 0; i < count; ++i)
        pass.scores[c * rows + i] = static_cast<double>(given.numbers[i * given.step + c]);
  }

  void take_errors(std::size_t count, Pass<Real>& pass) const {
    Values<Real>& error = pass.error.back();
    const std::size_t rows = round_up(count, kLanes);
    for (std::size_t c = 0; c < error.units; ++c)
      for (std::size_t i = 0; i < count; ++i)
        error.numbers[i * error.step + c] = static_cast<Real>(pass.scores[c * rows + i]);
  }

  LabelledData data_;
  std::vector<Layer> layers_;
  Activation activation_;
  Regulariser regulariser_;
  std::uint64_t seed_;
  std::size_t block_;  // rows
};

std::unique_ptr<Problem> new_mlp(LabelledData data, const MlpOptions& options) {
  if (options.precision == MlpOptions::Precision::f64)
    return std::make_unique<Mlp<double>>(std::move(data), options);
  return std::make_unique<Mlp<float>>(std::move(data), options);
}

}  // namespace
}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(new_mlp);

void require_usable(const MlpOptions& options, const LabelledData& data) {
  if (options.widths.empty()) throw InputError("widths = none; need at least one hidden layer");
  double dim = 0, inputs = static_cast<double>(data.columns);
  for (const std::size_t width : options.widths) {
    if (width < 1) throw InputError("width = 0; need width >= 1");
    dim += (inputs + 1) * static_cast<double>(width);
    inputs = static_cast<double>(width);
  }
  dim += (inputs + 1) * static_cast<double>(data.classes);
  constexpr double kMost = 0x1p32;  // limit of the indices in messages
  if (dim >= kMost) {
    throw InputError(fmt::format(
        "widths = {}; need fewer than 2^32 weights and biases: with {} columns and {} classes there "
        "are {:.0f}",
        fmt::join(options.widths, ", "), data.columns, data.classes, dim));
  }
}

std::unique_ptr<Problem> make(LabelledData data, const MlpOptions& options) {
  require_usable(options, data);
  return HWY_DYNAMIC_DISPATCH(new_mlp)(std::move(data), options);
}

ModelOptions decay(const MlpOptions& options) { return {{Regulariser::Kind::l2, options.lambda}, false}; }

}  // namespace

std::unique_ptr<Problem> make_mlp(const Dataset& data, const Shards& shards, const MlpOptions& options,
                                  const std::optional<Dataset>& test, const std::optional<IndexSet>& own) {
  return make(label_rows(data, shards, decay(options), test, own), options);
}

std::unique_ptr<Problem> make_mlp(const GeneratedOptions& data, std::size_t clients,
                                  const MlpOptions& options, const std::optional<IndexSet>& own) {
  return make(label_rows(data, clients, decay(options), own), options);
}

}  // namespace laconic
#endif
