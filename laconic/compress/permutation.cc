// SPDX-License-Identifier: Apache-2.0
// PermK (Szlendak, Tyurin, Richtarik, "Permutation compressors for provably faster distributed nonconvex
// optimization", 2021, arXiv 2110.03300): the workers of a round share one random deal of the coordinates, so
// that their errors cancel where their vectors agree.
#include <algorithm>

#include <fmt/format.h>

#include "laconic/compress/deal.h"
#include "laconic/compress/factories.h"
#include "laconic/compress/wire.h"
#include "laconic/core/error.h"

namespace laconic {
namespace {

class PermK final : public Compressor {
 public:
  explicit PermK(const Setting& setting) : setting_(setting) {}

  void compress(const Key& key, View x, Message& out) const override {
    check(x.size() == setting_.dim, "perm-k was made for another dim");
    say(
        key, [&](std::size_t j) { return x[j]; }, out);
  }

  void compress_difference(const Key& key, View a, View b, Message& out) const override {
    check(a.size() == setting_.dim && b.size() == setting_.dim, "perm-k was made for another dim");
    say(
        key, [&](std::size_t j) { return a[j] - b[j]; }, out);
  }

  [[nodiscard]] Bound bound() const override {
    const auto d = static_cast<double>(setting_.dim);
    const auto n = static_cast<double>(setting_.workers);
    if (setting_.dim >= setting_.workers) {
      const std::size_t largest_block = (setting_.dim + setting_.workers - 1) / setting_.workers;
      return {.omega = n - 1,
              .alpha = {},
              .density = static_cast<double>(largest_block),
              .floats = d / n,
              .A = 1,
              .B = 1};
    }
    // s: the probability that two given workers share a coordinate. Coordinate k is dealt c_k times, so
    // s = sum_k c_k (c_k - 1) / (n (n - 1)); with d | n this makes A = B = (d - 1)/(n - 1).
    const std::size_t least = setting_.workers / setting_.dim;
    const auto low = static_cast<double>(least);                             // c_k, or one more
    const auto more = static_cast<double>(setting_.workers % setting_.dim);  // for so many k
    const double s = ((d - more) * low * (low - 1) + more * (low + 1) * low) / (n * (n - 1));
    return {.omega = d - 1, .alpha = {}, .density = 1, .floats = 1, .A = d * (1 - s) / n, .B = 1 - d * s};
  }

 private:
  template <class Coordinate>
  void say(const Key& key, Coordinate coordinate, Message& out) const {
    thread_local Vector values;  // kept, so that a round does not allocate
    const Indices block = dealt_block(key, setting_.dim, setting_.workers);
    // A coordinate comes from a given worker with probability 1/n (d >= n) or, one coordinate each, 1/d.
    const auto scale = static_cast<double>(std::min(setting_.dim, setting_.workers));
    values.resize(block.size());
    for (std::size_t i = 0; i < block.size(); ++i) values[i] = scale * coordinate(block[i]);
    write_permutation_block(setting_.wire, setting_.workers, values, out);
  }

  Setting setting_;
};

}  // namespace

std::unique_ptr<Compressor> make_perm_k(const Spec& spec, const Setting& setting) {
  Arguments args(spec);
  args.done();
  if (setting.workers >= kDealtWorkersLimit) {
    args.fail(fmt::format("clients = {}; need fewer than 2^20", setting.workers));
  }
  return std::make_unique<PermK>(setting);
}

}  // namespace laconic
