// SPDX-License-Identifier: Apache-2.0
// The cross-entropy loss -log softmax(z)_label of the scores z of a row, and its derivatives, for many rows
// at a time. Scores are stored class by class: z_c of row r is scores[c * rows + r]. `rows` is a multiple of
// kCrossEntropyLanes. label[r] is the number of the row's class. A row of label kNoClass is padding: its loss
// is 0, it is never counted as correct, and its derivatives are 0 (provided that its scores are finite). Uses
// no libm, so that the bits do not depend on the CPU.
#pragma once

#include <cstddef>

#include "laconic/problem/problem.h"

namespace laconic {

constexpr std::size_t kCrossEntropyLanes = 4;
constexpr double kNoClass = -1;

/// Returns the sum of the losses, and the number of rows with the largest score at their label (among equal
/// scores the lowest class counts as the largest). Overwrites the scores by the derivatives of the loss,
/// softmax(z) - e_label.
Measured cross_entropy(std::size_t classes, std::size_t rows, const double* label, double* scores);

/// Overwrites the scores by the derivatives of the loss, as above, and `change`, a change of the scores, by
/// the resulting first-order change of these derivatives: p_c (change_c - sum_k p_k change_k), p =
/// softmax(z).
void cross_entropy_change(std::size_t classes, std::size_t rows, const double* label, double* scores,
                          double* change);

}  // namespace laconic
