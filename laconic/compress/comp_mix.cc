// SPDX-License-Identifier: Apache-2.0
// Compressors that choose among the largest coordinates, in part at random (EF-BV: Condat, Yi, Richtarik,
// NeurIPS 2022, arXiv 2205.04180). T is the part of x on its KK (comp) or K (mix) largest coordinates.
//
// comp(K, KK): KK/K times K random coordinates of T. E C(x) = T and E|C(x) - T|^2 = (KK/K - 1) |T|^2, so
// E|C(x) - x|^2 = |x|^2 + (KK/K - 2) |T|^2 with |T|^2 >= (KK/d) |x|^2. For KK < 2 K it is contractive with
// alpha = (2 - KK/K) KK/d.
// mix(K, KK): T and KK random coordinates of x - T, each of which is kept with probability q = KK/(d - K).
// Its bias is (1 - q) |x - T|, its variance q (1 - q) |x - T|^2, E|C(x) - x|^2 = (1 - q) |x - T|^2, and |x -
// T|^2
// <= (1 - K/d) |x|^2.
#include <cmath>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/compress/select.h"
#include "laconic/core/error.h"
#include "laconic/message/subset.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

class Comp final : public Compressor {
 public:
  Comp(std::size_t k, std::size_t largest, const CompressorSetting& setting)
      : k_(k), largest_(largest), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say_entries(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say_entries(key, x, out); }

  void compress_difference(const Key& key, View a, View b, Message& out) const override {
    check(a.size() == setting_.dim && b.size() == setting_.dim, "comp was made for another dim");
    say(
        key, [&](Entries& largest) { largest_entries_of_difference(a, b, largest_, largest); }, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto k = static_cast<double>(k_);
    const double share = static_cast<double>(largest_) / static_cast<double>(setting_.dim);
    const double omega = scale() - 1;
    const double omega_mean = omega / static_cast<double>(setting_.clients);
    Bound bound{.density = k,
                .floats = k,
                .shrinks = omega == 0,
                .bias_variance = BiasVariance{std::sqrt(1 - share), omega, omega_mean}};
    if (omega < 1) bound.alpha = (1 - omega) * share;
    if (largest_ == setting_.dim) {
      bound.omega = omega;
      bound.A = omega_mean;
    }
    return bound;
  }

 private:
  [[nodiscard]] double scale() const { return static_cast<double>(largest_) / static_cast<double>(k_); }

  void say_entries(const Key& key, AnyView x, Message& out) const {
    check(size_of(x) == setting_.dim, "comp was made for another dim");
    say(
        key, [&](Entries& largest) { largest_entries(x, largest_, largest); }, out);
  }

  template <class Choose>
  void say(const Key& key, Choose choose, Message& out) const {
    thread_local Entries entries;  // reused, so that a round does not allocate
    thread_local std::vector<std::uint32_t> drawn;
    choose(entries);
    draw_subset(key.stream(Purpose::compressor), k_, largest_, drawn);
    for (std::size_t i = 0; i < k_; ++i) {  // drawn[i] >= i
      entries.index[i] = entries.index[drawn[i]];
      entries.value[i] = scale() * entries.value[drawn[i]];
    }
    entries.index.resize(k_);
    entries.value.resize(k_);
    write_sparse(setting_.wire, setting_.dim, entries.index, entries.value, out);
  }

  std::size_t k_;
  std::size_t largest_;
  CompressorSetting setting_;
};

class Mix final : public Compressor {
 public:
  Mix(std::size_t k, std::size_t others, const CompressorSetting& setting)
      : k_(k), others_(others), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say_entries(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say_entries(key, x, out); }

  void compress_difference(const Key& key, View a, View b, Message& out) const override {
    check(a.size() == setting_.dim && b.size() == setting_.dim, "mix was made for another dim");
    say(
        key, [&](Entries& largest) { largest_entries_of_difference(a, b, k_, largest); },
        [&](std::size_t j) { return a[j] - b[j]; }, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    const auto k = static_cast<double>(k_);
    const auto others = static_cast<double>(others_);
    const double left = d - k - others;
    BiasVariance known;
    if (left > 0) {
      known = {.eta = left / std::sqrt((d - k) * d), .omega = others * left / ((d - k) * d)};
      known.omega_mean = known.omega / static_cast<double>(setting_.clients);
    }
    Bound bound{.alpha = (k + others) / d,
                .density = k + others,
                .floats = k + others,
                .shrinks = true,
                .bias_variance = known};
    if (left == 0) bound.omega = 0;
    return bound;
  }

 private:
  template <class Real>
  void say_entries(const Key& key, std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "mix was made for another dim");
    say(
        key, [&](Entries& largest) { largest_entries(x, k_, largest); },
        [&](std::size_t j) { return static_cast<double>(x[j]); }, out);
  }

  template <class Choose, class Coordinate>
  void say(const Key& key, Choose choose, Coordinate coordinate, Message& out) const {
    thread_local Entries largest;  // reused, so that a round does not allocate
    thread_local Entries all;
    thread_local std::vector<std::uint32_t> drawn;
    choose(largest);
    drawn.clear();
    if (others_ > 0) draw_subset(key.stream(Purpose::compressor), others_, setting_.dim - k_, drawn);
    all.index.clear();
    all.value.clear();
    // The place p among the other coordinates is the coordinate p + i if i of the largest are below it.
    std::size_t i = 0;
    const auto take_largest = [&] {
      all.index.push_back(largest.index[i]);
      all.value.push_back(largest.value[i++]);
    };
    for (const std::uint32_t place : drawn) {
      while (i < k_ && largest.index[i] <= place + i) take_largest();
      const std::size_t j = place + i;
      all.index.push_back(static_cast<std::uint32_t>(j));
      all.value.push_back(coordinate(j));
    }
    while (i < k_) take_largest();
    write_sparse(setting_.wire, setting_.dim, all.index, all.value, out);
  }

  std::size_t k_;
  std::size_t others_;
  CompressorSetting setting_;
};

}  // namespace

std::unique_ptr<Compressor> make_comp(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const std::size_t k = args.count_of("k", setting.dim, 0);
  const std::size_t largest = args.count_of("kk", setting.dim, 1);
  args.done();
  if (k > largest) args.fail(fmt::format("k = {}; need k <= kk = {}, the number of the largest", k, largest));
  return std::make_unique<Comp>(k, largest, setting);
}

std::unique_ptr<Compressor> make_mix(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const std::size_t k = args.count_of("k", setting.dim, 0);
  const Spec* given = args.find("kk", 1);
  const bool none = given != nullptr && given->kind == Spec::Kind::number && given->number == 0;
  const std::size_t others = none ? 0 : args.count_of("kk", setting.dim, 1);
  args.done();
  if (others > setting.dim - k)
    args.fail(fmt::format("kk = {}; need kk <= {}, the number of the others", others, setting.dim - k));
  return std::make_unique<Mix>(k, others, setting);
}

}  // namespace laconic
