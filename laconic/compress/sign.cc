// SPDX-License-Identifier: Apache-2.0
// Compressors that send one bit per coordinate. wire_sign.cc computes and draws the signs.
//
// sign: c sign(x). With the best scale, c = |x|_1/d: |C(x) - x|^2 = |x|^2 - |x|_1^2/d.
// one-bit: c b_j with P(b_j = +1) = 1/2 + x_j / (2 c), c >= |x|_inf: E Q(x) = x and E|Q(x) - x|^2 = d c^2 -
// |x|^2 (1-bit gradient coding, arXiv 2403.14716; with the norm as c, 1 bit of arXiv 2605.15890).
// dithered-sign: B sign(x_j + xi_j), xi_j uniform on [-B, B]: the same distribution as one-bit with c = B.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

/// The counted floats of `scales` scales and one bit per coordinate.
double floats_of(double scales, const CompressorSetting& setting) {
  return scales + static_cast<double>(setting.dim) / static_cast<double>(8 * bytes_of(setting.wire));
}

double blocks_of(std::size_t block, const CompressorSetting& setting) {
  const std::size_t blocks = (setting.dim + block - 1) / block;
  return static_cast<double>(blocks);
}

std::size_t read_block(Arguments& args) {
  const std::size_t block = args.whole("block", 0);
  if (block % 8 != 0 || block >= kHeaderCountLimit)
    args.fail(fmt::format("block = {}; need a multiple of 8 below 2^24", block));
  return block;
}

class Sign final : public Compressor {
 public:
  enum class Scale { mean, one };

  /// `block` = 0: one scale for the whole vector.
  Sign(Scale scale, std::size_t block, const CompressorSetting& setting)
      : scale_(scale), block_(block), setting_(setting) {}

  void compress(const Key&, View x, Message& out) const override { say(x, out); }
  void compress_floats(const Key&, FloatView x, Message& out) const override { say(x, out); }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    if (scale_ == Scale::one) return {.density = d, .floats = floats_of(0, setting_)};  // no guarantee
    // alpha: |x|_1 >= |x|, with equality if x has one non-zero. This holds in every block.
    const std::size_t block = block_ == 0 ? setting_.dim : std::min(block_, setting_.dim);
    return {.omega = {},
            .alpha = 1 / static_cast<double>(block),
            .density = d,
            .floats = floats_of(blocks_of(block, setting_), setting_),
            .A = 0,
            .B = 0};
  }

 private:
  void say(AnyView x, Message& out) const {
    check(size_of(x) == setting_.dim, "sign was made for another dim");
    if (scale_ == Scale::one) return write_known_sign(setting_.wire, 1, x, out);
    if (block_ == 0) return write_sign(setting_.wire, x, out);
    write_block_sign(setting_.wire, block_, x, out);
  }

  Scale scale_;
  std::size_t block_;
  CompressorSetting setting_;
};

/// c: the largest |x_j| of the vector or of a block; the norm; a bound that every process knows; the norm,
/// which is not sent.
enum class Scale { linf, block, l2, fixed, none };

