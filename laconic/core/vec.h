// SPDX-License-Identifier: Apache-2.0
// Dense vectors of doubles, as spans. Sums run in one fixed order, so a result depends on the numbers alone:
// not on the thread, the process or (for one instruction set) the machine. Cost of each function: one pass
// over each argument. Lengths must agree; only debug builds check this.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace laconic {

using Vector = std::vector<double>;
using View = std::span<const double>;
using MutView = std::span<double>;

double dot(View a, View b);
double norm_sq(View a);

/// dot() of vectors that are produced piece by piece, while each piece is in the cache. The result has the
/// same bits as dot().
class DotOfPieces {
 public:
  /// All pieces but the last must have a multiple of 16 entries.
  void add(View a, View b);
  [[nodiscard]] double total() const;

 private:
  static constexpr std::size_t kLanes = 16;
  double lane_[kLanes] = {};
};

double distance_sq(View a, View b);

/// y += a x
void axpy(double a, View x, MutView y);
/// x *= a
void scale(double a, MutView x);
/// out = a - b (out may be a or b)
void subtract(View a, View b, MutView out);
void copy(View from, MutView to);
void fill(MutView x, double value);
/// Whether every entry is finite: neither NaN nor +-inf.
bool all_finite(View x);

}  // namespace laconic
