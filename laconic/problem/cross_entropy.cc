// SPDX-License-Identifier: Apache-2.0
#include "laconic/problem/cross_entropy.h"

#include "laconic/core/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "laconic/problem/cross_entropy.cc"
#include "laconic/problem/vector_math.h"

HWY_BEFORE_NAMESPACE();
namespace laconic::HWY_NAMESPACE {
namespace {

static_assert(kCrossEntropyLanes == kLanes);

Doubles number(std::size_t c) { return all(static_cast<double>(c)); }

}  // namespace

Measured cross_entropy(std::size_t classes, std::size_t rows, const double* label, double* scores) {
  Doubles value{}, correct{};
  for (std::size_t r = 0; r < rows; r += kLanes) {
    const Doubles own = load<Doubles>(label + r);
    const Doubles weight = own == all(kNoClass) ? all(0) : all(1);
    Doubles largest = load<Doubles>(scores + r), best{}, of_label{};
    for (std::size_t c = 0; c < classes; ++c) {
      const Doubles z = load<Doubles>(scores + c * rows + r);
      best = z > largest ? number(c) : best;
      largest = z > largest ? z : largest;
      of_label = own == number(c) ? z : of_label;
    }
    Doubles total{}, rest{};  // of exp(z - largest); rest leaves out the largest itself
    for (std::size_t c = 0; c < classes; ++c) {
      double* const at = scores + c * rows + r;
      const Doubles e = exp_of_minus(largest - load<Doubles>(at));
      total += e;
      rest += best == number(c) ? all(0) : e;
      store(e, at);
    }
    value += weight * ((largest - of_label) + log_of_one_plus(rest));
    correct += own == best ? weight : all(0);
    for (std::size_t c = 0; c < classes; ++c) {
      double* const at = scores + c * rows + r;
      const Doubles p = load<Doubles>(at) / total;
      // p - 1 would cancel where the label is the most likely class.
      const Doubles of_own = own == best ? -rest / total : p - 1.0;
      store(weight * (own == number(c) ? of_own : p), at);
    }
  }
  return {sum(value), sum(correct)};
}

void cross_entropy_change(std::size_t classes, std::size_t rows, const double* label, double* scores,
                          double* change) {
  HWY_NAMESPACE::cross_entropy(classes, rows, label, scores);
  for (std::size_t r = 0; r < rows; r += kLanes) {
    const Doubles own = load<Doubles>(label + r);
    const auto probability = [&](std::size_t c) {
      return load<Doubles>(scores + c * rows + r) + (own == number(c) ? all(1) : all(0));
    };
    Doubles mean{};
    for (std::size_t c = 0; c < classes; ++c) mean += probability(c) * load<Doubles>(change + c * rows + r);
    for (std::size_t c = 0; c < classes; ++c) {
      double* const at = change + c * rows + r;
      store(probability(c) * (load<Doubles>(at) - mean), at);
    }
  }
}

}  // namespace laconic::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace laconic {
namespace {

HWY_EXPORT(cross_entropy);
HWY_EXPORT(cross_entropy_change);

}  // namespace

Measured cross_entropy(std::size_t classes, std::size_t rows, const double* label, double* scores) {
  check(rows % kCrossEntropyLanes == 0, "cross_entropy works on whole vectors");
  return HWY_DYNAMIC_DISPATCH(cross_entropy)(classes, rows, label, scores);
}

void cross_entropy_change(std::size_t classes, std::size_t rows, const double* label, double* scores,
                          double* change) {
  check(rows % kCrossEntropyLanes == 0, "cross_entropy works on whole vectors");
  HWY_DYNAMIC_DISPATCH(cross_entropy_change)(classes, rows, label, scores, change);
}

}  // namespace laconic
#endif
