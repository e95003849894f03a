// SPDX-License-Identifier: Apache-2.0
// Norm clipping (Sun, Kairouz, Suresh, McMahan, "Can you really backdoor federated learning?", 2019, arXiv
// 1911.07963, norm thresholding): a client adds at most bound/n to the mean, whatever it sends. The mean is
// biased where the vectors of honest clients are longer than the bound.
#pragma once

#include <memory>

#include "laconic/participation/aggregator.h"

namespace laconic {

/// The rule on the vectors v_i min(1, bound / |v_i|). A vector with |v_i|^2 > 1e300 or a value that is not
/// finite counts as 0. If no vector is longer than the bound, the result has the bits of the rule's.
/// bound > 0.
std::unique_ptr<Aggregator> clipped(std::unique_ptr<Aggregator> rule, double bound);

}  // namespace laconic
