// SPDX-License-Identifier: Apache-2.0
// idx files, the format of the MNIST family: one file of images (magic number 2051: count, height, width,
// then one byte per pixel, row by row) and one of labels (2049: count, then one byte per label). Header
// numbers are big-endian.
#pragma once

#include <string>
#include <string_view>

#include "laconic/data/dataset.h"

namespace laconic {

/// Both files as one data set: PixelRows of height * width columns, labels as in the file; the name is the
/// path of the images. Both files may be plain or gzip. Throws InputError,
/// beginning with the path of the file, if the magic number is wrong, the content is shorter or longer than
/// the header declares, there are no images, or the counts differ, and as read_file (gzip.h) does.
Dataset read_idx(const std::string& images_path, const std::string& labels_path,
                 const ImageOptions& options = {});

/// Whether a content that begins with `start` is an idx file of images or of labels.
bool looks_like_idx(std::string_view start);

}  // namespace laconic
