// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/cifar.h"

#include <algorithm>
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cifar_content.h"
#include "tests/real_data.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

const std::vector<std::uint8_t>& pixels(const Dataset& set) {
  return std::get<PixelRows>(set.features).pixel;
}

/// The first pixel of each colour of each stored image.
std::vector<int> colours(const Dataset& set) {
  std::vector<int> colours;
  for (std::size_t at = 0; at < pixels(set).size(); at += 1024) colours.push_back(pixels(set)[at]);
  return colours;
}

TEST(Cifar, ReadsTheFilesAsOneSet) {
  const TemporaryFolder folder;
  const std::string one =
      folder.write("one.bin", cifar_record(9, 'a', 'b', 'c') + cifar_record(0, 1, 2, '\xff'));
  const std::string two = folder.write("two.bin.gz", gzipped(cifar_record(3, 'd', 'e', 'f')));
  const Dataset set = read_cifar({one, two});
  EXPECT_EQ(set.name, one);
  EXPECT_EQ(set.rows, 3U);
  EXPECT_EQ(set.columns, 3072U);
  EXPECT_THAT(set.labels, ElementsAre(9, 0, 3));
  EXPECT_EQ(pixels(set).size(), 3 * 3072U);
  EXPECT_THAT(colours(set), ElementsAre('a', 'b', 'c', 1, 2, 255, 'd', 'e', 'f'));
  EXPECT_FALSE(set.stored.has_value());
  EXPECT_NE(set.checksum, read_cifar({two, one}).checksum);

  const Dataset first = read_cifar({one, two}, {.rows = 1});
  EXPECT_EQ(first.rows, 1U);
  EXPECT_THAT(first.labels, ElementsAre(9));
  EXPECT_THAT(colours(first), ElementsAre('a', 'b', 'c'));
}

TEST(Cifar, StoresTheImagesThatAreChosenByTheLabels) {
  const TemporaryFolder folder;
  const std::string one = folder.write("one.bin", cifar_record(9, 'a', 'b', 'c') + cifar_record(0, 1, 2, 3));
  const std::string two = folder.write("two.bin", cifar_record(3, 'd', 'e', 'f'));
  const Dataset some = read_cifar({one, two}, {.choose = [](const std::vector<double>& known) {
                                    EXPECT_THAT(known, ElementsAre(9, 0, 3));
                                    return std::vector<std::uint32_t>{0, 2};
                                  }});
  EXPECT_EQ(some.rows, 3U);
  EXPECT_THAT(some.labels, ElementsAre(9, 0, 3));
  EXPECT_EQ(some.checksum, read_cifar({one, two}).checksum);
  EXPECT_THAT(*some.stored, ElementsAre(0, 2));
  EXPECT_THAT(colours(some), ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
}

TEST(Cifar, ErrorsNameTheFileAtFault) {
  const TemporaryFolder folder;
  const std::string good = cifar_record(1, 'a', 'b', 'c');
  const std::string one = folder.write("one.bin", good);
  const auto error_with = [&](const std::string& content) {
    const std::string two = folder.write("two.bin", content);
    const std::string error = error_of([&] { read_cifar({one, two}); });
    EXPECT_THAT(error, StartsWith(two + ": "));
    return error.substr(two.size() + 2);
  };
  EXPECT_EQ(error_with(good.substr(1)), "expected CIFAR-10 records of 3073 bytes each, found 3072 bytes");
  EXPECT_EQ(error_with(good + "x"), "expected CIFAR-10 records of 3073 bytes each, found 3074 bytes");
  EXPECT_EQ(error_with("1 1:1\n"), "expected CIFAR-10 records of 3073 bytes each, found 6 bytes");
  EXPECT_EQ(error_with(good + good + cifar_record(10, 1, 2, 3)),
            "expected labels 0 .. 9, found 10 in record 3");
  EXPECT_EQ(error_with(cifar_record(255, 1, 2, 3) + good), "expected labels 0 .. 9, found 255 in record 1");
  EXPECT_EQ(error_with(""), "expected data, found an empty file");
  const std::string packed = gzipped(good);
  EXPECT_THAT(error_with(packed.substr(0, packed.size() - 9)),
              StartsWith("expected whole gzip data, found them cut"));
  EXPECT_THAT(error_with(packed.substr(0, packed.size() - 4) + "1234"),
              StartsWith("expected sound gzip data"));

  EXPECT_EQ(error_of([&] { read_cifar({one}, {.rows = 2}); }),
            one + ": rows = 2; need 1 <= rows <= 1, the images there are");
  EXPECT_EQ(error_of([&] { read_cifar({one}, {.rows = 0}); }),
            one + ": rows = 0; need 1 <= rows <= 1, the images there are");
  EXPECT_EQ(error_of([] { read_cifar({"none.bin"}); }), "none.bin: cannot read: No such file or directory");
}

TEST(RealCifar, TheSmallerPartIsAsItsDescriptionSays) {
  const auto train = real_file("cifar10_train_10k.bin.gz");
  if (!train) GTEST_SKIP() << "no cifar10_train_10k.bin.gz in LACONIC_DATA";
  const Dataset set = read_cifar({*train});
  EXPECT_EQ(set.rows, 10000U);
  for (int label = 0; label < 10; ++label)
    EXPECT_EQ(std::count(set.labels.begin(), set.labels.end(), label), 1000);
  // Means of red, green and blue: if the planes were interleaved, all would be equal.
  std::array<double, 3> mean{};
  for (std::size_t i = 0; i < pixels(set).size(); ++i)
    mean.at(i / 1024 % 3) += pixels(set)[i] / (255 * 10000.0 * 1024);
  EXPECT_NEAR(mean[0], 0.4918, 5e-5);
  EXPECT_NEAR(mean[1], 0.4830, 5e-5);
  EXPECT_NEAR(mean[2], 0.4478, 5e-5);
}

}  // namespace
}  // namespace laconic
