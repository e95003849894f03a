// SPDX-License-Identifier: Apache-2.0
// Products of grouped rows A (row_groups.h) and dense matrices with few columns, for code between
// HWY_BEFORE_NAMESPACE() and HWY_AFTER_NAMESPACE() of .cc files (targets.h). The sums of a group are in
// registers side by side. Each runs in ascending order, one fused multiply-add a term, as in core/products.h;
// terms are left out where all rows of a group are 0.
//
// The lines of the dense matrix belong to the columns of A. It is used in parts that stay in the first cache. A
// part has the lines of some columns of A, of as many numbers as have room in registers.
#include "laconic/core/widest.h"
#include "laconic/problem/row_groups.h"

#if defined(LACONIC_PROBLEM_SPARSE_PANEL_H) == defined(HWY_TARGET_TOGGLE)  // included once for each target
#ifdef LACONIC_PROBLEM_SPARSE_PANEL_H
#undef LACONIC_PROBLEM_SPARSE_PANEL_H
#else
#define LACONIC_PROBLEM_SPARSE_PANEL_H
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

/// Numbers first .. first + width - 1 of the lines that belong to the columns first_column .. of A. `width`
/// is a multiple of kWidestLanes<Real>.
template <class Real>
struct Part {
  std::size_t first_column, columns;
  std::size_t first, width;
  Real* lines;
  std::size_t step;  // from line to line
};

/// c += the part's columns of A times its lines. `entry`: of each group, its first entry in the part; moved
/// on.
template <std::size_t N, std::size_t G, class Real>
void add_part(RowGroups<G, Real> a, std::size_t* entry, const Part<Real>& part, Real* c, std::size_t c_step) {
  constexpr std::size_t kWide = kWidestLanes<Real>;
  const auto end = static_cast<std::uint32_t>(part.first_column + part.columns);
  const std::size_t first = part.first_column, step = part.step;
  for (std::size_t i = 0; i < a.groups; ++i, c += G * c_step) {
    Widest<Real> sum[G][N];
#pragma GCC unroll 8
    for (std::size_t g = 0; g < G; ++g) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < N; ++v) sum[g][v] = load_widest(c + g * c_step + v * kWide);
    }
    std::size_t e = entry[i];
    for (; a.column[e] < end; ++e) {
      const Real* const line = part.lines + (a.column[e] - first) * step;
      Widest<Real> of_line[N];
#pragma GCC unroll 8
      for (std::size_t v = 0; v < N; ++v) of_line[v] = load_widest(line + v * kWide);
#pragma GCC unroll 8
      for (std::size_t g = 0; g < G; ++g) {
        const Widest<Real> value = a.value[g][e] - Widest<Real>{};
#pragma GCC unroll 8
        for (std::size_t v = 0; v < N; ++v) sum[g][v] = fused(value, of_line[v], sum[g][v]);
      }
    }
    entry[i] = e;
#pragma GCC unroll 8
    for (std::size_t g = 0; g < G; ++g) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < N; ++v) store_widest(sum[g][v], c + g * c_step + v * kWide);
    }
  }
}

/// The part's lines += its columns of A, transposed, times c.
template <std::size_t N, std::size_t G, class Real>
void add_transposed_part(RowGroups<G, Real> a, std::size_t* entry, const Part<Real>& part, const Real* c,
                         std::size_t c_step) {
  constexpr std::size_t kWide = kWidestLanes<Real>;
  const auto end = static_cast<std::uint32_t>(part.first_column + part.columns);
  const std::size_t first = part.first_column, step = part.step;
  for (std::size_t i = 0; i < a.groups; ++i, c += G * c_step) {
    Widest<Real> of_c[G][N];
#pragma GCC unroll 8
    for (std::size_t g = 0; g < G; ++g) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < N; ++v) of_c[g][v] = load_widest(c + g * c_step + v * kWide);
    }
    std::size_t e = entry[i];
    for (; a.column[e] < end; ++e) {
      Real* const line = part.lines + (a.column[e] - first) * step;
      Widest<Real> value[G];
#pragma GCC unroll 8
      for (std::size_t g = 0; g < G; ++g) value[g] = a.value[g][e] - Widest<Real>{};
#pragma GCC unroll 8
      for (std::size_t v = 0; v < N; ++v) {
        Widest<Real> sum = load_widest(line + v * kWide);
#pragma GCC unroll 8
        for (std::size_t g = 0; g < G; ++g) sum = fused(value[g], of_c[g][v], sum);
        store_widest(sum, line + v * kWide);
      }
    }
    entry[i] = e;
  }
}

