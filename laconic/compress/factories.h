// SPDX-License-Identifier: Apache-2.0
// The factories behind the table in compressor.cc. Their classes are private to the .cc files named here. The
// caller has checked the CompressorSetting.
#pragma once

#include <memory>
#include <vector>

#include "laconic/compress/compressor.h"
#include "laconic/compress/tiles.h"

namespace laconic {

/// What a random choice of coordinates guarantees. unbiased: the values are scaled up to make up for the
/// omitted ones. contractive: the values are sent unscaled. A mechanism that needs contraction (EF21)
/// diverges with scaled values.
enum class Promise { unbiased, contractive };

// sparsifiers.cc
std::unique_ptr<Compressor> make_identity(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_rand_k(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_top_k(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_c_rand_k(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_bernoulli(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_c_bernoulli(const Spec& spec, const CompressorSetting& setting);
// comp_mix.cc
std::unique_ptr<Compressor> make_comp(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_mix(const Spec& spec, const CompressorSetting& setting);
// chunks.cc
std::unique_ptr<Compressor> make_chunk_top_k(const Spec& spec, const CompressorSetting& setting);
// low_rank.cc
std::unique_ptr<Compressor> make_low_rank(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_sketch(const Spec& spec, const CompressorSetting& setting);
// permutation.cc
std::unique_ptr<Compressor> make_perm_k(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_c_perm_k(const Spec& spec, const CompressorSetting& setting);
// natural.cc
std::unique_ptr<Compressor> make_natural(const Spec& spec, const CompressorSetting& setting);
// dithering.cc
std::unique_ptr<Compressor> make_qsgd(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_natural_dithering(const Spec& spec, const CompressorSetting& setting);
// sign.cc
std::unique_ptr<Compressor> make_sign(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_one_bit(const Spec& spec, const CompressorSetting& setting);
std::unique_ptr<Compressor> make_dithered_sign(const Spec& spec, const CompressorSetting& setting);

// Compressors that have no row, because they are a part of one method only.

/// The coordinates that the client owns, as they are, where each coordinate has `owners` owners
/// (message/deal.h): owned.cc. Contractive, alpha = owners / clients. 1 <= owners <= clients < 2^20.
std::unique_ptr<Compressor> make_owned(std::size_t owners, const CompressorSetting& setting);

/// The k >= 1 largest entries of each tile, or all of a smaller one: chunks.cc. The tiles cover the vector.
std::unique_ptr<Compressor> make_tile_top_k(std::size_t k, std::vector<Tile> tiles,
                                            const CompressorSetting& setting);

}  // namespace laconic
