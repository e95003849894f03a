// SPDX-License-Identifier: Apache-2.0
// Networks by LibTorch: the part of the interface that does not include LibTorch's headers. laconic has torch
// problems only if CMake is given LACONIC_TORCH=ON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/core/index_set.h"
#include "laconic/data/dataset.h"
#include "laconic/data/split.h"
#include "laconic/problem/problem.h"

namespace laconic {

struct TorchOptions {
  enum class Precision { f32, f64 };  // of the module's computation; x and the gradient are doubles

  std::vector<std::int64_t> shape = {};  // of a row as input: {3, 32, 32}; unset: its columns
  double lambda = 0;                     // weight decay, >= 0 and finite
  std::uint64_t seed = 1;                // of the starting point
  Precision precision = Precision::f32;
  std::string device = "cpu";  // or cuda; any name that torch::Device accepts
  std::size_t chunk = 256;     // rows in a call of the module, >= 1; determines the memory of a thread
};

enum class TorchNetwork {
  cnn,       // two convolutions and two fully connected layers, of FedAvg (arXiv 1602.05629)
  resnet18,  // for small images, with GroupNorm (arXiv 1512.03385, 1910.00189)
};

/// The network as a problem over square images in grey or in three colours. The network determines shape and
/// chunk. All else is as for make_torch_problem() (torch_problem.h). Throws InputError also for rows that are
/// not such images, or are too small.
using MakeTorchNetwork = std::unique_ptr<Problem>(TorchNetwork network, const Dataset& data,
                                                  const Shards& shards, TorchOptions options,
                                                  const std::optional<Dataset>& test,
                                                  const std::optional<IndexSet>& own);
/// Defined in the library laconic_torch.
MakeTorchNetwork make_torch_network;

}  // namespace laconic
