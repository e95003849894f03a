// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/gzip.h"

#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/temporary_folder.h"

namespace laconic {
namespace {

std::string long_text() {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += std::to_string(i * 7919 % 100003) + '\n';
  return text;
}

TEST(ReadFile, GivesTheContentPlainOrPacked) {
  const TemporaryFolder folder;
  const std::string text = long_text();
  const std::string zeros(10000000, '\0');  // compresses by a factor of a thousand
  const std::pair<std::string, std::string> files[] = {
      {"x", "x"},
      {text, text},
      {gzipped("x"), "x"},
      {gzipped(text), text},
      {gzipped(zeros), zeros},
      {gzipped(text) + gzipped("and more\n") + gzipped(""), text + "and more\n"},
      {gzipped(text) + std::string(512, '\0'), text},
      {"\x1f", "\x1f"},
      {std::string("a\0b", 3), std::string("a\0b", 3)},
  };
  for (const auto& [bytes, content] : files) {
    const std::string path = folder.write("file", bytes);
    EXPECT_TRUE(read_file(path) == content) << bytes.size() << " bytes";
    EXPECT_TRUE(read_file_start(path, 5) == content.substr(0, 5)) << bytes.size() << " bytes";
  }
}

TEST(ReadFile, CallsWorkingWhileItUnpacks) {
  const TemporaryFolder folder;
  const std::string packed = gzipped(std::string(20000000, '\0'));  // 20 kB, which is one read
  std::size_t calls = 0;
  read_file(folder.write("plain", std::string(packed.size(), 'x')), [&] { ++calls; });
  const std::size_t of_reading = calls;
  calls = 0;
  read_file(folder.write("file.gz", packed), [&] { ++calls; });
  EXPECT_GE(calls, of_reading + 5) << "a call for each 4 MiB";
}

TEST(ReadFile, RefusesGzipCutAnywhere) {
  const TemporaryFolder folder;
  const std::string packed = gzipped("some text, some text, some other text\n");
  for (std::size_t size = 2; size < packed.size(); ++size) {
    const std::string path = folder.write("file.gz", packed.substr(0, size));
    EXPECT_EQ(
        error_of([&] { read_file(path); }),
        path + ": expected whole gzip data, found them cut off after " + std::to_string(size) + " bytes");
  }
  const std::string second = folder.write("second.gz", packed + packed.substr(0, packed.size() - 1));
  EXPECT_EQ(error_of([&] { read_file(second); }),
            second + ": expected whole gzip data, found them cut off after " +
                std::to_string(2 * packed.size() - 1) + " bytes");
}

TEST(ReadFile, RefusesCorruptGzip) {
  const TemporaryFolder folder;
  const std::string packed = gzipped("some text, some text, some other text\n");
  const auto error_with_byte_changed = [&](std::size_t at) {
    std::string bytes = packed;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    return error_of([&] { read_file(folder.write("file.gz", bytes)); });
  };
  const std::string begin = folder.path("file.gz") + ": expected sound gzip data, found an error near byte ";
  const std::string crc_end = std::to_string(packed.size() - 4);
  EXPECT_EQ(error_with_byte_changed(packed.size() - 8), begin + crc_end + ": incorrect data check");
  EXPECT_EQ(error_with_byte_changed(packed.size() - 4),
            begin + std::to_string(packed.size()) + ": incorrect length check");
  EXPECT_EQ(error_with_byte_changed(2), begin + "4: unknown compression method");
  // The reader detects every flipped bit of the packed data.
  for (std::size_t at = 10; at < packed.size(); ++at)
    EXPECT_NE(error_with_byte_changed(at), "no error") << at;
}

TEST(ReadFile, RefusesWhatIsNotAFileOfData) {
  const TemporaryFolder folder;
  const auto error = [](const std::string& path) { return error_of([&] { read_file(path); }); };
  EXPECT_EQ(error(folder.path()), folder.path() + ": cannot read: it is a folder");
  EXPECT_EQ(error(folder.path("none")), folder.path("none") + ": cannot read: No such file or directory");
  EXPECT_EQ(error("/dev/zero"), "/dev/zero: cannot read: it is a device");

  const std::string path = folder.path("file");
  folder.write("file", "");
  EXPECT_EQ(error(path), path + ": expected data, found an empty file");
  folder.write("file", gzipped(""));
  EXPECT_EQ(error(path), path + ": expected data, found gzip of nothing");
  folder.write("file", gzipped("x") + "junk");
  EXPECT_EQ(error(path), path + ": expected the end or another gzip member at byte " +
                             std::to_string(gzipped("x").size() + 1) + ", found 4 bytes of something else");
  folder.write("file", "BZh91AY&SY");
  EXPECT_EQ(error(path), path + ": expected plain or gzip content, found bzip2");
  folder.write("file",
               "\xfd"
               "7zXZ and so on");
  EXPECT_EQ(error(path), path + ": expected plain or gzip content, found xz");
}

TEST(ReadFile, ReadsAPipe) {
  const TemporaryFolder folder;
  const std::string path = folder.path("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const std::string text = long_text();
  std::thread writer([&] { std::ofstream(path, std::ios::binary) << gzipped(text); });
  const std::string content = read_file(path);
  writer.join();
  EXPECT_TRUE(content == text);
}

TEST(ReadFileStart, DoesNotNeedTheRest) {
  const TemporaryFolder folder;
  const std::string packed = gzipped(long_text());
  const std::string path = folder.write("file.gz", packed.substr(0, packed.size() / 2));
  EXPECT_EQ(read_file_start(path, 4), "0\n79");
  const std::string stub = folder.write("stub.gz", gzipped("x").substr(0, 5));
  EXPECT_EQ(error_of([&] { read_file_start(stub, 4); }), stub + ": expected data, found gzip of nothing");
}

}  // namespace
}  // namespace laconic
