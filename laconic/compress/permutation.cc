// SPDX-License-Identifier: Apache-2.0
// PermK (Szlendak, Tyurin, Richtarik, "Permutation compressors for provably faster distributed nonconvex
// optimization", 2021, arXiv 2110.03300): the clients of a round share one random deal of the coordinates, so
// that their errors cancel where their vectors agree. With K, each client keeps K of the coordinates dealt to
// it, as in 3PC's Rand-K o Perm: RandK acts on the block.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/deal.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

class PermK final : public Compressor {
 public:
  /// k: how many of its dealt coordinates a client keeps; without a value, all of them.
  PermK(std::optional<std::size_t> k, Promise promise, const CompressorSetting& setting)
      : k_(k), promise_(promise), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say_entries(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say_entries(key, x, out); }

  void compress_difference(const Key& key, View a, View b, Message& out) const override {
    check(a.size() == setting_.dim && b.size() == setting_.dim, "perm-k was made for another dim");
    say(
        key, [&](std::size_t j) { return a[j] - b[j]; }, out);
  }

  /// For a single client it is rand-k: each coordinate is sent with probability 1 / rarity().
  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    const auto n = static_cast<double>(setting_.clients);
    const auto k = static_cast<double>(k_.value_or((setting_.dim + setting_.clients - 1) / setting_.clients));
    Bound bound{.density = k, .floats = k_ ? k : std::max(1.0, d / n)};
    const bool everything = rarity() == 1;  // then both guarantees hold
    if (promise_ == Promise::contractive || everything) {
      bound.alpha = 1 / rarity();
      bound.shrinks = true;
      // Each coordinate is kept with probability alpha.
      bound.bias_variance = {.eta = 1 - 1 / rarity(),
                             .omega = 1 / rarity() * (1 - 1 / rarity()),
                             .omega_mean = 1 / (rarity() * n)};
    }
    if (promise_ == Promise::unbiased || everything) {
      bound.omega = rarity() - 1;
      // With equality. If no two clients share a coordinate, E|(1/n) sum Q_i(a_i)|^2 is the sum of the
      // clients' own terms, (1/n^2) sum rarity |a_i|^2. A = B = 1 if every dealt coordinate is sent.
      bound.A = rarity() / n;
      bound.B = 1;
    }
    if (bound.omega && setting_.clients > setting_.dim) {
      // s: the probability that two given clients share a coordinate. Coordinate k is dealt to c_k clients,
      // so s = sum_k c_k (c_k - 1) / (n (n - 1)). If d divides n, this gives A = B = (d - 1)/(n - 1).
      const std::size_t least = setting_.clients / setting_.dim;
      const auto low = static_cast<double>(least);  // c_k is low or low + 1
      // number of k with c_k = low + 1
      const auto more = static_cast<double>(setting_.clients % setting_.dim);
      const double s = ((d - more) * low * (low - 1) + more * (low + 1) * low) / (n * (n - 1));
      bound.A = d * (1 - s) / n;
      bound.B = 1 - d * s;
    }
    return bound;
  }

 private:
  /// d/K; n if every dealt coordinate is sent; d if each client is dealt one coordinate.
  [[nodiscard]] double rarity() const {
    if (k_) return static_cast<double>(setting_.dim) / static_cast<double>(*k_);
    return static_cast<double>(std::min(setting_.dim, setting_.clients));
  }

  template <class Real>
  void say_entries(const Key& key, std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "perm-k was made for another dim");
    say(
        key, [&](std::size_t j) { return static_cast<double>(x[j]); }, out);
  }

  template <class Coordinate>
  void say(const Key& key, Coordinate coordinate, Message& out) const {
    thread_local Vector values;  // reused, so that a round does not allocate
    const Indices kept = k_ ? dealt_subset(key, setting_.dim, setting_.clients, *k_)
                            : dealt_block(key, setting_.dim, setting_.clients);
    const double scale = promise_ == Promise::unbiased ? rarity() : 1;
    values.resize(kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) values[i] = scale * coordinate(kept[i]);
    write_permutation_block(setting_.wire, setting_.clients, values, out);
  }

  std::optional<std::size_t> k_;
  Promise promise_;
  CompressorSetting setting_;
};

std::unique_ptr<Compressor> make(const Spec& spec, Promise promise, const CompressorSetting& setting) {
  Arguments args(spec);
  std::optional<std::size_t> k;
  if (!spec.args.empty() || !spec.options.empty()) k = args.count_of("k", setting.dim, 0);
  args.done();
  if (setting.clients >= kDealtClientsLimit)
    args.fail(fmt::format("clients = {}; need fewer than 2^20", setting.clients));
  const std::size_t most = std::max<std::size_t>(1, setting.dim / setting.clients);
  if (k > most)
    args.fail(fmt::format("k = {}; need k <= {}, the coordinates that every client is dealt", *k, most));
  return std::make_unique<PermK>(k, promise, setting);
}

}  // namespace

std::unique_ptr<Compressor> make_perm_k(const Spec& spec, const CompressorSetting& setting) {
  return make(spec, Promise::unbiased, setting);
}

std::unique_ptr<Compressor> make_c_perm_k(const Spec& spec, const CompressorSetting& setting) {
  return make(spec, Promise::contractive, setting);
}

}  // namespace laconic
