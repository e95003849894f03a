// SPDX-License-Identifier: Apache-2.0
#include "laconic/compress/compressor.h"

#include <cmath>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {

void Compressor::compress_floats(const Key& key, FloatView x, Message& out) const {
  thread_local Vector widened;  // reused, so that a round does not allocate
  widened.assign(x.begin(), x.end());
  compress(key, widened, out);
}

void Compressor::compress_difference(const Key& key, View a, View b, Message& out) const {
  check(a.size() == b.size(), "a difference of vectors of unlike length");
  thread_local Vector difference;  // reused, so that a round does not allocate
  difference.resize(a.size());
  subtract(a, b, difference);
  compress(key, difference, out);
}

void Compressor::compress_difference_of_floats(const Key& key, FloatView a, FloatView b, Message& out) const {
  check(a.size() == b.size(), "a difference of vectors of unlike length");
  thread_local Vector difference;  // reused, so that a round does not allocate
  difference.resize(a.size());
  for (std::size_t j = 0; j < a.size(); ++j)
    difference[j] = static_cast<double>(a[j]) - static_cast<double>(b[j]);
  compress(key, difference, out);
}

void Compressor::compress_with(const Key& key, View x, View kept, Message& out) const {
  check(kept.empty(), "a compressor that keeps no numbers was given some");
  compress(key, x, out);
}

void Compressor::keep(const Message& /*message*/, MutView /*kept*/) const {}

namespace {

std::deque<CompressorRow>& table() {
  static std::deque<CompressorRow> rows = {
      {"identity", "identity", "sends everything; omega = 0, alpha = 1", make_identity},
      {"rand-k", "rand-k(K)", "K random coordinates times d/K, indices not sent; unbiased, omega = d/K - 1",
       make_rand_k},
      {"c-rand-k", "c-rand-k(K)", "K random coordinates as they are; contractive, alpha = K/d",
       make_c_rand_k},
      {"top-k", "top-k(K)", "the K largest coordinates; contractive, alpha = K/d", make_top_k},
      {"comp", "comp(K, KK)",
       "K at random of the KK largest coordinates, times KK/K; eta = sqrt(1 - KK/d), omega = KK/K - 1 (of "
       "ef-bv); contractive where KK < 2 K",
       make_comp},
      {"mix", "mix(K, KK)",
       "the K largest coordinates and KK of the others at random, as they are; contractive, "
       "alpha = (K + KK)/d",
       make_mix},
      {"chunk-top-k", "chunk-top-k(K, chunk=4096, bits=32)",
       "the K largest coordinates of each chunk (of a matrix: of each square of that size); contractive, "
       "alpha "
       "= K/chunk. With bits=2 their values in four levels, which promise nothing",
       make_chunk_top_k},
      {"low-rank", "low-rank(R, warm=1)",
       "each matrix of the problem as the product of two factors with R columns, by one power iteration from "
       "the client's last one (PowerSGD), with warm=0 from a random one; contractive, alpha = R/min(rows, "
       "cols) with warm=0",
       make_low_rank},
      {"sketch", "sketch(R)",
       "each matrix of the problem times R columns of random signs; unbiased, omega = (cols - 1)/R",
       make_sketch},
      {"perm-k", "perm-k, perm-k(K)",
       "the clients deal the coordinates among themselves; each sends all of its own times n, or K of them "
       "times d/K; unbiased, omega = n - 1 or d/K - 1",
       make_perm_k},
      {"c-perm-k", "c-perm-k, c-perm-k(K)",
       "the same coordinates as they are; contractive, alpha = 1/n or K/d", make_c_perm_k},
      {"natural", "natural",
       "rounds to powers of two at random, 9 bits a value (f64: 12); unbiased, omega = 1/8", make_natural},
      {"qsgd", "qsgd(s)",
       "the norm, and a random neighbour of each coordinate among s uniform levels of it; unbiased, "
       "omega = min(d/s^2, sqrt(d)/s)",
       make_qsgd},
      {"natural-dithering", "natural-dithering(s)",
       "the same with the levels 1, 1/2, .., 2^-(s-1); unbiased, "
       "omega = 1/8 + u min(1, u) where u = sqrt(d)/2^(s-1)",
       make_natural_dithering},
      {"bernoulli", "bernoulli(q)",
       "everything over q with probability q, else nothing; unbiased, omega = 1/q - 1", make_bernoulli},
      {"c-bernoulli", "c-bernoulli(q)", "everything with probability q, else nothing; contractive, alpha = q",
       make_c_bernoulli},
      {"sign", "sign, sign(block=B), sign(scale=one)",
       "the mean size, of all or of each block, and the sign of each coordinate; contractive, alpha >= 1/d "
       "or "
       "1/B. With scale=one signs alone, which promise nothing",
       make_sign},
      {"one-bit", "one-bit, one-bit(scale=linf|l2|block|fixed|none, block=B, bound=B)",
       "a size, and a sign of each coordinate drawn so that the mean is right; unbiased, omega <= d - 1, or "
       "B - 1 "
       "of blocks. With scale=fixed the size is the bound, beyond which entries are clipped; with none it is "
       "not "
       "sent",
       make_one_bit},
      {"dithered-sign", "dithered-sign(B)",
       "the signs of the coordinates plus uniform noise on [-B, B], times B: as one-bit with scale=fixed",
       make_dithered_sign},
  };
  return rows;
}

}  // namespace

std::optional<BiasVariance> bias_variance_of(const Bound& bound) {
  if (bound.bias_variance) return bound.bias_variance;
  if (bound.omega) return BiasVariance{.omega = *bound.omega, .omega_mean = bound.A};
  if (bound.alpha) return BiasVariance{.eta = std::sqrt(1 - *bound.alpha)};
  return {};
}

const std::deque<CompressorRow>& compressors() { return table(); }

void register_compressor(CompressorRow row) {
  require_new(row.name, "compressor", table());
  table().push_back(std::move(row));
}

std::unique_ptr<Compressor> make_compressor(const Spec& spec, const CompressorSetting& setting) {
  check(setting.dim >= 1 && setting.clients >= 1, "a compressor needs dim >= 1 and clients >= 1");
  if (setting.dim >= kDimLimit) {
    Arguments(spec).fail(fmt::format("{} coordinates; need fewer than 2^32", setting.dim));
  }
  return row_named(spec, "compressor", compressors()).make(spec, setting);
}

}  // namespace laconic
