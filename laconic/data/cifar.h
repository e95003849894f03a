// SPDX-License-Identifier: Apache-2.0
// CIFAR-10 in its binary format: records of 3073 bytes. A record is a label (0 .. 9), then the pixels of an
// image of 32 x 32, one byte each: all red ones row by row, then all green ones, then all blue ones. There is
// no header.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "laconic/data/dataset.h"

namespace laconic {

/// One or more files as one data set, in the given order: PixelRows of 3072 columns, labels as in the files;
/// the name is the path of the first file. Each file may be plain or gzip.
/// All files are in memory at once, in addition to what is stored. Throws InputError, beginning with the path
/// of the file, if a size is not a whole number of records or a label is above 9, and as read_file (gzip.h)
/// does.
Dataset read_cifar(const std::vector<std::string>& paths, const ImageOptions& options = {});

}  // namespace laconic
