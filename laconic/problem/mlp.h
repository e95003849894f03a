// SPDX-License-Identifier: Apache-2.0
// A fully connected network for classification: f_i(x) = (1/m_i) sum over the rows a of shard i of -log
// softmax(z(a))_label + (lambda/2) |x|^2. Each layer computes W input + b. The input of the first layer is a;
// the input of a later layer is the activation of the output of the layer before it; z is the output of the
// last layer. x is W, b of the first layer, then of the second ...; W is units x inputs, unit by unit. |x|^2
// is over all of x, including biases. Classes are the distinct labels of the training set in ascending order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/data/dataset.h"
#include "laconic/data/generated.h"
#include "laconic/data/split.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct MlpOptions {
  enum class Activation { relu, tanh };
  enum class Precision { f32, f64 };  // of the computation; x and the gradient are doubles

  std::vector<std::size_t> widths;  // of the hidden layers, at least one, each >= 1; dim < 2^32
  Activation activation = Activation::relu;
  double lambda = 0;       // weight decay, >= 0 and finite
  std::uint64_t seed = 1;  // of the starting point
  Precision precision = Precision::f32;
};

/// Copies the rows of the shards `own` (of all shards where `own` is unset; features keep their format: a
/// byte a pixel, or sparse), and the test set if there is one. Correct rows are counted as for
/// make_softmax(). Rows are processed in blocks of 256, or fewer where layers are wide. Each thread keeps the
/// numbers of every layer for one block, and those of x and the gradient but the weights of the first layer.
/// Sums within a block have the given precision; sums over blocks, and of losses, are in doubles. A gradient
/// costs 4 flops a weight and row for the first layer and 6 for the others; a Hessian-vector product costs
/// about twice that. The first layer leaves out zeros: inputs that are 0 in a sparse row, or in each of four
/// images. Sums of products run in ascending order (core/products.h), and so their bits depend on the CPU
/// only in whether it has fused multiply-adds.
///
/// The starting point has biases 0 and weights uniform on +-bound, by layer: sqrt(6 / inputs) for relu (He et
/// al., ICCV 2015), sqrt(6 / (inputs + units)) for tanh (Glorot and Bengio, AISTATS 2010). relu'(0) = 0, and
/// the second derivative of relu counts as 0 everywhere. There are no constants: f is not smooth (relu), or
/// not globally smooth (tanh). Throws InputError for an option out of its range, and where make_softmax()
/// does.
std::unique_ptr<Problem> make_mlp(const Dataset& data, const Shards& shards, const MlpOptions& options,
                                  const std::optional<Dataset>& test = {},
                                  const std::optional<IndexSet>& own = {});

/// The same over generated rows, data.classes >= 2; without a test set.
std::unique_ptr<Problem> make_mlp(const GeneratedOptions& data, std::size_t clients,
                                  const MlpOptions& options, const std::optional<IndexSet>& own = {});

}  // namespace laconic
