// SPDX-License-Identifier: Apache-2.0
// DeMo: Peng, Quesnelle, Kingma 2024, arXiv 2411.19870, Algorithm 1.
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "laconic/compress/dct.h"
#include "laconic/compress/factories.h"
#include "laconic/mechanism/mechanism.h"
#include "laconic/methods/parts.h"

namespace laconic::recipe {
namespace {

/// The gradients of another oracle in the coordinates of the transform.
class InDct final : public Oracle {
 public:
  InDct(std::unique_ptr<Oracle> oracle, std::shared_ptr<const Dct> dct)
      : oracle_(std::move(oracle)), dct_(std::move(dct)) {}

  Measured gradient(const Key& key, View x, MutView g) const override {
    const Measured measured = oracle_->gradient(key, x, g);
    dct_->transform(g);
    return measured;
  }
  void hessian_vector(const Key& /*key*/, View /*x*/, View /*v*/, MutView /*out*/) const override {
    check(false, "transformed gradients have no Hessian");
  }
  [[nodiscard]] std::size_t calls(const Key& key) const override { return oracle_->calls(key); }
  [[nodiscard]] bool exact() const override { return false; }  // it is no gradient of f_i
  [[nodiscard]] const Problem* problem() const override { return oracle_->problem(); }

 private:
  std::unique_ptr<Oracle> oracle_;
  std::shared_ptr<const Dct> dct_;
};

/// x <- x (1 - gamma decay) - gamma sign(the inverse transform of the direction), sign(0) = 0.
class SignOfInverse final : public OuterRule {
 public:
  SignOfInverse(std::shared_ptr<const Dct> dct, double decay) : dct_(std::move(dct)), decay_(decay) {}

  void move(double step, View direction, std::span<Vector> /*memory*/, MutView x) const override {
    thread_local Vector c;  // reused, so that a round does not allocate
    c.assign(direction.begin(), direction.end());
    dct_->invert(c);
    for (std::size_t j = 0; j < x.size(); ++j)
      x[j] = x[j] * (1 + step * decay_) + step * (c[j] > 0 ? 1 : c[j] < 0 ? -1 : 0);
  }

 private:
  std::shared_ptr<const Dct> dct_;
  double decay_;
};

/// delta_i <- decay delta_i + g_i; m_i = the K largest coefficients of each tile of DCT(delta_i); delta_i <-
/// delta_i - DCT^-1(m_i). c = per coefficient the mean over the clients that sent it. x <- x (1 - gamma wd) -
/// gamma sign(DCT^-1(c)). Here delta_i is in the coordinates of the DCT. The paper has gamma g_i in place of
/// g_i, which only changes the scale of delta_i.
Assembly demo(Arguments& args, const MethodSetting& s) {
  require_own_outer(args, s);
  const CompressorSetting setting = setting_of_compressors(s);
  const std::size_t keep = args.whole("keep", 32);
  const std::size_t chunk = args.whole("chunk", 64);
  constexpr std::size_t kLargestChunk = 4096;  // its table of cosines has 128 MiB
  if (chunk > kLargestChunk) args.fail(fmt::format("chunk = {}; need chunk <= {}", chunk, kLargestChunk));
  const auto dct = std::make_shared<const Dct>(equal_tiles(setting, chunk));
  const double decay = args.number_in("decay", 0.999, kShare);
  const double weight_decay = args.number_in("weight-decay", 0.0, kNotNegative);
  StarParts parts{.oracle = std::make_shared<InDct>(full_or_batch(s), dct),
                  .mechanism = feedback(make_tile_top_k(keep, dct->tiles(), setting), 1, decay),
                  .participation = everyone(s.problem.shards()),
                  .outer = std::make_shared<SignOfInverse>(dct, weight_decay)};
  parts.aggregation.senders = true;
  MethodSetting own = s;
  own.outer.reset();  // `step`, which the rule of the method replaces
  return star(own, std::move(parts));
}

}  // namespace

std::vector<MethodRow> demo_methods() {
  return {
      {"demo", "demo(keep=32, chunk=64, decay=0.999, weight-decay=0)",
       "signs of a momentum, of which clients send the K largest coefficients of the cosine transform of "
       "each "
       "chunk (of a matrix: of each tile of chunk x chunk)",
       "arXiv 2411.19870", demo, kHearsAll},
  };
}

}  // namespace laconic::recipe
