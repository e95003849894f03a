// SPDX-License-Identifier: Apache-2.0
// Networks by LibTorch: what can be said of them without its headers, which laconic is built with only where
// CMake is told LACONIC_TORCH=ON.
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
  enum class Precision { f32, f64 };  // of what the module computes; x and the gradient are doubles

  std::vector<std::int64_t> shape = {};  // that a row has for the module: {3, 32, 32}; unset: its columns
  double lambda = 0;                     // weight decay, >= 0 and finite
  std::uint64_t seed = 1;                // of the start
  Precision precision = Precision::f32;
  std::string device = "cpu";  // or cuda, as torch::Device reads it
  std::size_t chunk = 256;     // rows that the module sees at once, >= 1; a thread has memory for so many
};

enum class TorchNetwork {
  cnn,       // two convolutions and two fully connected layers, of FedAvg (arXiv 1602.05629)
  resnet18,  // for small images, with GroupNorm (arXiv 1512.03385, 1910.00189)
};

/// The network as a problem over images, square ones in grey or in three colours; shape and chunk are chosen
/// by it. All else is as for make_torch_problem() (torch_problem.h). InputError besides for rows that are no
/// such images, or too small ones.
using MakeTorchNetwork = std::unique_ptr<Problem>(TorchNetwork network, const Dataset& data,
                                                  const Shards& shards, TorchOptions options,
                                                  const std::optional<Dataset>& test,
                                                  const std::optional<IndexSet>& own);
/// In the library laconic_torch.
MakeTorchNetwork make_torch_network;

}  // namespace laconic
