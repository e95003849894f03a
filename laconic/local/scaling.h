// SPDX-License-Identifier: Apache-2.0
// Scaling: steps of gamma g_j / s_j, with a positive diagonal s that adapts to the problem, as in Adam,
// RMSProp, AdaGrad (squared gradients) and OASIS (curvature, arXiv 2109.05198); "Local Methods with
// Adaptivity via Scaling" (2024, arXiv 2406.00846). All operations are elementwise; D is the raw diagonal, s
// the clipped one.
#pragma once

#include <cstddef>
#include <span>

#include "laconic/core/vec.h"

namespace laconic {

/// The weights of the old D and of the statistic.
struct Blend {
  double keep = 0;
  double take = 0;
};

/// One row of the table of scalings.
struct ScalingRow {
  const char* name;
  bool curvature;  // S is v o (Hessian v), v of random signs; otherwise S is a gradient
  double beta;     // the default
  Blend (*blend)(double beta, std::size_t t);
};
std::span<const ScalingRow> scalings();

/// With the t-th statistic S, t = 0, 1, ...:
///   adam      D^2 = b D^2 + (1 - b) S^2, b = (beta - beta^(t+1)) / (1 - beta^(t+1)): Adam's bias correction
///   rmsprop   D^2 = beta D^2 + (1 - beta) S^2
///   adagrad   D^2 = D^2 + S^2
///   oasis     D = beta D + (1 - beta) S, and D = S at t = 0
/// s = max(alpha, |D|).
struct Scaling {
  const ScalingRow* row = nullptr;
  double beta = 0;   // 0 <= beta < 1
  double alpha = 0;  // > 0

  /// Updates D by the t-th statistic: S itself where row->curvature, S^2 otherwise. Negative squares, which
  /// unbiased compression may produce, count as 0.
  void update(std::size_t t, View statistic, MutView D) const;
  void clip(View D, MutView s) const;
};

}  // namespace laconic
