// SPDX-License-Identifier: Apache-2.0
// CRC-32, as in the trailers of gzip.
#pragma once

#include <cstdint>
#include <string_view>

namespace laconic {

/// The checksum of `bytes` appended to data with the checksum `so_far`. About 1 ms per MB.
std::uint32_t checksum_of(std::string_view bytes, std::uint32_t so_far = 0);

}  // namespace laconic
