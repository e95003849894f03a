// SPDX-License-Identifier: Apache-2.0
// The least, the mean and the largest of some numbers.
#pragma once

namespace laconic {

struct MinMeanMax {
  double least = 0;
  double mean = 0;
  double most = 0;
};

}  // namespace laconic
