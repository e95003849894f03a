// SPDX-License-Identifier: Apache-2.0
// idx files, the format of the MNIST family: a file of images (magic number 2051: count, height, width, then
// one byte a pixel, row by row) and one of labels (2049: count, then one byte a label). Header numbers are
// big-endian.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "laconic/data/dataset.h"

namespace laconic {

/// Both files as one set: PixelRows of height * width columns, labels as they are; named by the path of the
/// images. `rows` keeps the first so many images, >= 1 and no more than there are; `choose` stores the pixels
/// of some of those only. Both files may be plain or gzip. Throws InputError, beginning with the path at
/// fault, for another magic number, a content shorter or longer than its header says, no images, unequal
/// counts, and as read_file (gzip.h) does.
Dataset read_idx(const std::string& images_path, const std::string& labels_path,
                 std::optional<std::size_t> rows = {}, const ChooseRows& choose = {});

/// Whether a content that begins with `start` is an idx file of images or of labels.
bool looks_like_idx(std::string_view start);

}  // namespace laconic
