// SPDX-License-Identifier: Apache-2.0
// A vector as a NumPy file.
#pragma once

#include <string>

#include "laconic/core/vec.h"

namespace laconic {

/// Format version 1.0, one dimension, little-endian doubles. Replaces the file at once (written beside it and
/// renamed). Throws RunError when a write fails.
void write_npy(const std::string& path, View x);

}  // namespace laconic
