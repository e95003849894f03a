// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/scale.h"

#include <algorithm>

#include <fmt/format.h>

namespace laconic {
namespace {

std::string power_text(int exponent) {
  if (exponent == 0 || exponent == 1) return exponent == 0 ? "1" : "10";
  return fmt::format("10^{{{}}}", exponent);
}

/// Powers of ten; every `stride`-th has a text. Few of them also get tics between.
std::vector<Tic> powers(int low, int high, int stride) {
  std::vector<Tic> tics;
  for (int e = low; e <= high; ++e) {
    const bool is_named = (e % stride + stride) % stride == 0;
    if (is_named || stride < 4) tics.push_back({std::pow(10.0, e), is_named ? power_text(e) : ""});
    for (int digit = 2; high - low <= 4 && digit < 10; ++digit)
      tics.push_back({digit * std::pow(10.0, e), ""});
  }
  return tics;
}

/// 1, 2 and 5 times powers of ten, for a logarithmic scale of few powers.
std::vector<Tic> digits(int low, int high) {
  std::vector<Tic> tics;
  for (int e = low; e <= high; ++e) {
    for (int digit = 1; digit < 10; ++digit) {
      const double value = digit * std::pow(10.0, e);
      const bool is_named = digit == 1 || digit == 2 || digit == 5;
      tics.push_back({value, is_named ? fmt::format("{:.3g}", value) : ""});
    }
  }
  return tics;
}

std::vector<Tic> logarithmic_tics(const Scale& scale, std::size_t count) {
  const int low = static_cast<int>(std::floor(std::log10(scale.least)));
  const int high = static_cast<int>(std::ceil(std::log10(scale.most)));
  if (std::log10(scale.most / scale.least) < 1.5 && low >= -4 && high <= 5) return digits(low, high);
  return powers(low, high, std::max(1, (high - low + static_cast<int>(count) - 1) / static_cast<int>(count)));
}

std::vector<Tic> linear_tics(const Scale& scale, std::size_t count) {
  const double rough = (scale.most - scale.least) / static_cast<double>(count);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double digit = rough / power;
  const double stride = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  const double size = std::max(std::abs(scale.least), std::abs(scale.most));
  constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P"};
  std::size_t prefix = 0;
  double unit = 1;
  for (; size / unit >= 1e4 && prefix + 1 < std::size(kPrefixes); ++prefix) unit *= 1000;
  std::vector<Tic> tics;
  for (double k = std::ceil(scale.least / stride - 1e-9); k * stride <= scale.most + 1e-9 * stride; ++k) {
    const double value = k * stride;
    tics.push_back({value, k == 0 ? "0" : fmt::format("{:.6g}{}", value / unit, kPrefixes[prefix])});
  }
  return tics;
}

}  // namespace

Scale make_scale(double least, double most, bool logarithmic, std::size_t count) {
  Scale scale{.logarithmic = logarithmic, .least = least, .most = most};
  if (!(most - least > 1e-12 * std::max(std::abs(least), std::abs(most)))) {
    const double around = least == 0 ? 1 : 0.1 * std::abs(least);
    scale.least = logarithmic ? least / 2 : least - around;
    scale.most = logarithmic ? most * 2 : most + around;
  }
  std::vector<Tic> all = logarithmic ? logarithmic_tics(scale, count) : linear_tics(scale, count);
  std::copy_if(all.begin(), all.end(), std::back_inserter(scale.tics), [&](const Tic& tic) {
    const double place = scale.place(tic.value);
    return place > -1e-6 && place < 1 + 1e-6;
  });
  return scale;
}

}  // namespace laconic
