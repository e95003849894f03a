// SPDX-License-Identifier: Apache-2.0
// The mean of each coordinate over the messages that have it, whatever the messages weigh: DeMo (arXiv
// 2411.19870) and the authors' code of SparseLoCo (arXiv 2508.15706). A coordinate that no message has is 0.
// A value of 0 counts where it is sent.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "laconic/core/vec.h"
#include "laconic/message/message.h"

namespace laconic {

class SendersMean {
 public:
  /// Of vectors of this length. Three vectors of memory.
  void open(std::size_t dim) {
    sum_.assign(dim, 0.0);
    count_.assign(dim, 0.0);
  }

  /// Adds a message.
  void hear(const Key& key, const Message& message) {
    decode_add(key, message, 1, sum_);
    // A coordinate is in the message if the decoder touches it: then any value times NaN leaves NaN.
    touched_.assign(sum_.size(), 0.0);
    decode_add(key, message, std::numeric_limits<double>::quiet_NaN(), touched_);
    for (std::size_t j = 0; j < touched_.size(); ++j) count_[j] += std::isnan(touched_[j]) ? 1 : 0;
  }

  void close(MutView mean) const {
    for (std::size_t j = 0; j < mean.size(); ++j) mean[j] = count_[j] > 0 ? sum_[j] / count_[j] : 0;
  }

 private:
  Vector sum_;
  Vector count_;
  Vector touched_;
};

}  // namespace laconic
