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

#include <Eigen/Dense>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/core/rng.h"
#include "laconic/problem/cross_entropy.h"
#include "laconic/problem/labelled_data.h"
#include "laconic/problem/regulariser.h"
#include "laconic/problem/vector_math.h"

namespace laconic {
namespace {

using Index = Eigen::Index;
using Activation = MlpOptions::Activation;

constexpr Index kMostRows = 256;  // of a block
constexpr Index kFewestRows = 16;
constexpr Index kMostNumbers = Index{1} << 20;  // of a block in a layer, unless kFewestRows rows have more

/// The position of a layer's parameters in x.
struct Layer {
  Index inputs, units;
  Index begin;  // of the weights

  [[nodiscard]] Index begin_of_biases() const { return begin + units * inputs; }
  [[nodiscard]] Index end() const { return begin_of_biases() + units; }
};

std::vector<Layer> layers_of(std::size_t columns, std::vector<std::size_t> units, std::size_t classes) {
  units.push_back(classes);
  std::vector<Layer> layers;
  for (std::size_t l = 0; l < units.size(); ++l) {
    layers.push_back({.inputs = static_cast<Index>(l == 0 ? columns : units[l - 1]),
                      .units = static_cast<Index>(units[l]),
                      .begin = l == 0 ? 0 : layers.back().end()});
  }
  return layers;
}

template <class Scalar>
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
/// The first rows of a Matrix.
template <class Scalar>
using Block = Eigen::Map<Matrix<Scalar>>;
/// Numbers in the order of x.
template <class Scalar>
using Flat = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

template <class Scalar>
Block<Scalar> top(Matrix<Scalar>& matrix, Index rows) {
  return {matrix.data(), rows, matrix.cols()};
}

template <class Scalar>
Eigen::Map<Matrix<Scalar>> weights(Flat<Scalar>& x, const Layer& layer) {
  return {x.data() + layer.begin, layer.units, layer.inputs};
}

template <class Scalar>
auto biases(Flat<Scalar>& x, const Layer& layer) {
  return x.segment(layer.begin_of_biases(), layer.units).transpose();
}

/// z = act(z); NaN stays NaN.
template <class Scalar>
void activate(Activation activation, Block<Scalar> z) {
  Scalar* const at = z.data();
  if (activation == Activation::relu) {
    for (Index k = 0; k < z.size(); ++k) at[k] = at[k] < 0 ? 0 : at[k];
    return;
  }
  // Whole vectors: there is room for a multiple of kLanes rows.
  for (Index k = 0; k < z.size(); k += Index{kLanes}) {
    Doubles v;
    for (std::size_t i = 0; i < kLanes; ++i) v[i] = at[k + static_cast<Index>(i)];
    v = tanh(v);
    for (std::size_t i = 0; i < kLanes; ++i) at[k + static_cast<Index>(i)] = static_cast<Scalar>(v[i]);
  }
}

/// error *= act'(z), computed from a = act(z).
template <class Scalar>
void times_slope(Activation activation, Block<Scalar> a, Block<Scalar> error) {
  if (activation == Activation::relu) {
    for (Index k = 0; k < a.size(); ++k) error.data()[k] = a.data()[k] > 0 ? error.data()[k] : 0;
  } else {
    error.array() *= 1 - a.array().square();
  }
}

/// What a thread keeps from call to call: the values of a network on a block of rows, or, in the same layout,
/// their first-order change along v.
template <class Scalar>
struct Pass {
  Flat<Scalar> x, gradient;
  std::vector<Matrix<Scalar>> input;  // of layer l, one row a line; input[0] is the features
  // Derivatives of the losses with respect to the output of layer l. In the last layer this first holds the
  // scores.
  std::vector<Matrix<Scalar>> error;
  Vector scores;  // the scores in the layout of cross_entropy()
  Vector label;   // of each row

  /// The output of layer l.
  Matrix<Scalar>& output(std::size_t l) { return l + 1 < input.size() ? input[l + 1] : error[l]; }
};

template <class Scalar>
class Mlp final : public Problem {
 public:
  Mlp(LabelledData data, const MlpOptions& options)
      : data_(std::move(data)),
        layers_(layers_of(data_.columns, options.widths, data_.classes)),
        activation_(options.activation),
        regulariser_{Regulariser::Kind::l2, options.lambda},
        seed_(options.seed) {
    Index widest = 1;
    for (const Layer& layer : layers_) widest = std::max({widest, layer.inputs, layer.units});
    const Index rows = std::clamp(kMostNumbers / widest, kFewestRows, kMostRows);
    static_assert(kFewestRows % kLanes == 0);
    block_ = rows - rows % static_cast<Index>(kLanes);
  }

