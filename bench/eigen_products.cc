// SPDX-License-Identifier: Apache-2.0
// The library has functions of Eigen too, for any CPU. Under the same names the linker would keep one of the
// two.
#define Eigen EigenOfThisMachine
#include "bench/eigen_products.h"

#include <Eigen/Core>

namespace laconic {
namespace {

template <class Real>
using Matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// work(the matrix) for rows, or for columns, that are side by side.
template <class Real, class Work>
void with_map(const MatrixView<const Real>& m, Work work) {
  const auto rows = static_cast<Eigen::Index>(m.rows), columns = static_cast<Eigen::Index>(m.columns);
  if (m.column_step == 1) {
    work(Eigen::Map<const Matrix<Real>>(m.data, rows, columns));
  } else {
    work(Eigen::Map<const Matrix<Real>>(m.data, columns, rows).transpose());
  }
}

template <class Real>
Eigen::Map<Matrix<Real>> map_of(const MatrixView<Real>& m) {
  return {m.data, static_cast<Eigen::Index>(m.rows), static_cast<Eigen::Index>(m.columns)};
}

template <class Real>
void multiply_maps(const MatrixView<const Real>& a, const MatrixView<const Real>& b,
                   const MatrixView<Real>& c) {
  with_map(a, [&](const auto& left) {
    with_map(b, [&](const auto& right) { map_of(c).noalias() = left * right; });
  });
}

template <class Real>
void subtract_maps(const MatrixView<const Real>& a, const MatrixView<Real>& c) {
  with_map(a, [&](const auto& from) { map_of(c) -= from; });
}

}  // namespace

void multiply_by_eigen(const MatrixView<const float>& a, const MatrixView<const float>& b,
                       const MatrixView<float>& c) {
  multiply_maps(a, b, c);
}
void multiply_by_eigen(const MatrixView<const double>& a, const MatrixView<const double>& b,
                       const MatrixView<double>& c) {
  multiply_maps(a, b, c);
}

void subtract_by_eigen(const MatrixView<const float>& a, const MatrixView<float>& c) { subtract_maps(a, c); }
void subtract_by_eigen(const MatrixView<const double>& a, const MatrixView<double>& c) {
  subtract_maps(a, c);
}

}  // namespace laconic
