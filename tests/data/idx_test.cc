// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/idx.h"

#include <filesystem>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/idx_content.h"
#include "tests/real_data.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using testing::ElementsAre;

const std::vector<std::uint8_t>& pixels(const Dataset& set) {
  return std::get<PixelRows>(set.features).pixel;
}

TEST(Idx, ReadsImagesAndLabels) {
  const TemporaryFolder folder;
  const std::string images =
      folder.write("images", idx_images(2, 1, 3, std::string("\x00\x01\x7f\x80\xfe\xff", 6)));
  const std::string labels = folder.write("labels.gz", gzipped(idx_labels(2, std::string("\x07\xff", 2))));
  const Dataset set = read_idx(images, labels);
  EXPECT_EQ(set.name, images);
  EXPECT_EQ(set.rows, 2U);
  EXPECT_EQ(set.columns, 3U);
  EXPECT_THAT(set.labels, ElementsAre(7, 255));
  EXPECT_THAT(pixels(set), ElementsAre(0, 1, 127, 128, 254, 255));
  const Dataset first = read_idx(images, labels, {.rows = 1});
  EXPECT_EQ(first.rows, 1U);
  EXPECT_THAT(first.labels, ElementsAre(7));
  EXPECT_THAT(pixels(first), ElementsAre(0, 1, 127));
}

TEST(Idx, StoresTheImagesThatAreChosenByTheLabels) {
  const TemporaryFolder folder;
  const std::string images = folder.write("images", idx_images(3, 1, 2, "abcdef"));
  const std::string labels = folder.write("labels", idx_labels(3, "\x01\x02\x03"));
  const Dataset all = read_idx(images, labels);
  const Dataset some = read_idx(images, labels, {.choose = [](const std::vector<double>& known) {
                                  EXPECT_THAT(known, ElementsAre(1, 2, 3));
                                  return std::vector<std::uint32_t>{0, 2};
                                }});
  EXPECT_EQ(some.rows, 3U);
  EXPECT_EQ(some.labels, all.labels);
  EXPECT_EQ(some.checksum, all.checksum);
  EXPECT_NE(some.checksum, read_idx(images, folder.write("others", idx_labels(3, "\x01\x02\x04"))).checksum);
  EXPECT_THAT(*some.stored, ElementsAre(0, 2));
  EXPECT_THAT(pixels(some), ElementsAre('a', 'b', 'e', 'f'));
}

TEST(Idx, ErrorsNameTheFileAtFault) {
  const TemporaryFolder folder;
  const std::string good_images = idx_images(2, 1, 3, "abcdef");
  const std::string good_labels = idx_labels(2, "xy");
  const std::string huge = idx_images(0xffffffff, 0xffffffff, 0xffffffff, "abc");
  struct Case {
    std::string images;
    std::string labels;
    const char* message;
  };
  const Case cases[] = {
      {good_images + "g", good_labels, "I: expected 2 images of 1 x 3 bytes, found 7 bytes"},
      {good_images + "ghi", good_labels, "I: expected 2 images of 1 x 3 bytes, found 9 bytes"},
      {good_images.substr(0, 21), good_labels, "I: expected 2 images of 1 x 3 bytes, found 5 bytes"},
      {good_images.substr(0, 15), good_labels, "I: expected idx images, found only 15 bytes"},
      {huge, good_labels, "I: expected 4294967295 images of 4294967295 x 4294967295 bytes, found 3 bytes"},
      {good_labels + "0123456789", good_labels,
       "I: expected idx images (magic number 2051), found magic number 2049"},
      {"this is just some text", good_labels,
       "I: expected idx images (magic number 2051), found magic number 1952999795"},
      {idx_images(0, 28, 28, ""), idx_labels(0, ""), "I: expected images, found 0 of 28 x 28 pixels"},
      {idx_images(2, 0, 3, ""), good_labels, "I: expected images, found 2 of 0 x 3 pixels"},
      {good_images, good_images, "L: expected idx labels (magic number 2049), found magic number 2051"},
      {good_images, good_labels + "z", "L: expected 2 labels, found 3 bytes"},
      {good_images, good_labels.substr(0, 9), "L: expected 2 labels, found 1 bytes"},
      {good_images, "abc", "L: expected idx labels, found only 3 bytes"},
      {good_images, idx_labels(3, "xyz"), "L: expected 2 labels, one for each image of I, found 3"},
  };
  const auto previous = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  for (const Case& each : cases) {
    folder.write("I", each.images);
    folder.write("L", each.labels);
    EXPECT_EQ(error_of([] { read_idx("I", "L"); }), each.message);
  }
  folder.write("I", good_images);
  folder.write("L", good_labels);
  EXPECT_EQ(error_of([] { read_idx("I", "L", {.rows = 3}); }),
            "I: rows = 3; need 1 <= rows <= 2, the images there are");
  EXPECT_EQ(error_of([] { read_idx("I", "L", {.rows = 0}); }),
            "I: rows = 0; need 1 <= rows <= 2, the images there are");
  EXPECT_EQ(error_of([] { read_idx("I", "none"); }), "none: cannot read: No such file or directory");
  std::filesystem::current_path(previous);
}

TEST(LooksLikeIdx, JudgesByTheMagicNumber) {
  EXPECT_TRUE(looks_like_idx(idx_images(0, 0, 0, "")));
  EXPECT_TRUE(looks_like_idx(idx_labels(0, "")));
  EXPECT_FALSE(looks_like_idx(idx_labels(0, "").substr(0, 3)));
  EXPECT_FALSE(looks_like_idx("-1 1:1\n"));
  EXPECT_FALSE(looks_like_idx(""));
}

TEST(RealIdx, MnistIsAsPublished) {
  const auto images = real_file("train-images-idx3-ubyte.gz");
  const auto labels = real_file("train-labels-idx1-ubyte.gz");
  if (!images || !labels) GTEST_SKIP() << "no MNIST in LACONIC_DATA";
  const Dataset set = read_idx(*images, *labels);
  EXPECT_EQ(set.rows, 60000U);
  EXPECT_EQ(set.columns, 784U);
  std::vector<std::size_t> counts(10);
  for (const double label : set.labels) ++counts.at(static_cast<std::size_t>(label));
  EXPECT_THAT(counts, ElementsAre(5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949));
  EXPECT_EQ(std::vector<double>(set.labels.begin(), set.labels.begin() + 10),
            (std::vector<double>{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}));
  const auto sum = std::accumulate(pixels(set).begin(), pixels(set).end(), std::uint64_t{0});
  EXPECT_NEAR(static_cast<double>(sum) / 255 / (60000.0 * 784), 0.1307, 5e-5);
}

}  // namespace
}  // namespace laconic
