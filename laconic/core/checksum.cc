// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/checksum.h"

#include <zlib.h>

namespace laconic {

std::uint32_t checksum_of(std::string_view bytes, std::uint32_t so_far) {
  if (bytes.empty()) return so_far;  // zlib would return its initial value
  return static_cast<std::uint32_t>(
      crc32_z(so_far, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace laconic
