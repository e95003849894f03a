// SPDX-License-Identifier: Apache-2.0
// A fully connected network that tells classes apart: f_i(x) = (1/m_i) sum over the rows a of shard i of
// -log softmax(z(a))_label + (lambda/2) |x|^2, where each layer is W input + b, the input of the first is a,
// that of a later one the activation of what the layer before it gives, and z is what the last gives. x is W,
// b of the first layer, then of the second ...; W is units x inputs, unit by unit. |x|^2 is over all of x,
// biases included. Classes are the distinct labels of the training set in ascending order.
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
  enum class Precision { f32, f64 };  // of what happens between x and the gradient, which are doubles

  std::vector<std::size_t> widths;  // of the hidden layers, at least one, each >= 1; dim < 2^32
  Activation activation = Activation::relu;
  double lambda = 0;       // weight decay, >= 0 and finite
  std::uint64_t seed = 1;  // of the start
  Precision precision = Precision::f32;
};

/// Copies the rows of the shards `own`, all where it is unset (features stay as they are: a byte a pixel),
/// and the test set if there is one; right and wrong are as for make_softmax(). Rows are met in blocks of
/// 256, fewer where they are wide, of which each thread keeps every layer's numbers, besides two vectors of
/// length dim. Within a block sums are of the given precision; over blocks, and losses, of doubles. A
/// gradient costs 4 flops a weight and row for the first layer and 6 for the others, a Hessian-vector product
/// about twice that. Sums of products run in Eigen's order: fixed, but for the sizes of the CPU's caches,
/// which say where it cuts long ones.
///
/// Starts with biases 0 and weights uniform on +-bound by layer: sqrt(6 / inputs) of relu (He et al., ICCV
/// 2015), sqrt(6 / (inputs + units)) of tanh (Glorot and Bengio, AISTATS 2010). relu' (0) = 0, and its second
/// derivative is 0 everywhere. No constants: f is not smooth (relu), or not globally (tanh). InputError for
/// options out of their range, and as for make_softmax().
std::unique_ptr<Problem> make_mlp(const Dataset& data, const Shards& shards, const MlpOptions& options,
                                  const std::optional<Dataset>& test = {},
                                  const std::optional<IndexSet>& own = {});

/// The same over rows that are drawn, data.classes >= 2 of them; without a test set.
std::unique_ptr<Problem> make_mlp(const GeneratedOptions& data, std::size_t clients,
                                  const MlpOptions& options, const std::optional<IndexSet>& own = {});

}  // namespace laconic