class OneBit final : public Compressor {
 public:
  OneBit(Scale scale, std::size_t block, double bound, const CompressorSetting& setting)
      : scale_(scale), block_(block), bound_(bound), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say(key, x, out); }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    Bound bound{.density = d, .floats = floats_of(0, setting_)};
    // With a known bound the error does not decrease with x, and larger entries are clipped: no omega.
    if (scale_ == Scale::fixed || scale_ == Scale::none) return bound;
    const std::size_t block = scale_ == Scale::block ? std::min(block_, setting_.dim) : setting_.dim;
    bound.floats = floats_of(blocks_of(block, setting_), setting_);
    bound.omega = static_cast<double>(block) - 1;  // exact for l2, an upper bound for the others
    bound.A = *bound.omega / static_cast<double>(setting_.clients);
    return bound;
  }

 private:
  template <class Real>
  void say(const Key& key, std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "one-bit was made for another dim");
    const Stream stream = key.stream(Purpose::compressor);
    const Wire wire = setting_.wire;
    switch (scale_) {
      case Scale::linf:
        return write_random_sign(wire, largest_size(x), stream, x, out);
      case Scale::block:
        return write_random_block_sign(wire, block_, stream, x, out);
      case Scale::l2:
        return write_random_sign(wire, norm(x), stream, x, out);
      case Scale::fixed:
        return write_random_known_sign(wire, bound_, bound_, stream, x, out);
      case Scale::none:
        return write_random_known_sign(wire, norm(x), 1, stream, x, out);
    }
  }

  /// |x|, also if squares overflow or underflow. Never below the largest |x_j|.
  template <class Real>
  static double norm(std::span<const Real> x) {
    const double largest = largest_size(x);
    if (largest == 0 || !std::isfinite(largest)) return largest;
    const double plain = norm_sq(x);
    if (plain > 1e-280 && plain < 1e300) return std::max(largest, std::sqrt(plain));
    double sum = 0;
    for (const Real entry : x) {
      const double v = static_cast<double>(entry) / largest;
      sum += v * v;
    }
    return std::max(largest, largest * std::sqrt(sum));
  }

  Scale scale_;
  std::size_t block_;
  double bound_;
  CompressorSetting setting_;
};

class DitheredSign final : public Compressor {
 public:
  DitheredSign(double bound, const CompressorSetting& setting) : bound_(bound), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say(key, x, out); }

  [[nodiscard]] Bound bound() const override {
    return {.density = static_cast<double>(setting_.dim), .floats = floats_of(0, setting_)};
  }

 private:
  template <class Real>
  void say(const Key& key, std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "dithered-sign was made for another dim");
    thread_local Vector dithered;  // reused, so that a round does not allocate
    dithered.assign(x.begin(), x.end());
    Stream stream = key.stream(Purpose::compressor);
    for (double& v : dithered) v += bound_ * (2 * stream.uniform() - 1);
    if (!all_finite(dithered)) return write_dense(setting_.wire, x, out);
    write_known_sign(setting_.wire, bound_, dithered, out);
  }

  double bound_;
  CompressorSetting setting_;
};

/// The bound as a message can represent it.
double read_bound(Arguments& args, std::size_t position) {
  const Interval range_of_floats{1e-38, true, 3e38, true};
  return known_scale(
      args.required_number_in("bound", range_of_floats, position,
                              "\"bound\" is missing: the largest size of an entry, as in bound=0.1"));
}

}  // namespace

std::unique_ptr<Compressor> make_sign(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const bool mean = args.choice("scale", {"mean", "one"}, "mean") == "mean";
  const std::size_t block = read_block(args);
  args.done();
  if (!mean && block > 0) args.fail("scale = one; blocks have scales of their own: leave block out");
  return std::make_unique<Sign>(mean ? Sign::Scale::mean : Sign::Scale::one, block, setting);
}

std::unique_ptr<Compressor> make_one_bit(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const std::vector<std::string> names = {"linf", "block", "l2", "fixed", "none"};
  const std::string name = args.choice("scale", names, "linf");
  const auto scale = static_cast<Scale>(std::find(names.begin(), names.end(), name) - names.begin());
  const double bound = scale == Scale::fixed ? read_bound(args, Arguments::kNamed) : 0;
  const std::size_t block = scale == Scale::block ? read_block(args) : 0;
  if (scale == Scale::block && block == 0)
    args.fail("\"block\" is missing: the coordinates of a block, as in block=64");
  args.done();
  return std::make_unique<OneBit>(scale, block, bound, setting);
}

std::unique_ptr<Compressor> make_dithered_sign(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const double bound = read_bound(args, 0);
  args.done();
  return std::make_unique<DitheredSign>(bound, setting);
}

}  // namespace laconic
