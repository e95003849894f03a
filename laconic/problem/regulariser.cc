// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/regulariser.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/regulariser.cc"
#include "laconic/core/lanes.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {

/// g += lambda times the gradient of sum_k x_k^2 / (1 + x_k^2); returns the sum.
double add_nonconvex_gradient(double lambda, View x, MutView g) {
  const auto term = [&]<class V>(V, std::size_t k) {
    // x / (1 + x^2), if computed directly, is inf / inf for a huge x. Expressed by q = 1 + x^2, both limits
    // are correct.
    const V at = doubles_at<V>(&x[k]);
    const V q = 1 + at * at;
    store(doubles_at<V>(&g[k]) + 2 * lambda * (at / q) / q, &g[k]);
    return V(1 - 1 / q);
  };
  double sum = 0;  // in the order of the coordinates
  std::size_t k = 0;
  for (; k + kLanesOf<MostDoubles> <= x.size(); k += kLanesOf<MostDoubles>) {
    const MostDoubles terms = term(MostDoubles{}, k);
    for (std::size_t l = 0; l < kLanesOf<MostDoubles>; ++l) sum += terms[l];
  }
  for (; k < x.size(); ++k) sum += term(double{}, k);
  return sum;
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {

HWY_EXPORT(add_nonconvex_gradient);

double Regulariser::add_gradient(View x, MutView g) const {
  if (lambda == 0) return 0;
  if (kind == Kind::l2) {
    axpy(lambda, x, g);
    return lambda / 2 * norm_sq(x);
  }
  return lambda * HWY_DYNAMIC_DISPATCH(add_nonconvex_gradient)(lambda, x, g);
}

void Regulariser::add_hessian_vector(View x, View v, MutView out) const {
  if (lambda == 0) return;
  if (kind == Kind::l2) return axpy(lambda, v, out);
  for (std::size_t k = 0; k < x.size(); ++k) {
    // (2 - 6 x^2) / (1 + x^2)^3 with x^2 = q - 1, in an order in which no intermediate result overflows.
    const double q = 1 + x[k] * x[k];
    out[k] += lambda * ((8 / q - 6) / q / q) * v[k];
  }
}

}  // namespace laconic
#endif
