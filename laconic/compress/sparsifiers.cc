// SPDX-License-Identifier: Apache-2.0
// Compressors that send some coordinates: all, random ones, the largest.
#include <cstdint>
#include <vector>

#include "laconic/compress/factories.h"
#include "laconic/compress/select.h"
#include "laconic/compress/subset.h"
#include "laconic/compress/wire.h"
#include "laconic/core/error.h"

namespace laconic {
namespace {

class Identity final : public Compressor {
 public:
  explicit Identity(const Setting& setting) : setting_(setting) {}

  void compress(const Key&, View x, Message& out) const override {
    check(x.size() == setting_.dim, "identity was made for another dim");
    write_dense(setting_.wire, x, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    return {.omega = 0, .alpha = 1, .density = d, .floats = d, .A = 0, .B = 0};
  }

 private:
  Setting setting_;
};

class RandK final : public Compressor {
 public:
  RandK(std::size_t k, const Setting& setting) : k_(k), setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override {
    check(x.size() == setting_.dim, "rand-k was made for another dim");
    thread_local std::vector<std::uint32_t> support;  // kept, so that a round does not allocate
    thread_local Vector values;
    draw_subset(key.stream(Purpose::compressor), k_, setting_.dim, support);
    values.resize(k_);
    const double scale = static_cast<double>(setting_.dim) / static_cast<double>(k_);
    for (std::size_t i = 0; i < k_; ++i) values[i] = scale * x[support[i]];
    write_seeded_subset(setting_.wire, values, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto k = static_cast<double>(k_);
    const double omega = static_cast<double>(setting_.dim) / k - 1;
    Bound bound{.omega = omega, .alpha = {}, .density = k, .floats = k, .A = 0, .B = 0};
    bound.A = omega / static_cast<double>(setting_.workers);
    if (k_ == setting_.dim) bound.alpha = 1;
    return bound;
  }

 private:
  std::size_t k_;
  Setting setting_;
};

class TopK final : public Compressor {
 public:
  TopK(std::size_t k, const Setting& setting) : k_(k), setting_(setting) {}

  void compress(const Key&, View x, Message& out) const override {
    check(x.size() == setting_.dim, "top-k was made for another dim");
    thread_local Entries largest;  // kept, so that a round does not allocate
    largest_entries(x, k_, largest);
    write_sparse(setting_.wire, setting_.dim, largest.index, largest.value, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto k = static_cast<double>(k_);
    Bound bound{.omega = {},
                .alpha = k / static_cast<double>(setting_.dim),
                .density = k,
                .floats = k,
                .A = 0,
                .B = 0};
    if (k_ == setting_.dim) bound.omega = 0;
    return bound;
  }

 private:
  std::size_t k_;
  Setting setting_;
};

std::size_t read_k(const Spec& spec, const Setting& setting) {
  Arguments args(spec);
  const std::size_t k = args.count_of("k", setting.dim, 0);
  args.done();
  return k;
}

}  // namespace

std::unique_ptr<Compressor> make_identity(const Spec& spec, const Setting& setting) {
  Arguments(spec).done();
  return std::make_unique<Identity>(setting);
}

std::unique_ptr<Compressor> make_rand_k(const Spec& spec, const Setting& setting) {
  return std::make_unique<RandK>(read_k(spec, setting), setting);
}

std::unique_ptr<Compressor> make_top_k(const Spec& spec, const Setting& setting) {
  return std::make_unique<TopK>(read_k(spec, setting), setting);
}

}  // namespace laconic