/// work(std::integral_constant<std::size_t, n>), 1 <= n <= N.
template <std::size_t N, class Work>
void with_constant(std::size_t n, Work work) {
  if constexpr (N > 1) {
    if (n < N) return with_constant<N - 1>(n, work);
  }
  work(std::integral_constant<std::size_t, N>());
}

inline constexpr std::size_t kMostVectors = kRegisters == 32 ? 4 : 2;  // of a line of a part

/// work(part, N, entry) for all parts of lines of `width` numbers. N: a constant, the vectors of a line. The
/// part has space that is used again for the next one.
template <std::size_t G, class Real, class Work>
void for_each_part(const RowGroups<G, Real>& a, std::size_t width, Work work) {
  constexpr std::size_t kWide = kWidestLanes<Real>;
  constexpr std::size_t kNumbers = 16384 / sizeof(Real);  // of a part
  thread_local AlignedNumbers<Real> lines(kNumbers);
  thread_local std::vector<std::size_t> entry;
  for (std::size_t first = 0; first < width; first += kMostVectors * kWide) {
    const std::size_t vectors = std::min(kMostVectors, (width - first) / kWide);
    const std::size_t step = vectors * kWide, columns = kNumbers / step;
    entry.assign(a.begin, a.begin + a.groups);
    with_constant<kMostVectors>(vectors, [&](auto n) {
      for (std::size_t column = 0; column < a.columns; column += columns) {
        work(Part<Real>{column, std::min(columns, a.columns - column), first, step, lines.data(), step}, n,
             entry.data());
      }
    });
  }
}

/// C += A B, for rows of C with `width` numbers, a multiple of kWidestLanes<Real>. fill(part) writes a part
/// of B, which is not stored elsewhere.
template <std::size_t G, class Real, class Fill>
void add_product_of_rows(const RowGroups<G, Real>& a, std::size_t width, Fill fill, Real* c,
                         std::size_t c_step) {
  for_each_part(a, width, [&](const Part<Real>& part, auto n, std::size_t* entry) {
    fill(part);
    add_part<n>(a, entry, part, c + part.first, c_step);
  });
}

/// B = A' C. use(part) reads a part of B, which is not stored elsewhere.
template <std::size_t G, class Real, class Use>
void transposed_product_of_rows(const RowGroups<G, Real>& a, std::size_t width, const Real* c,
                                std::size_t c_step, Use use) {
  for_each_part(a, width, [&](const Part<Real>& part, auto n, std::size_t* entry) {
    std::fill_n(part.lines, part.columns * part.width, Real{});
    add_transposed_part<n>(a, entry, part, c + part.first, c_step);
    use(part);
  });
}

/// C += A B, for B and C with rows of `width` numbers, a multiple of kWidestLanes<Real>, side by side.
template <std::size_t G, class Real>
void add_product_of_rows(const RowGroups<G, Real>& a, std::size_t width, Real* b, Real* c) {
  for_each_part(a, width, [&](Part<Real> part, auto n, std::size_t* entry) {
    part.lines = b + part.first_column * width + part.first;
    part.step = width;
    add_part<n>(a, entry, part, c + part.first, width);
  });
}
/// B += A' C, for the same.
template <std::size_t G, class Real>
void add_transposed_product_of_rows(const RowGroups<G, Real>& a, std::size_t width, const Real* c, Real* b) {
  for_each_part(a, width, [&](Part<Real> part, auto n, std::size_t* entry) {
    part.lines = b + part.first_column * width + part.first;
    part.step = width;
    add_transposed_part<n>(a, entry, part, c + part.first, width);
  });
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
