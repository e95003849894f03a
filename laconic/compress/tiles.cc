// SPDX-License-Identifier: Apache-2.0
#include "laconic/compress/tiles.h"

#include <algorithm>

#include "laconic/core/error.h"

namespace laconic {
namespace {

/// A matrix; a stretch between matrices has one row.
struct Tensor {
  std::size_t offset = 0;
  std::size_t rows = 1;
  std::size_t cols = 0;
};

std::vector<Tensor> tensors_of(const CompressorSetting& setting) {
  std::vector<Tensor> tensors;
  std::size_t end = 0;
  const auto stretch_until = [&](std::size_t next) {
    if (next > end) tensors.push_back({end, 1, next - end});
  };
  for (const MatrixBlock& block : setting.blocks) {
    check(block.rows >= 1 && block.cols >= 1 && block.offset >= end &&
              block.offset + block.rows * block.cols <= setting.dim,
          "the matrices of a problem are not ascending stretches of its vector");
    stretch_until(block.offset);
    tensors.push_back({block.offset, block.rows, block.cols});
    end = block.offset + block.rows * block.cols;
  }
  stretch_until(setting.dim);
  return tensors;
}

/// Tiles of rows x cols, smaller at the ends.
void add_tiles(const Tensor& tensor, std::size_t number, std::size_t rows, std::size_t cols,
               std::vector<Tile>& tiles) {
  for (std::size_t r = 0; r < tensor.rows; r += rows) {
    for (std::size_t c = 0; c < tensor.cols; c += cols) {
      tiles.push_back({.offset = tensor.offset + r * tensor.cols + c,
                       .rows = std::min(rows, tensor.rows - r),
                       .cols = std::min(cols, tensor.cols - c),
                       .stride = tensor.cols,
                       .tensor = number});
    }
  }
}

std::size_t largest_divisor(std::size_t number, std::size_t most) {
  std::size_t divisor = std::min(number, most);
  while (number % divisor != 0) --divisor;
  return divisor;
}

}  // namespace

std::vector<Tile> tiles_of_size(const CompressorSetting& setting, std::size_t size) {
  std::size_t side = 1;
  while ((side + 1) * (side + 1) <= size) ++side;
  std::vector<Tile> tiles;
  const std::vector<Tensor> tensors = tensors_of(setting);
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const bool is_row = tensors[k].rows == 1;
    add_tiles(tensors[k], k, is_row ? 1 : side, is_row ? size : side, tiles);
  }
  return tiles;
}

std::vector<Tile> equal_tiles(const CompressorSetting& setting, std::size_t side) {
  std::vector<Tile> tiles;
  const std::vector<Tensor> tensors = tensors_of(setting);
  for (std::size_t k = 0; k < tensors.size(); ++k)
    add_tiles(tensors[k], k, largest_divisor(tensors[k].rows, side), largest_divisor(tensors[k].cols, side),
              tiles);
  return tiles;
}

}  // namespace laconic
