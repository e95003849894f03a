// SPDX-License-Identifier: Apache-2.0
#include "laconic/torch/torch_problem.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/nn/functional/loss.h>
#include <torch/utils.h>

#include "laconic/core/error.h"
#include "laconic/core/parallel.h"
#include "laconic/problem/labelled_data.h"
#include "laconic/problem/regulariser.h"

namespace laconic {
namespace {

using torch::Tensor;

/// Makes a module with torch's default generator at the seed. All threads share this generator: modules are
/// made one at a time, and its state is restored.
TorchModule make_module(const TorchFactory& make, std::uint64_t seed) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  struct Restore {
    at::Generator& generator;
    Tensor state;
    ~Restore() { generator.set_state(state); }
  };
  const Restore restore{generator, generator.get_state()};
  generator.set_current_seed(seed);
  return make();
}

/// The module of one thread on its device, with space for the rows of a chunk.
struct Replica {
  TorchModule network;
  std::vector<Tensor> parameters;  // those that x holds, in its order
  Tensor rows, labels;             // on the CPU

  Replica(const TorchFactory& make, const TorchOptions& options, std::int64_t columns)
      : network(make_module(make, options.seed)) {
    const auto type = options.precision == TorchOptions::Precision::f64 ? torch::kFloat64 : torch::kFloat32;
    torch::nn::Module& module = network.module();
    module.to(torch::Device(options.device), type);
    module.eval();
    for (const Tensor& parameter : module.parameters()) {
      if (parameter.requires_grad()) parameters.push_back(parameter);
    }
    const auto chunk = static_cast<std::int64_t>(options.chunk);
    rows = torch::empty({chunk, columns}, type);
    labels = torch::empty({chunk}, torch::kInt64);
  }
};

/// A tensor view, in the shape of `like`, of the part of x that begins at `done`; moves `done` to its end.
Tensor piece(const double* x, const Tensor& like, std::int64_t& done) {
  // Torch has no read-only tensors.
  double* const begin = const_cast<double*>(x) + done;
  done += like.numel();
  return torch::from_blob(begin, like.sizes(), torch::kFloat64);
}

class TorchProblem final : public Problem {
 public:
  TorchProblem(TorchFactory make, LabelledData data, const TorchOptions& options)
      : make_(std::move(make)),
        data_(std::move(data)),
        options_(options),
        regulariser_{Regulariser::Kind::l2, options.lambda},
        device_(options.device),
        shape_(options.shape) {
    if (shape_.empty()) shape_ = {columns()};
    shape_.insert(shape_.begin(), -1);
    const Lease lease(*this);
    require_usable(*lease);
    for (const Tensor& parameter : lease->parameters) dim_ += static_cast<std::size_t>(parameter.numel());
    constexpr double kMost = 0x1p32;  // limit of the indices in messages
    if (static_cast<double>(dim_) >= kMost)
      throw InputError(fmt::format("the module has {} parameters; need fewer than 2^32", dim_));
  }

  [[nodiscard]] std::size_t dim() const override { return dim_; }
  [[nodiscard]] std::size_t shards() const override { return data_.rows.size(); }
  [[nodiscard]] std::size_t rows(std::size_t shard) const override { return data_.rows[shard]; }
  [[nodiscard]] std::uint32_t data_checksum() const override { return data_.checksum; }
  [[nodiscard]] bool classifies() const override { return true; }
  [[nodiscard]] bool has_curvature() const override { return true; }
  [[nodiscard]] std::optional<Constants> constants(AllShards& /*all*/) const override { return {}; }

  void start(MutView x) const override {
    const torch::NoGradGuard no_grad;
    const Replica fresh(make_, options_, columns());
    std::int64_t done = 0;
    for (const Tensor& parameter : fresh.parameters) piece(x.data(), parameter, done).copy_(parameter);
  }

  Measured value_gradient(std::size_t shard, Rows rows, View x, MutView g) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the gradient of no rows was asked for");
    const Lease lease(*this);
    load(x, *lease);
    fill(g, 0.0);
    Measured measured;
    for_each_chunk(0, selection.size(), [&](std::size_t first, std::size_t count) {
      const Passed passed = forward(selection, first, count, *lease);
      measured.value += passed.loss.item<double>();
      measured.correct += passed.correct;
      add(torch::autograd::grad({passed.loss}, lease->parameters, {}, false, false, true), lease->parameters,
          g);
    });
    const double share = 1 / static_cast<double>(selection.size());
    scale(share, g);
    measured.value = share * measured.value + regulariser_.add_gradient(x, g);
    return measured;
  }

