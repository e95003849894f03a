// SPDX-License-Identifier: Apache-2.0
// Small CIFAR-10 files for tests.
#pragma once

#include <string>

namespace laconic {

/// One record: 1024 pixels of each colour, with these values.
inline std::string cifar_record(int label, char red, char green, char blue) {
  return std::string(1, static_cast<char>(label)) + std::string(1024, red) + std::string(1024, green) +
         std::string(1024, blue);
}

}  // namespace laconic
