// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/idx.h"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/data/gzip.h"

namespace laconic {
namespace {

constexpr std::uint32_t kImages = 2051;
constexpr std::uint32_t kLabels = 2049;
constexpr std::size_t kWord = 4;  // bytes of a header number

std::uint32_t word_at(std::string_view content, std::size_t word) {
  std::uint32_t value = 0;
  for (const char byte : content.substr(word * kWord, kWord))
    value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// A file of images or labels: the header numbers after the magic number, and the bytes after the header.
class IdxFile {
 public:
  IdxFile(const std::string& path, std::uint32_t magic, std::size_t dimensions,
          const std::function<void()>& working)
      : path_(path), content_(read_file(path, working)), header_((1 + dimensions) * kWord) {
    const char* const kind = magic == kImages ? "images" : "labels";
    if (content_.size() < header_) {
      fail(fmt::format("expected idx {}, found only {} bytes", kind, content_.size()));
    }
    if (word_at(content_, 0) != magic) {
      fail(fmt::format("expected idx {} (magic number {}), found magic number {}", kind, magic,
                       word_at(content_, 0)));
    }
  }

  [[nodiscard]] std::size_t size(std::size_t dimension) const { return word_at(content_, 1 + dimension); }
  [[nodiscard]] std::string_view body() const { return std::string_view(content_).substr(header_); }

  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}: {}", path_, message));
  }

 private:
  const std::string& path_;
  std::string content_;
  std::size_t header_;
};

}  // namespace

Dataset read_idx(const std::string& images_path, const std::string& labels_path,
                 const ImageOptions& options) {
  const auto& [rows, choose, working] = options;
  const IdxFile images(images_path, kImages, 3, working);
  const std::size_t count = images.size(0);
  const std::size_t pixels = images.size(1) * images.size(2);
  if (count == 0 || pixels == 0) {
    images.fail(
        fmt::format("expected images, found {} of {} x {} pixels", count, images.size(1), images.size(2)));
  }
  // A division, because the product of three header numbers may exceed 64 bits.
  if (images.body().size() % pixels != 0 || images.body().size() / pixels != count) {
    images.fail(fmt::format("expected {} images of {} x {} bytes, found {} bytes", count, images.size(1),
                            images.size(2), images.body().size()));
  }
  const IdxFile labels(labels_path, kLabels, 1, working);
  if (labels.body().size() != labels.size(0)) {
    labels.fail(fmt::format("expected {} labels, found {} bytes", labels.size(0), labels.body().size()));
  }
  if (labels.size(0) != count) {
    labels.fail(fmt::format("expected {} labels, one for each image of {}, found {}", count, images_path,
                            labels.size(0)));
  }
  if (rows && (*rows < 1 || *rows > count)) {
    images.fail(fmt::format("rows = {}; need 1 <= rows <= {}, the images there are", *rows, count));
  }

  Dataset set;
  set.name = images_path;
  set.rows = rows.value_or(count);
  set.columns = pixels;
  set.checksum = checksum_of(labels.body(), checksum_of(images.body()));
  for (const char label : labels.body().substr(0, set.rows))
    set.labels.push_back(static_cast<unsigned char>(label));
  if (!choose) {
    const std::string_view kept_pixels = images.body().substr(0, set.rows * pixels);
    set.features = PixelRows{{kept_pixels.begin(), kept_pixels.end()}};
    return set;
  }
  set.stored = choose(set.labels);
  PixelRows& kept = set.features.emplace<PixelRows>();
  kept.pixel.reserve(set.stored->size() * pixels);
  for (const std::uint32_t row : *set.stored) {
    const std::string_view image = images.body().substr(row * pixels, pixels);
    kept.pixel.insert(kept.pixel.end(), image.begin(), image.end());
  }
  return set;
}

bool looks_like_idx(std::string_view start) {
  return start.size() >= kWord && (word_at(start, 0) == kImages || word_at(start, 0) == kLabels);
}

}  // namespace laconic
