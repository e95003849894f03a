// SPDX-License-Identifier: Apache-2.0
// Any torch::nn module as a classification problem: f_i(x) = (1/m_i) sum over the rows a of shard i of -log
// softmax(z(a))_label + (lambda/2) |x|^2, where z(a) is the output of the module with parameters x for the
// input a. x holds the module's parameters() that require a gradient, in this order, each row by row. Classes
// are the distinct labels of the training set in ascending order. This header needs LibTorch.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <torch/nn/module.h>
#include <torch/types.h>

#include "laconic/core/index_set.h"
#include "laconic/data/dataset.h"
#include "laconic/data/split.h"
#include "laconic/problem/problem.h"
#include "laconic/problem/torch_options.h"

namespace laconic {

/// A module with its forward(), independent of its type.
class TorchModule {
 public:
  /// A module holder (torch::nn::Sequential, or a type made by TORCH_MODULE) or a std::shared_ptr to a
  /// module. Its forward(rows of the given shape) must return scores, rows x classes.
  template <class Holder>
  TorchModule(Holder holder)  // NOLINT(google-explicit-constructor): factories return what they have made
      : module_(pointer(holder)), forward_([holder](const torch::Tensor& rows) mutable -> torch::Tensor {
          return holder->forward(rows);
        }) {}

  [[nodiscard]] torch::nn::Module& module() const { return *module_; }
  [[nodiscard]] torch::Tensor forward(const torch::Tensor& rows) const { return forward_(rows); }

 private:
  template <class Module>
  static std::shared_ptr<torch::nn::Module> pointer(const std::shared_ptr<Module>& module) {
    return module;
  }
  template <class Module>
  static std::shared_ptr<torch::nn::Module> pointer(const torch::nn::ModuleHolder<Module>& holder) {
    return holder.ptr();
  }

  std::shared_ptr<torch::nn::Module> module_;
  std::function<torch::Tensor(const torch::Tensor&)> forward_;
};

/// Makes a new module. All calls must make the same module, except for what torch's generator draws.
using TorchFactory = std::function<TorchModule()>;

/// Copies the rows of the shards `own` (of all shards where `own` is unset; features keep their format: a
/// byte a pixel, or sparse), and the test set if there is one. Correct rows are counted as for
/// make_softmax(). Each of the threads that call at once uses its own module. The module processes rows in
/// chunks; sums over chunks, and of losses, are in doubles. A thread needs the memory that torch needs for
/// one chunk, forward and backward.
///
/// The starting point is the initialisation by the factory's constructors with torch's default generator at
/// the seed; the state of the generator is then restored. Modules are in eval() mode: dropout is off, so that
/// a gradient is a function of x. Modules with running statistics, such as BatchNorm, are refused: running
/// statistics are not parameters, so methods would not send and average them, and they would depend on the
/// order in which clients compute. GroupNorm and LayerNorm have none. Other buffers, and parameters that
/// require no gradient, keep their initial values.
///
/// Each calling thread sets torch to one thread for itself from then on (at::set_num_threads(1)): on a CPU,
/// with one build of LibTorch, the same description gives the same bits on any number of threads. On CUDA
/// this is not promised. Hessian-vector products differentiate twice: exact, where torch supports it. There
/// are no constants.
///
/// Throws InputError for an option out of its range, a device that torch does not have, a module without
/// parameters, a module that does not take such rows or that does not return scores of rows x classes, and
/// where make_softmax() does.
std::unique_ptr<Problem> make_torch_problem(TorchFactory make, const Dataset& data, const Shards& shards,
                                            const TorchOptions& options,
                                            const std::optional<Dataset>& test = {},
                                            const std::optional<IndexSet>& own = {});

}  // namespace laconic