  void hessian_vector(std::size_t shard, Rows rows, View x, View v, MutView out) const override {
    const Selection selection{data_.shards[shard], rows};
    check(selection.size() > 0, "the curvature of no rows was asked for");
    const Lease lease(*this);
    load(x, *lease);
    std::vector<Tensor> direction;
    std::int64_t done = 0;
    for (const Tensor& parameter : lease->parameters)
      direction.push_back(piece(v.data(), parameter, done).to(parameter.options()));
    fill(out, 0.0);
    for_each_chunk(0, selection.size(), [&](std::size_t first, std::size_t count) {
      const Passed passed = forward(selection, first, count, *lease);
      const auto gradient = torch::autograd::grad({passed.loss}, lease->parameters, {}, true, true, true);
      // Tensors that do not depend on x, or are 0, have no derivative.
      std::vector<Tensor> moving, along;
      for (std::size_t k = 0; k < gradient.size(); ++k) {
        if (!gradient[k].defined() || !gradient[k].requires_grad()) continue;
        moving.push_back(gradient[k]);
        along.push_back(direction[k]);
      }
      if (moving.empty()) return;
      add(torch::autograd::grad(moving, lease->parameters, along, false, false, true), lease->parameters,
          out);
    });
    scale(1 / static_cast<double>(selection.size()), out);
    regulariser_.add_hessian_vector(x, v, out);
  }

  [[nodiscard]] std::optional<double> test_accuracy(View x, ThreadPool& pool) const override {
    if (!data_.test) return {};
    constexpr std::size_t kBatch = 1024;  // rows of a task, which loads x once
    const Selection selection{*data_.test, Rows::everything()};
    std::vector<double> correct((selection.size() + kBatch - 1) / kBatch);
    pool.for_each(correct.size(), [&](std::size_t batch) {
      const torch::NoGradGuard no_grad;
      const Lease lease(*this);
      load(x, *lease);
      const std::size_t end = std::min((batch + 1) * kBatch, selection.size());
      for_each_chunk(batch * kBatch, end, [&](std::size_t first, std::size_t count) {
        correct[batch] += forward(selection, first, count, *lease).correct;
      });
    });
    return std::accumulate(correct.begin(), correct.end(), 0.0) / static_cast<double>(selection.size());
  }

