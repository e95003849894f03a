// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/regulariser.h"

#include <cstddef>

namespace laconic {

double Regulariser::add_gradient(View x, MutView g) const {
  if (lambda == 0) return 0;
  if (kind == Kind::l2) {
    axpy(lambda, x, g);
    return lambda / 2 * norm_sq(x);
  }
  double sum = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    // x / (1 + x^2), if computed directly, is inf / inf for a huge x. Expressed by q = 1 + x^2, both limits
    // are correct.
    const double q = 1 + x[k] * x[k];
    sum += 1 - 1 / q;
    g[k] += 2 * lambda * (x[k] / q) / q;
  }
  return lambda * sum;
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
