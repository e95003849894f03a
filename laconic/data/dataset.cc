// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/dataset.h"

#include <algorithm>

#include "laconic/core/error.h"

namespace laconic {

std::size_t Dataset::place_of(std::size_t row) const {
  if (!stored) return row;
  const auto at = std::lower_bound(stored->begin(), stored->end(), row);
  check(at != stored->end() && *at == row, "a row was asked for whose features are not stored");
  return static_cast<std::size_t>(at - stored->begin());
}

}  // namespace laconic
