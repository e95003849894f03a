// SPDX-License-Identifier: Apache-2.0
// Some numbers in three.
#pragma once

namespace laconic {

/// The least, the mean and the largest of some numbers.
struct MinMeanMax {
  double least = 0;
  double mean = 0;
  double most = 0;
};

}  // namespace laconic
