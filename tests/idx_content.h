// SPDX-License-Identifier: Apache-2.0
// Small idx files for tests, in which the header need not match the content.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace laconic {

inline std::string idx_header(std::initializer_list<std::uint32_t> numbers) {
  std::string header;
  for (const std::uint32_t number : numbers) {
    for (const int shift : {24, 16, 8, 0}) header += static_cast<char>(number >> shift & 0xff);
  }
  return header;
}

inline std::string idx_images(std::uint32_t count, std::uint32_t height, std::uint32_t width,
                              const std::string& pixels) {
  return idx_header({2051, count, height, width}) + pixels;
}

inline std::string idx_labels(std::uint32_t count, const std::string& labels) {
  return idx_header({2049, count}) + labels;
}

}  // namespace laconic
