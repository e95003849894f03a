// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/dense_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/dense_rows.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

double dot(const double* row, View x) {
  RunningSums sums;
  std::size_t j = 0;
  const auto add_four = [&](std::size_t k) {
    sums[k] += doubles_at(row + j) * doubles_at(x.data() + j);
    j += kLanes;
  };
  while (j + 4 * kLanes <= x.size()) {
    for (std::size_t k = 0; k < 4; ++k) add_four(k);
  }
  for (std::size_t k = 0; k < 3 && j + kLanes <= x.size(); ++k) add_four(k);
  double rest = 0;
  for (; j < x.size(); ++j) rest += row[j] * x[j];
  return sums.total() + rest;
}

/// Columns first .. first + sizeof(part) / sizeof(double) - 1 of add_dense_rows().
template <class V, std::size_t kVectors>
void add_columns(View values, std::span<const std::uint32_t> rows, View coefficient, std::size_t first,
                 MutView out) {
  V part[kVectors];
  const auto at = [](std::size_t v) { return v * kLanesOf<V>; };
  for (std::size_t v = 0; v < kVectors; ++v) part[v] = load<V>(out.data() + first + at(v));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const double* const row = values.data() + rows[k] * out.size() + first;
    const V c = all<V>(coefficient[k]);
    for (std::size_t v = 0; v < kVectors; ++v) part[v] += c * load<V>(row + at(v));
  }
  for (std::size_t v = 0; v < kVectors; ++v) store(part[v], out.data() + first + at(v));
}

}  // namespace

void multiply_dense_rows(View values, std::span<const std::uint32_t> rows, View x, MutView out) {
  for (std::size_t k = 0; k < rows.size(); ++k) out[k] = dot(values.data() + rows[k] * x.size(), x);
}

void add_dense_rows(View values, std::span<const std::uint32_t> rows, View coefficient, MutView out) {
  constexpr std::size_t kVectors = 8;  // with the latency of an addition, as many keep the CPU busy
  constexpr std::size_t kMost = kVectors * kLanesOf<MostDoubles>;
  std::size_t j = 0;
  for (; j + kMost <= out.size(); j += kMost)
    add_columns<MostDoubles, kVectors>(values, rows, coefficient, j, out);
  for (; j + 4 * kLanes <= out.size(); j += 4 * kLanes)
    add_columns<Doubles, 4>(values, rows, coefficient, j, out);
  for (; j + kLanes <= out.size(); j += kLanes) add_columns<Doubles, 1>(values, rows, coefficient, j, out);
  for (; j < out.size(); ++j) {
    for (std::size_t k = 0; k < rows.size(); ++k) out[j] += coefficient[k] * values[rows[k] * out.size() + j];
  }
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

namespace {

HWY_EXPORT(multiply_dense_rows);
HWY_EXPORT(add_dense_rows);

}  // namespace

void multiply_dense_rows(View values, std::span<const std::uint32_t> rows, View x, MutView out) {
  HWY_DYNAMIC_DISPATCH(multiply_dense_rows)(values, rows, x, out);
}

void add_dense_rows(View values, std::span<const std::uint32_t> rows, View coefficient, MutView out) {
  HWY_DYNAMIC_DISPATCH(add_dense_rows)(values, rows, coefficient, out);
}

}  // namespace laconic
#endif
