// SPDX-License-Identifier: Apache-2.0
// Rows that are generated, not read. The rows of a client are a function of its number and the seed, so its
// owner generates them without communication. Any number of clients needs no file, and no process needs the
// rows of another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "laconic/data/dataset.h"

namespace laconic {

struct GeneratedOptions {
  std::size_t rows = 100;     // of each client, >= 1
  std::size_t columns = 100;  // 1 .. 2^32 - 1
  std::size_t nnz = 100;      // of each row, 1 .. columns; the positions are random too
  double noise =
      0.1;  // share of labels that are redrawn, 0 .. 1; for real labels, the size of the added noise
  // >= 0: distance of each client's planted model from the common one, relative to its size
  double shift = 0;
  std::uint64_t seed = 1;

  enum class Law { uniform, normal };
  Law law = Law::uniform;  // of values, planted models and shifts
  // For normal rows; applied after the labels are drawn. They change the units and directions of the
  // features.
  double decades = 0;    // 0 .. 8: feature j < d is multiplied by 10^(-decades j / (d-1))
  bool rotated = false;  // the row is multiplied by a random orthogonal matrix, the same for all

  /// For classes > 2 the label 0 .. classes-1 is the index of the largest of `classes` planted scores. For 2
  /// classes it is the sign of one score. For 0 the score itself is the label.
  std::size_t classes = 2;
  /// Replaces each label by a false one: class c by classes - 1 - c, a number by its negative.
  bool false_labels = false;
};

/// Draws the rows of clients. What all clients share is computed once.
/// Uniform: values are scaled so that E|a|^2 = 1, and the weights of the planted models are on [-1, 1]. Uses
/// no libm, so that CPUs agree. About 0.3 us for a row of 20 entries of 100 columns.
/// Normal, only for 2 classes and nnz = columns: the logistic model with a ~ N(0, I). The client's planted
/// model is x_i = x + shift N(0, I) with x ~ N(0, I). A row has label 1 with probability 1/(1 + exp(-a'x_i));
/// in addition, the share `noise` of the labels is redrawn. A rotation needs d^2 / 2 random numbers and
/// doubles of memory once, and 2 d^2 flops per row.
class RowGenerator {
 public:
  virtual ~RowGenerator() = default;

  /// The rows of one client. May be called from several threads at once.
  [[nodiscard]] virtual Dataset rows_of(std::size_t client) const = 0;
};

std::unique_ptr<const RowGenerator> make_generator(const GeneratedOptions& options);

/// The rows of one client, where those of others are not needed.
Dataset generate(const GeneratedOptions& options, std::size_t client);

}  // namespace laconic
