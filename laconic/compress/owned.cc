// SPDX-License-Identifier: Apache-2.0
// The masks of CompressedScaffnew (Condat, Agarsky, Richtarik 2022, arXiv 2210.13277): each coordinate is
// sent by `owners` of the clients.
#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/deal.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

class Owned final : public Compressor {
 public:
  Owned(std::size_t owners, const CompressorSetting& setting) : owners_(owners), setting_(setting) {
    check(owners >= 1 && owners <= setting.clients && setting.clients < kDealtClientsLimit,
          "owned coordinates need 1 <= owners <= clients < 2^20");
  }

  void compress(const Key& key, View x, Message& out) const override { say(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say(key, x, out); }

  [[nodiscard]] Bound bound() const override {
    const double share = static_cast<double>(owners_) / static_cast<double>(setting_.clients);
    const double floats = share * static_cast<double>(setting_.dim);
    return {.alpha = share, .density = floats, .floats = floats, .shrinks = true};
  }

 private:
  template <class Real>
  void say(const Key& key, std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "owned coordinates were made for another dim");
    thread_local Vector values;  // reused, so that a round does not allocate
    values.clear();
    for (const std::uint32_t k : owned_coordinates(key, setting_.dim, setting_.clients, owners_))
      values.push_back(static_cast<double>(x[k]));
    write_owned(setting_.wire, setting_.clients, owners_, values, out);
  }

  std::size_t owners_;
  CompressorSetting setting_;
};

}  // namespace

std::unique_ptr<Compressor> make_owned(std::size_t owners, const CompressorSetting& setting) {
  return std::make_unique<Owned>(owners, setting);
}

}  // namespace laconic
