// SPDX-License-Identifier: Apache-2.0
// The factories behind the table in aggregator.cc, and what their rules share. The classes are private to the
// .cc files named here.
#pragma once

#include <memory>
#include <span>

#include "laconic/core/blocks.h"
#include "laconic/participation/aggregator.h"

namespace laconic {

// coordinate_rules.cc
std::unique_ptr<Aggregator> make_mean(Arguments& arguments, std::size_t clients);
std::unique_ptr<Aggregator> make_median(Arguments& arguments, std::size_t clients);
std::unique_ptr<Aggregator> make_trimmed_mean(Arguments& arguments, std::size_t clients);
// krum.cc
std::unique_ptr<Aggregator> make_krum(Arguments& arguments, std::size_t clients);
std::unique_ptr<Aggregator> make_multi_krum(Arguments& arguments, std::size_t clients);
// centre_rules.cc
std::unique_ptr<Aggregator> make_rfa(Arguments& arguments, std::size_t clients);
std::unique_ptr<Aggregator> make_clip(Arguments& arguments, std::size_t clients);
// bucketing.cc
std::unique_ptr<Aggregator> make_bucketing(Arguments& arguments, std::size_t clients);

/// out = sum_i weights[i] vectors[i] over the coordinates of `range`, in ascending order of i. Omits vectors
/// with weight 0, whatever their values are.
void add_up(std::span<const View> vectors, View weights, Range range, MutView out);

/// The same over all coordinates.
void add_up(std::span<const View> vectors, View weights, ThreadPool& pool, MutView out);

/// Whether rules that use norms take account of a vector v, given |v|^2: false for NaN and infinity. The
/// limit keeps squared distances finite, also where a liar sends huge values.
inline bool is_usable(double norm_sq) { return norm_sq <= 1e300; }

}  // namespace laconic
