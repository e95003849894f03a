// SPDX-License-Identifier: Apache-2.0
// CIFAR-10 in its binary format: records of 3073 bytes, a label (0 .. 9), then the pixels of an image of 32 x
// 32, a byte each, all red ones row by row, all green ones, all blue ones. There is no header.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "laconic/data/dataset.h"

namespace laconic {

/// The files, one or more, as one set in that order: PixelRows of 3072 columns, labels as they are; named by
/// the path of the first. `rows` keeps the first so many images, >= 1 and no more than there are; `choose`
/// stores the pixels of some of those only. Each file may be plain or gzip. All are in memory at once beside
/// what is stored. Throws InputError, beginning with the path at fault, for a size that is no whole number of
/// records, a label above 9, and as read_file (gzip.h) does.
Dataset read_cifar(const std::vector<std::string>& paths, std::optional<std::size_t> rows = {},
                   const ChooseRows& choose = {});

}  // namespace laconic
