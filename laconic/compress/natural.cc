// SPDX-License-Identifier: Apache-2.0
// Natural compression (Horvath, Ho, Horvath, Sahu, Canini, Richtarik, 2019, arXiv 1905.10988): each value is
// rounded to one of its two neighbouring powers of two, at random, without bias. The rounding is in
// wire_natural.cc.
#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

class Natural final : public Compressor {
 public:
  explicit Natural(const CompressorSetting& setting) : setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say(key, x, out); }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    const double omega = 0.125;
    return {.omega = omega,
            .alpha = {},
            .density = d,
            .floats = d * (setting_.wire == Wire::f32 ? 9.0 / 32 : 12.0 / 64),
            .A = omega / static_cast<double>(setting_.clients),
            .B = 0};
  }

 private:
  void say(const Key& key, AnyView x, Message& out) const {
    check(size_of(x) == setting_.dim, "natural was made for another dim");
    write_natural(setting_.wire, key.stream(Purpose::compressor), x, out);
  }

  CompressorSetting setting_;
};

}  // namespace

std::unique_ptr<Compressor> make_natural(const Spec& spec, const CompressorSetting& setting) {
  Arguments(spec).done();
  return std::make_unique<Natural>(setting);
}

}  // namespace laconic
