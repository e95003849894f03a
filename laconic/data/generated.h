// SPDX-License-Identifier: Apache-2.0
// Rows that are drawn instead of read. A client's rows are a function of its number and the seed, so that its
// owner makes them alone: any number of clients needs no file, and no process the rows of another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "laconic/data/dataset.h"

namespace laconic {

struct GeneratedOptions {
  std::size_t rows = 100;     // of each client, >= 1
  std::size_t columns = 100;  // 1 .. 2^32 - 1
  std::size_t nnz = 100;      // of each row, 1 .. columns: where they are is drawn too
  double noise =
      0.1;           // share of labels that are drawn anew, 0 .. 1; of real labels, the size of what is added
  double shift = 0;  // >= 0: how far each client's planted model is from the common one, relative to its size
  std::uint64_t seed = 1;

  enum class Law { uniform, normal };
  Law law = Law::uniform;  // of values, planted models and shifts
  // Of normal rows, once the labels are drawn: in which units and directions the features are seen.
  double decades = 0;    // 0 .. 8: feature j < d is multiplied by 10^(-decades j / (d-1))
  bool rotated = false;  // and the row by a random orthogonal matrix, the same for all

  /// Labels 0 .. classes-1 are the largest of so many planted scores, those of 2 classes the sign of one; 0:
  /// the score itself is the label.
  std::size_t classes = 2;
};

/// The rows of one client.
/// Uniform: values are scaled so that E|a|^2 = 1, the weights of the planted models are on [-1, 1]. Uses no
/// libm, so that CPUs agree. About 2 us for a row of 20 entries.
/// Normal, for 2 classes and nnz = columns only: the logistic model, a ~ N(0, I), the client's planted model
/// x_i = x + shift N(0, I) with x ~ N(0, I), and a row has label 1 with probability 1/(1 + exp(-a'x_i)); the
/// share `noise` of them is drawn anew besides. Rotating costs 2 d^2 flops a row, and as
/// many random numbers and d^2 / 2 doubles of memory a client.
Dataset generate(const GeneratedOptions& options, std::size_t client);

}  // namespace laconic