  [[nodiscard]] std::size_t dim() const override { return static_cast<std::size_t>(layers_.back().end()); }
  [[nodiscard]] std::size_t shards() const override { return data_.rows.size(); }
  [[nodiscard]] double ridge() const override { return regulariser_.ridge(); }
  [[nodiscard]] std::vector<MatrixBlock> blocks() const override {
    std::vector<MatrixBlock> blocks;
    for (const Layer& layer : layers_)
      blocks.push_back({.offset = static_cast<std::size_t>(layer.begin),
                        .rows = static_cast<std::size_t>(layer.units),
                        .cols = static_cast<std::size_t>(layer.inputs)});
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
      for (double& w : x.subspan(static_cast<std::size_t>(layer.begin),
                                 static_cast<std::size_t>(layer.units * layer.inputs)))
        w = bound * (2 * stream.uniform() - 1);
    }
  }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the gradient of no rows was asked for");
    const double share = 1 / static_cast<double>(selection.size());
    thread_local Pass<Scalar> at;
    prepare(at, x);
    Measured measured;
    for_each_block(0, selection.size(), [&](std::size_t first, Index count) {
      read(selection, first, count, at);
      forward(count, at);
      const Measured part = link(count, at);
      measured.value += part.value;
      measured.correct += part.correct;
      backward(count, at);
      add_mean(first == 0, share, at.gradient, g);
    });
    measured.value = share * measured.value + regulariser_.add_gradient(x, g);
    return measured;
  }

  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the curvature of no rows was asked for");
    const double share = 1 / static_cast<double>(selection.size());
    thread_local Pass<Scalar> at, change;
    prepare(at, x);
    prepare(change, v);
    for_each_block(0, selection.size(), [&](std::size_t first, Index count) {
      read(selection, first, count, at);
      forward(count, at);
      forward_change(count, at, change);
      link_change(count, at, change);
      backward_change(count, at, change);
      add_mean(first == 0, share, change.gradient, out);
    });
    regulariser_.add_hessian_vector(x, v, out);
  }

  [[nodiscard]] std::optional<double> test_accuracy(View x, ThreadPool& pool) const override {
    if (!data_.test) return {};
    constexpr std::size_t kChunk = 1024;  // rows of a task, which converts x once
    const Selection selection{*data_.test, Rows::everything()};
    std::vector<double> correct((selection.size() + kChunk - 1) / kChunk);
    pool.for_each(correct.size(), [&](std::size_t chunk) {
      thread_local Pass<Scalar> at;
      prepare(at, x);
      const std::size_t end = std::min((chunk + 1) * kChunk, selection.size());
      for_each_block(chunk * kChunk, end, [&](std::size_t first, Index count) {
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
  /// work(first, count) for blocks of the rows begin .. end-1, in this order.
  template <class Work>
  void for_each_block(std::size_t begin, std::size_t end, Work work) const {
    const auto block = static_cast<std::size_t>(block_);
    for (std::size_t first = begin; first < end; first += block)
      work(first, static_cast<Index>(std::min(block, end - first)));
  }

  /// Allocates space for a block, without uninitialised numbers, and converts x to Scalar.
  void prepare(Pass<Scalar>& pass, View x) const {
    pass.x = Eigen::Map<const Flat<double>>(x.data(), layers_.back().end()).template cast<Scalar>();
    pass.gradient.resize(pass.x.size());
    pass.input.resize(layers_.size());
    pass.error.resize(layers_.size());
    const auto make_room = [&](Matrix<Scalar>& matrix, Index columns) {
      if (matrix.rows() != block_ || matrix.cols() != columns) matrix.setZero(block_, columns);
    };
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      make_room(pass.input[l], layers_[l].inputs);
      make_room(pass.error[l], layers_[l].units);
    }
  }

  /// Features and labels of the rows first .. first + count - 1 of a selection.
  void read(const Selection& selection, std::size_t first, Index count, Pass<Scalar>& at) const {
    at.label.assign(static_cast<std::size_t>(padded(count)), kNoClass);
    Matrix<Scalar>& features = at.input[0];
    for (Index k = 0; k < count; ++k) {
      const std::size_t row = selection[first + static_cast<std::size_t>(k)];
      at.label[static_cast<std::size_t>(k)] = selection.rows.class_of(row);
      if (selection.rows.pixels()) {
        selection.rows.read_pixels(row, features.row(k).data(), Scalar(1 / 255.0));
      } else {
        features.row(k).setZero();
        selection.rows.for_each(row, [&](std::uint32_t column, double value) {
          features(k, static_cast<Index>(column)) = static_cast<Scalar>(value);
        });
      }
    }
  }

  /// The outputs of all layers, from the features to the scores.
  void forward(Index count, Pass<Scalar>& at) const {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Block<Scalar> out = top(at.output(l), count);
      out.noalias() = top(at.input[l], count) * weights(at.x, layers_[l]).transpose();
      out.rowwise() += biases(at.x, layers_[l]);
      if (l + 1 < layers_.size()) activate(activation_, out);
    }
  }

  void forward_change(Index count, Pass<Scalar>& at, Pass<Scalar>& change) const {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      Block<Scalar> out = top(change.output(l), count);
      out.noalias() = top(at.input[l], count) * weights(change.x, layers_[l]).transpose();
      if (l > 0) out.noalias() += top(change.input[l], count) * weights(at.x, layers_[l]).transpose();
      out.rowwise() += biases(change.x, layers_[l]);
      if (l + 1 < layers_.size()) times_slope(activation_, top(at.output(l), count), out);
    }
  }

  /// The last layer's errors from its scores, and the losses' sum.
  Measured link(Index count, Pass<Scalar>& at) const {
    give_scores(count, at);
    const Measured measured =
        cross_entropy(data_.classes, at.label.size(), at.label.data(), at.scores.data());
    take_errors(count, at);
    return measured;
  }

  void link_change(Index count, Pass<Scalar>& at, Pass<Scalar>& change) const {
    give_scores(count, at);
    give_scores(count, change);
    cross_entropy_change(data_.classes, at.label.size(), at.label.data(), at.scores.data(),
                         change.scores.data());
    take_errors(count, at);
    take_errors(count, change);
  }

  /// gradient = the sum over the block's rows, from the last layer's errors.
  void backward(Index count, Pass<Scalar>& at) const {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const Block<Scalar> error = top(at.error[l], count);
      const Block<Scalar> input = top(at.input[l], count);
      weights(at.gradient, layers_[l]).noalias() = error.transpose() * input;
      biases(at.gradient, layers_[l]) = error.colwise().sum();
      if (l == 0) return;
      Block<Scalar> below = top(at.error[l - 1], count);
      below.noalias() = error * weights(at.x, layers_[l]);
      times_slope(activation_, input, below);
    }
  }

  void backward_change(Index count, Pass<Scalar>& at, Pass<Scalar>& change) const {
    for (std::size_t l = layers_.size(); l-- > 0;) {
      const Block<Scalar> error = top(at.error[l], count), error_change = top(change.error[l], count);
      const Block<Scalar> input = top(at.input[l], count), input_change = top(change.input[l], count);
      auto gradient = weights(change.gradient, layers_[l]);
      gradient.noalias() = error_change.transpose() * input;
      if (l > 0) gradient.noalias() += error.transpose() * input_change;
      biases(change.gradient, layers_[l]) = error_change.colwise().sum();
      if (l == 0) return;
      Block<Scalar> below = top(at.error[l - 1], count), below_change = top(change.error[l - 1], count);
      below.noalias() = error * weights(at.x, layers_[l]);
      below_change.noalias() = error_change * weights(at.x, layers_[l]);
      below_change.noalias() += error * weights(change.x, layers_[l]);
      times_slope(activation_, input, below_change);
      // Of tanh, act'' o RZ = -2 A o RA; of relu, 0.
      if (activation_ == Activation::tanh)
        below_change.array() -= 2 * below.array() * input.array() * input_change.array();
      times_slope(activation_, input, below);
    }
  }

  static Index padded(Index count) { return (count + Index{kLanes} - 1) / Index{kLanes} * Index{kLanes}; }

  void give_scores(Index count, Pass<Scalar>& pass) const {
    const Block<Scalar> given = top(pass.error.back(), count);
    pass.scores.assign(static_cast<std::size_t>(padded(count) * given.cols()), 0.0);
    Eigen::Map<Eigen::MatrixXd> scores(pass.scores.data(), padded(count), given.cols());
    scores.topRows(count) = given.template cast<double>();
  }

  void take_errors(Index count, Pass<Scalar>& pass) const {
    Block<Scalar> error = top(pass.error.back(), count);
    const Eigen::Map<const Eigen::MatrixXd> scores(pass.scores.data(), padded(count), error.cols());
    error = scores.topRows(count).template cast<Scalar>();
  }

  /// mean (+)= share * sum; the first block overwrites.
  static void add_mean(bool first, double share, const Flat<Scalar>& sum, MutView mean) {
    Eigen::Map<Flat<double>> out(mean.data(), sum.size());
    if (first) {
      out = share * sum.template cast<double>();
    } else {
      out += share * sum.template cast<double>();
    }
  }

  LabelledData data_;
  std::vector<Layer> layers_;
  Activation activation_;
  Regulariser regulariser_;
  std::uint64_t seed_;
  Index block_;  // rows
};

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
  if (options.precision == MlpOptions::Precision::f64)
    return std::make_unique<Mlp<double>>(std::move(data), options);
  return std::make_unique<Mlp<float>>(std::move(data), options);
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
