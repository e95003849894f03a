// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace laconic {

/// The least multiple of `to` that is at least `count`.
constexpr std::size_t round_up(std::size_t count, std::size_t to) { return (count + to - 1) / to * to; }

}  // namespace laconic
