// SPDX-License-Identifier: Apache-2.0
// Dense vectors of doubles, or of floats (f32), as spans. Sums run in one fixed order, so a result depends on
// the numbers alone: not on the thread, the process or (for one instruction set) the machine. Functions of
// floats return the same bits as for these floats widened to doubles. Cost of each function: one pass over
// each argument. Lengths must agree; only debug builds check this.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

namespace laconic {

using Vector = std::vector<double>;
using View = std::span<const double>;
using MutView = std::span<double>;
using FloatView = std::span<const float>;
using MutFloatView = std::span<float>;

// The same for code that is written once for both widths.
template <class Value>
using VectorOf = std::vector<Value>;
template <class Value>
using ViewOf = std::span<const Value>;
template <class Value>
using MutViewOf = std::span<Value>;

/// A vector of either width, for functions that only read it.
using AnyView = std::variant<View, FloatView>;
inline std::size_t size_of(const AnyView& x) {
  return std::visit([](auto entries) { return entries.size(); }, x);
}

double dot(View a, View b);
double norm_sq(View a);
double norm_sq(FloatView a);

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
bool all_finite(FloatView x);

}  // namespace laconic