 private:
  /// A replica for this thread alone, until the end of the scope. There are as many replicas as the largest
  /// number of threads that held one at the same time.
  class Lease {
   public:
    explicit Lease(const TorchProblem& problem) : problem_(problem) {
      // A per-thread setting of OpenMP and of the libraries that torch calls. Set once a thread, as the call
      // is expensive.
      thread_local const bool alone = (at::set_num_threads(1), true);
      static_cast<void>(alone);
      {
        const std::lock_guard lock(problem.mutex_);
        if (!problem.idle_.empty()) {
          replica_ = std::move(problem.idle_.back());
          problem.idle_.pop_back();
        }
      }
      if (!replica_) replica_ = std::make_unique<Replica>(problem.make_, problem.options_, problem.columns());
    }
    ~Lease() {
      const std::lock_guard lock(problem_.mutex_);
      problem_.idle_.push_back(std::move(replica_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    Replica& operator*() const { return *replica_; }
    Replica* operator->() const { return replica_.get(); }

   private:
    const TorchProblem& problem_;
    std::unique_ptr<Replica> replica_;
  };

  struct Passed {
    Tensor loss;  // sum over the rows
    double correct = 0;
  };

  [[nodiscard]] std::int64_t columns() const { return static_cast<std::int64_t>(data_.columns); }

  /// work(first, count) for chunks of the rows begin .. end-1, in this order.
  template <class Work>
  void for_each_chunk(std::size_t begin, std::size_t end, Work work) const {
    for (std::size_t first = begin; first < end; first += options_.chunk)
      work(first, std::min(options_.chunk, end - first));
  }

  static void load(View x, Replica& replica) {
    const torch::NoGradGuard no_grad;
    std::int64_t done = 0;
    for (Tensor& parameter : replica.parameters) parameter.copy_(piece(x.data(), parameter, done));
  }

  /// sum += tensors, where they are defined. Their shapes are those of `like`.
  static void add(const std::vector<Tensor>& tensors, const std::vector<Tensor>& like, MutView sum) {
    const torch::NoGradGuard no_grad;
    std::int64_t done = 0;
    for (std::size_t k = 0; k < like.size(); ++k) {
      Tensor part = piece(sum.data(), like[k], done);
      if (tensors[k].defined()) part.add_(tensors[k].to(part.options()));
    }
  }

  template <class Scalar>
  void read(const Selection& selection, std::size_t first, std::size_t count, Replica& replica) const {
    auto* const features = replica.rows.data_ptr<Scalar>();
    auto* const labels = replica.labels.data_ptr<std::int64_t>();
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t row = selection[first + k];
      Scalar* const to = features + k * data_.columns;
      labels[k] = static_cast<std::int64_t>(selection.rows.class_of(row));
      if (selection.rows.pixels()) {
        selection.rows.read_pixels(row, to, Scalar(1 / 255.0));
      } else {
        std::fill(to, to + data_.columns, Scalar(0));
        selection.rows.for_each(
            row, [&](std::uint32_t column, double value) { to[column] = static_cast<Scalar>(value); });
      }
    }
  }

  Passed forward(const Selection& selection, std::size_t first, std::size_t count, Replica& replica) const {
    if (options_.precision == TorchOptions::Precision::f64) {
      read<double>(selection, first, count, replica);
    } else {
      read<float>(selection, first, count, replica);
    }
    const auto chosen = [&](const Tensor& tensor) {
      return tensor.narrow(0, 0, static_cast<std::int64_t>(count)).to(device_);
    };
    const Tensor labels = chosen(replica.labels);
    const Tensor scores = replica.network.forward(chosen(replica.rows).view(shape_)).to(torch::kFloat64);
    namespace F = torch::nn::functional;
    // Rows without a class have the label -1.
    const auto summed = F::CrossEntropyFuncOptions().reduction(torch::kSum).ignore_index(-1);
    const Tensor correct = scores.detach().argmax(1).eq(labels).sum();
    return {F::cross_entropy(scores, labels, summed), correct.item<double>()};
  }

  /// Throws InputError unless the module's scores of a row of zeros are usable by cross-entropy.
  void require_usable(Replica& replica) const {
    for (const auto& buffer : replica.network.module().named_buffers()) {
      if (buffer.key().ends_with("running_mean"))
        throw InputError(
            fmt::format("the module keeps running statistics ({}), which no method averages; need GroupNorm "
                        "or the like in "
                        "place of BatchNorm",
                        buffer.key()));
    }
    if (replica.parameters.empty())
      throw InputError("the module has no parameters that require a gradient; need at least one");
    Tensor scores;
    try {
      const torch::NoGradGuard no_grad;
      scores = replica.network.forward(replica.rows.narrow(0, 0, 1).zero_().to(device_).view(shape_));
    } catch (const c10::Error& error) {
      const std::string what = error.what_without_backtrace();
      throw InputError(fmt::format("the module does not take rows of shape {}: {}",
                                   fmt::join(shape_.begin() + 1, shape_.end(), " x "),
                                   what.substr(0, what.find('\n'))));
    }
    if (scores.sizes() != at::IntArrayRef({1, static_cast<std::int64_t>(data_.classes)}))
      throw InputError(fmt::format("the module gives a row scores of shape {}; need 1 x {}, a score a class",
                                   fmt::join(scores.sizes(), " x "), data_.classes));
  }

  TorchFactory make_;
  LabelledData data_;
  TorchOptions options_;
  Regulariser regulariser_;
  torch::Device device_;
  std::vector<std::int64_t> shape_;  // of a chunk; -1 stands for its number of rows
  std::size_t dim_ = 0;
  mutable std::mutex mutex_;                            // guards idle_
  mutable std::vector<std::unique_ptr<Replica>> idle_;  // scratch only: no result depends on it
};

void require_usable(const TorchOptions& options, std::size_t columns) {
  if (options.chunk < 1) throw InputError("chunk = 0; need chunk >= 1");
  std::int64_t numbers = 1;
  for (const std::int64_t size : options.shape) numbers *= size;
  if (!options.shape.empty() && numbers != static_cast<std::int64_t>(columns))
    throw InputError(fmt::format("shape = {}; need one of {} numbers, the columns of a row",
                                 fmt::join(options.shape, " x "), columns));
  std::optional<torch::Device> device;
  try {
    device.emplace(options.device);
  } catch (const c10::Error&) {
  }
  if (!device || !(device->is_cpu() || device->is_cuda()))
    throw InputError(fmt::format("device = {}; need cpu or cuda", options.device));
  const auto cuda_devices = static_cast<std::int64_t>(torch::cuda::device_count());
  if (device->is_cuda() && std::max<std::int64_t>(device->index(), 0) >= cuda_devices)
    throw InputError(
        fmt::format("device = {}; this LibTorch sees {} CUDA devices", options.device, cuda_devices));
}

}  // namespace

std::unique_ptr<Problem> make_torch_problem(TorchFactory make, const Dataset& data, const Shards& shards,
                                            const TorchOptions& options, const std::optional<Dataset>& test,
                                            const std::optional<IndexSet>& own) {
  require_usable(options, data.columns);
  const ModelOptions decay{{Regulariser::Kind::l2, options.lambda}, false};
  return std::make_unique<TorchProblem>(std::move(make), label_rows(data, shards, decay, test, own), options);
}

}  // namespace laconic
