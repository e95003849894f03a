// SPDX-License-Identifier: Apache-2.0
#include "arrays.h"

namespace laconic::python {

CompressorSetting setting_of(std::size_t dim, std::size_t workers, const std::string& wire,
                             const std::vector<Matrix>& matrices) {
  if (dim < 1) throw InputError("dim = 0; need dim >= 1");
  if (workers < 1) throw InputError("workers = 0; need workers >= 1");
  if (wire != "f32" && wire != "f64") throw InputError(fmt::format("wire = {}; need f32 or f64", wire));
  CompressorSetting setting{.dim = dim, .clients = workers, .wire = wire == "f32" ? Wire::f32 : Wire::f64};
  std::size_t end = 0;  // of the matrices so far
  for (const auto& [begin, rows, cols] : matrices) {
    // The last one may end behind the vector, by less than a row.
    if (begin < end || rows < 1 || cols < 1 || rows > dim || cols > dim ||
        begin + rows * cols >= dim + cols) {
      throw InputError(
          fmt::format("matrices: ({}, {}, {}) is no stretch within dim = {}, behind the one before", begin,
                      rows, cols, dim));
    }
    end = begin + rows * cols;
    setting.blocks.push_back({begin, rows, cols});
  }
  return setting;
}

}  // namespace laconic::python
