// SPDX-License-Identifier: Apache-2.0
// The loss of classifiers, -log softmax(z)_label of the scores z of a row, and its derivatives, many rows at
// a time. Scores lie class by class, the rows side by side: z_c of row r is scores[c * rows + r]. `rows` is a
// multiple of kCrossEntropyLanes; label[r] is the number of the row's class. A row of kNoClass counts for
// nothing: no loss, never right, derivatives 0 (where its scores are finite). No libm: CPUs agree.
#pragma once

#include <cstddef>

#include "laconic/problem/problem.h"

namespace laconic {

constexpr std::size_t kCrossEntropyLanes = 4;
constexpr double kNoClass = -1;

/// Sums of the losses, and of the rows whose largest score is at their label, the lowest class of equals.
/// Scores become their derivatives, softmax(z) - e_label.
Measured cross_entropy(std::size_t classes, std::size_t rows, const double* label, double* scores);

/// Scores become their derivatives as above, and a change of the scores the change of these that it brings
/// about to first order: p_c (change_c - sum_k p_k change_k), p = softmax(z).
void cross_entropy_change(std::size_t classes, std::size_t rows, const double* label, double* scores,
                          double* change);

}  // namespace laconic
