// SPDX-License-Identifier: Apache-2.0
// Any torch::nn module as a problem that tells classes apart: f_i(x) = (1/m_i) sum over the rows a of shard i of
// -log softmax(z(a))_label + (lambda/2) |x|^2, where z(a) is what the module, with the parameters x, makes of a.
// x holds the module's parameters() that require a gradient, in this order, each row by row. Classes are the
// distinct labels of the training set in ascending order. Include it where LibTorch is found.
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
#include "laconic/problem/torch/options.h"

namespace laconic {

/// A module and how it is called, whatever its type.
class TorchModule {
 public:
  /// A module holder (torch::nn::Sequential, what TORCH_MODULE makes) or a std::shared_ptr to a module, with a
  /// forward(rows of the given shape) that returns scores, rows x classes.
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

/// Makes the module anew; the same at every call but for what torch's generator draws.
using TorchFactory = std::function<TorchModule()>;

/// Copies the rows of the shards `own`, all where it is unset (features stay as they are: a byte a pixel), and
/// the test set if there is one; right and wrong are as for make_softmax(). Every thread that asks at once has a
/// module of its own. Rows go through it in chunks; sums over chunks, and losses, are of doubles. The memory of a
/// thread is that of torch for one chunk, forward and backward.
///
/// Starts where the factory's constructors begin when torch's default generator is seeded with the seed, which
/// is then put back as it was. Modules are in eval() mode: dropout is off, so that a gradient is a function of x.
/// Running statistics, as BatchNorm keeps them, are refused: they are no parameters, so no method would send and
/// average them, and they would depend on which worker looked last. GroupNorm and LayerNorm have none. Other
/// buffers, and parameters that require no gradient, stay as they were made.
///
/// In every thread that asks, torch computes with one thread of its own from then on (at::set_num_threads(1)):
/// on a CPU, with one build of LibTorch, the same description gives the same bits on any number of threads.
/// Of CUDA that is not promised. Hessian-vector products differentiate twice: exact, where torch can. No
/// constants.
///
/// InputError for options out of their range, a device that torch does not have, a module without parameters,
/// one whose scores are not rows x classes, or that does not take such rows, and as for make_softmax().
std::unique_ptr<Problem> make_torch_problem(TorchFactory make, const Dataset& data, const Shards& shards,
                                            const TorchOptions& options,
                                            const std::optional<Dataset>& test = {},
                                            const std::optional<IndexSet>& own = {});

}  // namespace laconic
