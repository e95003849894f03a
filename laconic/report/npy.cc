// SPDX-License-Identifier: Apache-2.0
#include "laconic/report/npy.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "laconic/report/file.h"

namespace laconic {

void write_npy(const std::string& path, View x) {
  static_assert(std::endian::native == std::endian::little, "x.npy is written as the machine stores doubles");
  std::string header = fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({},), }}", x.size());
  constexpr std::size_t kPreamble = 10;  // magic, version, header length
  header.append(63 - (kPreamble + header.size()) % 64, ' ');
  header += '\n';
  std::string content("\x93NUMPY\x01\x00", 8);
  content += static_cast<char>(header.size() & 0xff);
  content += static_cast<char>(header.size() >> 8);
  content += header;
  const std::size_t begin = content.size();
  content.resize(begin + x.size_bytes());
  if (!x.empty()) std::memcpy(content.data() + begin, x.data(), x.size_bytes());
  write_whole(path, content);
}

}  // namespace laconic
