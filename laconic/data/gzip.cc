// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/gzip.h"

#include <algorithm>
#include <memory>
#include <new>
#include <string_view>

#include <fmt/format.h>
#include <zlib.h>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"

namespace laconic {
namespace {

constexpr std::size_t kEverything = static_cast<std::size_t>(-1);
constexpr std::size_t kStartOfFile = std::size_t{1} << 16;
constexpr std::size_t kLargestStep = std::size_t{1} << 22;  // zlib counts in 32 bits; `working` between two

[[noreturn]] void fail(const std::string& path, const std::string& message) {
  throw InputError(fmt::format("{}: {}", path, message));
}

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

void refuse_other_packing(const std::string& path, std::string_view bytes) {
  struct Packing {
    std::string_view magic;
    const char* name;
  };
  static constexpr Packing kOthers[] = {
      {"BZh", "bzip2"},
      {"\xfd"
       "7zXZ",
       "xz"},
      {"\x28\xb5\x2f\xfd", "zstd"},
      {"PK\x03\x04", "zip"},
  };
  for (const auto& [magic, name] : kOthers) {
    if (bytes.starts_with(magic)) fail(path, fmt::format("expected plain or gzip content, found {}", name));
  }
}

/// At least the first `wanted` bytes of the content. If the packed bytes end too early, that is an error only
/// if the whole content is wanted.
std::string unpack(const std::string& path, std::string_view packed, std::size_t wanted,
                   const std::function<void()>& working) {
  z_stream stream{};
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);

  std::string content;
  std::size_t in = 0;
  std::size_t out = 0;
  while (out < wanted) {
    if (working) working();
    if (out == content.size()) content.resize(std::max(2 * out, 4 * packed.size()) + kStartOfFile);
    const std::size_t in_step = std::min(packed.size() - in, kLargestStep);
    const std::size_t out_step = std::min(content.size() - out, kLargestStep);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + in));
    stream.avail_in = static_cast<uInt>(in_step);
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + out);
    stream.avail_out = static_cast<uInt>(out_step);
    const int code = inflate(&stream, Z_NO_FLUSH);
    in += in_step - stream.avail_in;
    out += out_step - stream.avail_out;

    if (code == Z_STREAM_END) {
      const std::string_view rest = packed.substr(in);
      if (rest.find_first_not_of('\0') == std::string_view::npos)
        break;  // padding that tapes and disks append
      if (!is_gzip(rest)) {
        fail(path, fmt::format(
                       "expected the end or another gzip member at byte {}, found {} bytes of something else",
                       in + 1, rest.size()));
      }
      inflateReset(&stream);
    } else if (code == Z_BUF_ERROR || (code == Z_OK && in == packed.size() && stream.avail_out > 0)) {
      if (wanted != kEverything) break;
      fail(path, fmt::format("expected whole gzip data, found them cut off after {} bytes", packed.size()));
    } else if (code != Z_OK) {
      fail(path, fmt::format("expected sound gzip data, found an error near byte {}: {}", in,
                             stream.msg != nullptr ? stream.msg : "unknown"));
    }
  }
  content.resize(out);
  return content;
}

std::string read(const std::string& path, std::size_t limit, std::size_t wanted,
                 const std::function<void()>& working = {}) {
  std::string content = read_whole(path, limit, std::chrono::seconds(10), working);
  if (content.empty()) fail(path, "expected data, found an empty file");
  if (is_gzip(content)) {
    try {
      content = unpack(path, content, wanted, working);
    } catch (const std::bad_alloc&) {
      fail(path, "its content, unpacked, does not fit into memory");
    }
    if (content.empty()) fail(path, "expected data, found gzip of nothing");
  } else {
    refuse_other_packing(path, content);
  }
  if (content.size() > wanted) content.resize(wanted);
  return content;
}

}  // namespace

std::string read_file(const std::string& path, const std::function<void()>& working) {
  return read(path, kEverything, kEverything, working);
}

std::string read_file_start(const std::string& path, std::size_t bytes) {
  return read(path, kStartOfFile, bytes);
}

}  // namespace laconic
