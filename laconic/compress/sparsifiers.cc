// SPDX-License-Identifier: Apache-2.0
// Compressors that send some coordinates: all of them, random ones, the largest ones, or at random all or
// none.
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

class Identity final : public Compressor {
 public:
  explicit Identity(const CompressorSetting& setting) : setting_(setting) {}

  void compress(const Key&, View x, Message& out) const override { say(x, out); }
  void compress_floats(const Key&, FloatView x, Message& out) const override { say(x, out); }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    return {.omega = 0, .alpha = 1, .density = d, .floats = d, .A = 0, .B = 0, .shrinks = true};
  }

 private:
  void say(AnyView x, Message& out) const {
    check(size_of(x) == setting_.dim, "identity was made for another dim");
    write_dense(setting_.wire, x, out);
  }

  CompressorSetting setting_;
};

/// The bound if clients draw independently. omega and alpha hold with equality.
Bound bound_of(Promise promise, double omega, double alpha, double floats, const CompressorSetting& setting) {
  Bound bound{.omega = {}, .alpha = {}, .density = floats, .floats = floats, .A = 0, .B = 0};
  const bool everything = omega == 0;  // then both guarantees hold
  if (promise == Promise::contractive || everything) {
    bound.alpha = alpha;
    bound.shrinks = true;
    // Each coordinate is kept with probability alpha.
    const double variance = alpha * (1 - alpha);
    bound.bias_variance = {
        .eta = 1 - alpha, .omega = variance, .omega_mean = variance / static_cast<double>(setting.clients)};
  }
  if (promise == Promise::unbiased || everything) {
    bound.omega = omega;
    bound.A = omega / static_cast<double>(setting.clients);
  }
  return bound;
}

class RandK final : public Compressor {
 public:
  RandK(std::size_t k, Promise promise, const CompressorSetting& setting)
      : k_(k), promise_(promise), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say_entries(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say_entries(key, x, out); }

  void compress_difference(const Key& key, View a, View b, Message& out) const override {
    check(a.size() == setting_.dim && b.size() == setting_.dim, "rand-k was made for another dim");
    say(
        key, [&](std::size_t j) { return a[j] - b[j]; }, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto k = static_cast<double>(k_);
    const auto d = static_cast<double>(setting_.dim);
    return bound_of(promise_, d / k - 1, k / d, k, setting_);
  }

 private:
  template <class Real>
  void say_entries(const Key& key, std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "rand-k was made for another dim");
    say(
        key, [&](std::size_t j) { return static_cast<double>(x[j]); }, out);
  }

  template <class Coordinate>
  void say(const Key& key, Coordinate coordinate, Message& out) const {
    thread_local std::vector<std::uint32_t> support;  // reused, so that a round does not allocate
    thread_local Vector values;
    draw_subset(key.stream(Purpose::compressor), k_, setting_.dim, support);
    values.resize(k_);
    const double scale =
        promise_ == Promise::unbiased ? static_cast<double>(setting_.dim) / static_cast<double>(k_) : 1;
    for (std::size_t i = 0; i < k_; ++i) values[i] = scale * coordinate(support[i]);
    write_seeded_subset(setting_.wire, values, out);
  }

  std::size_t k_;
  Promise promise_;
  CompressorSetting setting_;
};

class TopK final : public Compressor {
 public:
  TopK(std::size_t k, const CompressorSetting& setting) : k_(k), setting_(setting) {}

  void compress(const Key&, View x, Message& out) const override { say_largest(x, out); }
  void compress_floats(const Key&, FloatView x, Message& out) const override { say_largest(x, out); }

  void compress_difference(const Key&, View a, View b, Message& out) const override {
    say_largest(a, b, out);
  }
  void compress_difference_of_floats(const Key&, FloatView a, FloatView b, Message& out) const override {
    say_largest(a, b, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto k = static_cast<double>(k_);
    Bound bound{.omega = {},
                .alpha = k / static_cast<double>(setting_.dim),
                .density = k,
                .floats = k,
                .A = 0,
                .B = 0,
                .shrinks = true};
    if (k_ == setting_.dim) bound.omega = 0;
    return bound;
  }

 private:
  void say_largest(AnyView x, Message& out) const {
    check(size_of(x) == setting_.dim, "top-k was made for another dim");
    say([&](Entries& largest) { largest_entries(x, k_, largest); }, out);
  }
  /// The same for a - b.
  void say_largest(AnyView a, AnyView b, Message& out) const {
    check(size_of(a) == setting_.dim && size_of(b) == setting_.dim, "top-k was made for another dim");
    say([&](Entries& largest) { largest_entries_of_difference(a, b, k_, largest); }, out);
  }

  template <class Choose>
  void say(Choose choose, Message& out) const {
    thread_local Entries largest;  // reused, so that a round does not allocate
    choose(largest);
    write_sparse(setting_.wire, setting_.dim, largest.index, largest.value, out);
  }

  std::size_t k_;
  CompressorSetting setting_;
};

/// Everything with probability q, otherwise nothing.
class Bernoulli final : public Compressor {
 public:
  Bernoulli(double q, Promise promise, const CompressorSetting& setting)
      : q_(q), promise_(promise), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override { say(key, x, out); }
  void compress_floats(const Key& key, FloatView x, Message& out) const override { say(key, x, out); }

  [[nodiscard]] Bound bound() const override {
    return bound_of(promise_, 1 / q_ - 1, q_, q_ * static_cast<double>(setting_.dim), setting_);
  }

 private:
  template <class Real>
  void say(const Key& key, std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "bernoulli was made for another dim");
    if (key.stream(Purpose::compressor).uniform() >= q_) return write_nothing(setting_.wire, out);
    if (promise_ == Promise::contractive) return write_dense(setting_.wire, x, out);
    thread_local Vector values;  // reused, so that a round does not allocate
    values.resize(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) values[j] = static_cast<double>(x[j]) / q_;
    write_dense(setting_.wire, values, out);
  }

  double q_;
  Promise promise_;
  CompressorSetting setting_;
};

std::size_t read_k(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const std::size_t k = args.count_of("k", setting.dim, 0);
  args.done();
  return k;
}

double read_q(const Spec& spec) {
  Arguments args(spec);
  const double q =
      args.required_number_in("q", kPositiveShare, 0, "\"q\" is missing: a probability such as 0.1");
  args.done();
  return q;
}

}  // namespace

std::unique_ptr<Compressor> make_identity(const Spec& spec, const CompressorSetting& setting) {
  Arguments(spec).done();
  return std::make_unique<Identity>(setting);
}

std::unique_ptr<Compressor> make_rand_k(const Spec& spec, const CompressorSetting& setting) {
  return std::make_unique<RandK>(read_k(spec, setting), Promise::unbiased, setting);
}

std::unique_ptr<Compressor> make_c_rand_k(const Spec& spec, const CompressorSetting& setting) {
  return std::make_unique<RandK>(read_k(spec, setting), Promise::contractive, setting);
}

std::unique_ptr<Compressor> make_top_k(const Spec& spec, const CompressorSetting& setting) {
  return std::make_unique<TopK>(read_k(spec, setting), setting);
}

std::unique_ptr<Compressor> make_bernoulli(const Spec& spec, const CompressorSetting& setting) {
  return std::make_unique<Bernoulli>(read_q(spec), Promise::unbiased, setting);
}

std::unique_ptr<Compressor> make_c_bernoulli(const Spec& spec, const CompressorSetting& setting) {
  return std::make_unique<Bernoulli>(read_q(spec), Promise::contractive, setting);
}

}  // namespace laconic
