// SPDX-License-Identifier: Apache-2.0
// cnn: McMahan, Moore, Ramage, Hampson, Aguera y Arcas, AISTATS 2017, arXiv 1602.05629, section 3.
// resnet18: He, Zhang, Ren, Sun, CVPR 2016, arXiv 1512.03385, with a stem for small images (3 x 3, no
// pooling), and with GroupNorm, which Hsieh, Phanishayee, Mutlu, Gibbons, ICML 2020, arXiv 1910.00189,
// recommend for heterogeneous clients.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <torch/nn/init.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/modules/pooling.h>

#include "laconic/core/error.h"
#include "laconic/problem/torch_options.h"
#include "laconic/torch/torch_problem.h"

namespace laconic {
namespace {

namespace nn = torch::nn;
using torch::Tensor;

struct Image {
  std::int64_t colours = 0, side = 0;
};

/// The image size that the rows of a data set have.
Image image_of(const Dataset& data, std::int64_t least_side) {
  if (!std::holds_alternative<PixelRows>(data.features))
    throw InputError(
        fmt::format("{}: its rows are no images; need such as those of mnist or cifar10", data.name));
  for (const std::int64_t colours : {1, 3}) {
    const auto side =
        std::llround(std::sqrt(static_cast<double>(data.columns) / static_cast<double>(colours)));
    if (colours * side * side != static_cast<std::int64_t>(data.columns)) continue;
    if (side >= least_side) return {colours, side};
  }
  throw InputError(
      fmt::format("{}: {} pixels a row; need square images, grey or of three colours, of {} x {} at "
                  "least",
                  data.name, data.columns, least_side, least_side));
}

nn::Sequential make_cnn(Image image, std::int64_t classes) {
  const auto convolution = [](std::int64_t in, std::int64_t out) {
    return nn::Conv2d(nn::Conv2dOptions(in, out, 5).padding(2));
  };
  constexpr std::int64_t kFirst = 32, kSecond = 64, kHidden = 512;
  const std::int64_t left = image.side / 4;
  return nn::Sequential(convolution(image.colours, kFirst), nn::ReLU(), nn::MaxPool2d(2),
                        convolution(kFirst, kSecond), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                        nn::Linear(kSecond * left * left, kHidden), nn::ReLU(), nn::Linear(kHidden, classes));
}

nn::Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t size, std::int64_t stride) {
  nn::Conv2d layer(nn::Conv2dOptions(in, out, size).stride(stride).padding(size / 2).bias(false));
  nn::init::kaiming_normal_(layer->weight, 0, torch::kFanOut, torch::kReLU);
  return layer;
}

nn::GroupNorm norm(std::int64_t channels) {
  constexpr std::int64_t kGroups = 32;  // of Wu and He, arXiv 1803.08494
  return nn::GroupNorm(nn::GroupNormOptions(kGroups, channels));
}

/// relu(norm(conv(relu(norm(conv(input))))) + shortcut(input)).
class BasicBlockImpl final : public nn::Module {
 public:
  BasicBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride) {
    residual_ =
        register_module("residual", nn::Sequential(convolution(in, out, 3, stride), norm(out), nn::ReLU(),
                                                   convolution(out, out, 3, 1), norm(out)));
    if (in != out)
      shortcut_ = register_module("shortcut", nn::Sequential(convolution(in, out, 1, stride), norm(out)));
  }

  Tensor forward(const Tensor& input) {
    return torch::relu(residual_->forward(input) +
                       (shortcut_.is_empty() ? input : shortcut_->forward(input)));
  }

 private:
  nn::Sequential residual_{nullptr}, shortcut_{nullptr};
};
TORCH_MODULE(BasicBlock);

nn::Sequential make_resnet18(Image image, std::int64_t classes) {
  constexpr std::int64_t kWidths[] = {64, 128, 256, 512};
  nn::Sequential net(convolution(image.colours, kWidths[0], 3, 1), norm(kWidths[0]), nn::ReLU());
  std::int64_t in = kWidths[0];
  for (const std::int64_t out : kWidths) {
    net->push_back(BasicBlock(in, out, in == out ? 1 : 2));
    net->push_back(BasicBlock(out, out, 1));
    in = out;
  }
  net->push_back(nn::AdaptiveAvgPool2d(1));
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(in, classes));
  return net;
}

std::int64_t count_classes(const Dataset& data) {
  std::vector<double> labels = data.labels;
  std::sort(labels.begin(), labels.end());
  return std::unique(labels.begin(), labels.end()) - labels.begin();
}

}  // namespace

std::unique_ptr<Problem> make_torch_network(TorchNetwork network, const Dataset& data, const Shards& shards,
                                            TorchOptions options, const std::optional<Dataset>& test,
                                            const std::optional<IndexSet>& own) {
  const bool deep = network == TorchNetwork::resnet18;
  const Image image = image_of(data, deep ? 8 : 4);
  options.shape = {image.colours, image.side, image.side};
  options.chunk = deep ? 32 : 256;
  const std::int64_t classes = count_classes(data);
  return make_torch_problem(
      [=]() -> TorchModule { return deep ? make_resnet18(image, classes) : make_cnn(image, classes); }, data,
      shards, options, test, own);
}

}  // namespace laconic
