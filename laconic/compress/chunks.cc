// SPDX-License-Identifier: Apache-2.0
// The K largest entries of each tile (compress/tiles.h), as they are or in two bits: SparseLoCo (Sarfi et al.
// 2025, arXiv 2508.15706; the two bits are those of the authors' code), DeMo (arXiv 2411.19870).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "laconic/compress/factories.h"
#include "laconic/compress/select.h"
#include "laconic/compress/tiles.h"
#include "laconic/core/error.h"
#include "laconic/message/wire.h"

namespace laconic {
namespace {

class ChunkTopK final : public Compressor {
 public:
  ChunkTopK(std::size_t k, bool two_bits, std::vector<Tile> tiles, const CompressorSetting& setting)
      : k_(k), two_bits_(two_bits), tiles_(std::move(tiles)), setting_(setting) {
    for (const Tile& tile : tiles_) {
      const std::size_t kept = std::min(k_, tile.size());
      values_ += kept;
      alpha_ = std::min(alpha_, static_cast<double>(kept) / static_cast<double>(tile.size()));
    }
    tensors_ = tiles_.back().tensor + 1;
  }

  [[nodiscard]] std::size_t values() const { return values_; }

  void compress(const Key& /*key*/, View x, Message& out) const override { say(x, out); }
  void compress_floats(const Key& /*key*/, FloatView x, Message& out) const override { say(x, out); }

  [[nodiscard]] Bound bound() const override {
    const auto values = static_cast<double>(values_);
    if (!two_bits_) return {.alpha = alpha_, .density = values, .floats = values, .shrinks = true};
    const double bits = setting_.wire == Wire::f32 ? 32 : 64;
    return {.density = values, .floats = values * 2 / bits + static_cast<double>(5 * tensors_)};
  }

 private:
  struct Scratch {
    Vector tile;
    Entries largest;
    std::vector<std::uint32_t> kept;
    std::vector<std::uint32_t> counts;  // of each tensor
    Vector values;
    std::vector<Clusters> clusters;
    std::vector<std::uint8_t> codes;
  };

  template <class Real>
  void say(std::span<const Real> x, Message& out) const {
    check(x.size() == setting_.dim, "chunk-top-k was made for another dim");
    thread_local Scratch s;  // reused, so that a round does not allocate
    s.kept.clear();
    s.counts.assign(tensors_, 0);
    for (const Tile& tile : tiles_) {
      s.tile.resize(tile.size());
      tile.for_each([&](std::size_t place, std::size_t j) { s.tile[place] = static_cast<double>(x[j]); });
      largest_entries(s.tile, std::min(k_, tile.size()), s.largest);
      for (const std::uint32_t place : s.largest.index)
        s.kept.push_back(
            static_cast<std::uint32_t>(tile.offset + place / tile.cols * tile.stride + place % tile.cols));
      s.counts[tile.tensor] += static_cast<std::uint32_t>(s.largest.index.size());
    }
    std::sort(s.kept.begin(), s.kept.end());  // tiles of a matrix share rows
    s.values.resize(s.kept.size());
    for (std::size_t i = 0; i < s.kept.size(); ++i) s.values[i] = static_cast<double>(x[s.kept[i]]);
    if (!two_bits_) return write_sparse(setting_.wire, setting_.dim, s.kept, s.values, out);
    quantise(s);
    write_clustered(setting_.wire, setting_.dim, s.kept, s.counts, s.clusters, s.codes, out);
  }

  /// In each tensor: four levels of width 6 sigma / 4 around the mean of its kept values; the message has the
  /// mean of the values in each level. Levels are those of -x: the paper compresses x_before - y, and clients
  /// with local steps send y - x_before.
  static void quantise(Scratch& s) {
    s.clusters.resize(s.counts.size());
    s.codes.resize(s.values.size());
    std::size_t first = 0;
    for (std::size_t k = 0; k < s.counts.size(); ++k) {
      const View values = View(s.values).subspan(first, s.counts[k]);
      const auto count = static_cast<double>(values.size());
      const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
      double squares = 0;
      for (const double v : values) squares += (v - mean) * (v - mean);
      double width = 6 * std::sqrt(squares / (count - 1)) / 4;
      if (!(width > 0) || std::isinf(width)) width = 1;  // one value, or equal ones
      Clusters& clusters = s.clusters[k];
      clusters = {.shift = mean};
      double counts[4] = {};
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double level = std::nearbyint((mean - values[i]) / width + 2);
        const auto code = static_cast<std::uint8_t>(std::clamp(level, 0.0, 3.0));
        s.codes[first + i] = code;
        clusters.mean[code] += values[i] - mean;
        ++counts[code];
      }
      for (std::size_t c = 0; c < 4; ++c) clusters.mean[c] /= std::max(counts[c], 1.0);
      first += values.size();
    }
  }

  std::size_t k_;
  bool two_bits_;
  std::vector<Tile> tiles_;
  CompressorSetting setting_;
  std::size_t values_ = 0;
  std::size_t tensors_ = 0;
  double alpha_ = 1;
};

std::unique_ptr<Compressor> checked(Arguments& args, std::unique_ptr<ChunkTopK> made) {
  if (made->values() >= kHeaderCountLimit)
    args.fail(fmt::format("keeps {} values; need fewer than 2^24", made->values()));
  return made;
}

}  // namespace

std::unique_ptr<Compressor> make_chunk_top_k(const Spec& spec, const CompressorSetting& setting) {
  Arguments args(spec);
  const std::size_t k = args.whole("k", 0, 1, 0);
  if (k == 0) args.fail("\"k\" is missing: the entries of each chunk, as in chunk-top-k(64)");
  const std::size_t chunk = args.whole("chunk", 4096);
  const bool two_bits = args.choice("bits", {"2", "32"}, "32") == "2";
  args.done();
  return checked(args, std::make_unique<ChunkTopK>(k, two_bits, tiles_of_size(setting, chunk), setting));
}

std::unique_ptr<Compressor> make_tile_top_k(std::size_t k, std::vector<Tile> tiles,
                                            const CompressorSetting& setting) {
  return std::make_unique<ChunkTopK>(k, false, std::move(tiles), setting);
}

}  // namespace laconic
