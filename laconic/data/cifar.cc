// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/cifar.h"

#include <cstdint>

#include <fmt/format.h>

#include "laconic/core/checksum.h"
#include "laconic/core/error.h"
#include "laconic/data/gzip.h"

namespace laconic {
namespace {

constexpr std::size_t kPixels = 3072;
constexpr std::size_t kRecord = 1 + kPixels;
constexpr int kLastLabel = 9;

/// The records of a file. Checks the size of the file and all labels.
std::string read_records(const std::string& path, const std::function<void()>& working) {
  std::string content = read_file(path, working);
  if (content.size() % kRecord != 0) {
    throw InputError(fmt::format("{}: expected CIFAR-10 records of {} bytes each, found {} bytes", path,
                                 kRecord, content.size()));
  }
  for (std::size_t record = 0; record * kRecord < content.size(); ++record) {
    if (const int label = static_cast<unsigned char>(content[record * kRecord]); label > kLastLabel) {
      throw InputError(fmt::format("{}: expected labels 0 .. {}, found {} in record {}", path, kLastLabel,
                                   label, record + 1));
    }
  }
  return content;
}

}  // namespace

Dataset read_cifar(const std::vector<std::string>& paths, const ImageOptions& options) {
  const auto& [rows, choose, working] = options;
  check(!paths.empty(), "a CIFAR-10 set of no files was asked for");
  Dataset set;
  set.name = paths.front();
  set.columns = kPixels;
  std::vector<std::string> files;
  std::vector<std::string_view> records;
  for (const std::string& path : paths) {
    files.push_back(read_records(path, working));
    set.checksum = checksum_of(files.back(), set.checksum);
  }
  for (const std::string& file : files) {
    for (std::size_t at = 0; at < file.size(); at += kRecord)
      records.push_back(std::string_view(file).substr(at, kRecord));
  }
  if (rows && (*rows < 1 || *rows > records.size())) {
    throw InputError(fmt::format("{}: rows = {}; need 1 <= rows <= {}, the images there are", set.name, *rows,
                                 records.size()));
  }

  set.rows = rows.value_or(records.size());
  records.resize(set.rows);
  for (const std::string_view record : records) set.labels.push_back(static_cast<unsigned char>(record[0]));
  std::vector<std::uint8_t>& pixel = set.features.emplace<PixelRows>().pixel;
  const auto store = [&](std::string_view record) {
    pixel.insert(pixel.end(), record.begin() + 1, record.end());
  };
  if (choose) {
    set.stored = choose(set.labels);
    pixel.reserve(set.stored->size() * kPixels);
    for (const std::uint32_t row : *set.stored) store(records[row]);
  } else {
    pixel.reserve(set.rows * kPixels);
    for (const std::string_view record : records) store(record);
  }
  return set;
}

}  // namespace laconic
