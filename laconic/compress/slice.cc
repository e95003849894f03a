// SPDX-License-Identifier: Apache-2.0
#include "laconic/compress/slice.h"

#include <algorithm>

#include "laconic/compress/formats.h"
#include "laconic/core/error.h"

namespace laconic {

std::size_t dense_value_bytes(std::uint8_t first_byte) {
  if (first_byte == laconic::first_byte(Format::dense, Wire::f32)) return bytes_of(Wire::f32);
  if (first_byte == laconic::first_byte(Format::dense, Wire::f64)) return bytes_of(Wire::f64);
  return 0;
}

std::uint8_t* cut_dense(const Message& dense, Range coordinates, std::uint8_t* to) {
  const std::size_t width = dense_value_bytes(dense.bytes.at(0));
  check(width > 0 && dense_bytes(coordinates.end, width) <= dense.bytes.size(),
        "only dense messages can be cut");
  *to++ = dense.bytes[0];
  const std::uint8_t* values = dense.bytes.data() + 1;
  return std::copy(values + coordinates.begin * width, values + coordinates.end * width, to);
}

}  // namespace laconic
