// SPDX-License-Identifier: Apache-2.0
// Dithering: each coordinate, relative to the vector's l2 norm, is rounded to one of its two neighbouring
// levels at random, without bias. The rounding is in wire_levels.cc.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// Reads s, from 1 to `most`.
std::size_t read_levels(const Spec& spec, std::size_t most) {
  Arguments args(spec);
  const auto s = args.number("s", std::size_t{0});
  args.done();
  if (!s) args.fail("\"s\" is missing: the number of levels, such as 4");
  if (!(*s >= 1 && *s <= static_cast<double>(most)) || *s != std::floor(*s)) {
    args.fail(fmt::format("s = {}; need a whole number with 1 <= s <= {}", *s, most));
  }
  return static_cast<std::size_t>(*s);
}

/// The counted floats of `codes` coordinates: the norm, and a sign and a level for each.
double floats_of(double codes, std::size_t levels, Wire wire) {
  return 1 + codes * bits_per_level(levels) / static_cast<double>(8 * bytes_of(wire));
}

/// QSGD (Alistarh, Grubic, Li, Tomioka, Vojnovic, NeurIPS 2017, arXiv 1610.02132): levels 0, 1/s, .., 1.
class Qsgd final : public Compressor {
 public:
  Qsgd(std::size_t levels, const CompressorSetting& setting) : levels_(levels), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say(key, x, out); }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    const auto s = static_cast<double>(levels_);
    const double root = std::sqrt(d);
    // For s = 1, E|Q(x)|^2 = |x| |x|_1 <= sqrt(d) |x|^2, and the expected number of non-zeros is |x|_1/|x| <=
    // sqrt(d). Otherwise the paper's Lemma 3.1.
    const double omega = levels_ == 1 ? root - 1 : std::min(d / (s * s), root / s);
    const double density = levels_ == 1 ? root : std::min(d, s * (s + root));
    return {.omega = omega,
            .alpha = {},
            .density = density,
            .floats = floats_of(density, levels_, setting_.wire),  // an upper bound: zeros are not counted
            .A = omega / static_cast<double>(setting_.clients),
            .B = 0};
  }

 private:
  void say(const Key& key, AnyView x, Message& out) const {
    check(size_of(x) == setting_.dim, "qsgd was made for another dim");
    write_uniform_levels(setting_.wire, levels_, key.stream(Purpose::compressor), x, out);
  }

  std::size_t levels_;
  CompressorSetting setting_;
};

/// Natural dithering (Horvath, Ho, Horvath, Sahu, Canini, Richtarik, 2019, arXiv 1905.10988): levels 0,
/// 2^-(s-1), .., 1/2, 1.
class NaturalDithering final : public Compressor {
 public:
  NaturalDithering(std::size_t levels, const CompressorSetting& setting)
      : levels_(levels), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say(key, x, out); }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    const double u = std::ldexp(std::sqrt(d), 1 - static_cast<int>(levels_));
    const double omega = 0.125 + u * std::min(1.0, u);
    return {.omega = omega,
            .alpha = {},
            .density = d,
            .floats = floats_of(d, levels_, setting_.wire),
            .A = omega / static_cast<double>(setting_.clients),
            .B = 0};
  }

 private:
  void say(const Key& key, AnyView x, Message& out) const {
    check(size_of(x) == setting_.dim, "natural-dithering was made for another dim");
    write_power_levels(setting_.wire, levels_, key.stream(Purpose::compressor), x, out);
  }

  std::size_t levels_;
  CompressorSetting setting_;
};

}  // namespace

std::unique_ptr<Compressor> make_qsgd(const Spec& spec, const CompressorSetting& setting) {
  return std::make_unique<Qsgd>(read_levels(spec, kUniformLevelLimit), setting);
}

std::unique_ptr<Compressor> make_natural_dithering(const Spec& spec, const CompressorSetting& setting) {
  return std::make_unique<NaturalDithering>(read_levels(spec, kPowerLevelLimit), setting);
}

}  // namespace laconic
