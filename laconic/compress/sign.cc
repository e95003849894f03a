// SPDX-License-Identifier: Apache-2.0
// Scaled sign: (|x|_1/d) sign(x), the best multiple of sign(x): |C(x) - x|^2 = |x|^2 - |x|_1^2/d.
#include "laconic/compress/factories.h"
#include "laconic/compress/wire.h"
#include "laconic/core/error.h"

namespace laconic {
namespace {

class Sign final : public Compressor {
 public:
  explicit Sign(const Setting& setting) : setting_(setting) {}

  void compress(const Key&, View x, Message& out) const override {
    check(x.size() == setting_.dim, "sign was made for another dim");
    write_sign(setting_.wire, x, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    // alpha: |x|_1 >= |x|, with equality where x has one non-zero.
    return {.omega = {},
            .alpha = 1 / d,
            .density = d,
            .floats = 1 + d / static_cast<double>(8 * bytes_of(setting_.wire)),
            .A = 0,
            .B = 0};
  }

 private:
  Setting setting_;
};

}  // namespace

std::unique_ptr<Compressor> make_sign(const Spec& spec, const Setting& setting) {
  Arguments(spec).done();
  return std::make_unique<Sign>(setting);
}

}  // namespace laconic
