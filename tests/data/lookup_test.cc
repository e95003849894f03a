// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/lookup.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/cifar_content.h"
#include "tests/idx_content.h"
#include "tests/real_data.h"
#include "tests/temporary_folder.h"

namespace laconic {
namespace {

using testing::ElementsAre;

/// Changes the current folder during a test: names are first looked up as paths.
class InFolder {
 public:
  explicit InFolder(const std::string& path) : previous_(std::filesystem::current_path()) {
    std::filesystem::current_path(path);
  }
  ~InFolder() { std::filesystem::current_path(previous_); }
  InFolder(const InFolder&) = delete;
  InFolder& operator=(const InFolder&) = delete;

 private:
  std::filesystem::path previous_;
};

/// The four idx files. Every training label is `label`, every test label `label` + 1.
void write_idx_set(const TemporaryFolder& folder, const std::string& prefix, int label) {
  const std::string train(3, static_cast<char>(label));
  const std::string test(2, static_cast<char>(label + 1));
  folder.write(prefix + "train-images-idx3-ubyte.gz", gzipped(idx_images(3, 1, 2, "abcdef")));
  folder.write(prefix + "train-labels-idx1-ubyte.gz", gzipped(idx_labels(3, train)));
  folder.write(prefix + "t10k-images-idx3-ubyte", idx_images(2, 2, 1, "abcd"));
  folder.write(prefix + "t10k-labels-idx1-ubyte", idx_labels(2, test));
}

double first_label(const std::string& name, const std::vector<std::string>& folders) {
  return load_dataset(name, {.folders = folders}).labels.at(0);
}

std::string error_of_name(const std::string& name, const std::vector<std::string>& folders = {}) {
  return error_of([&] { load_dataset(name, {.folders = folders}); });
}

TEST(LoadDataset, LooksFirstForAPathThenInEachFolder) {
  const TemporaryFolder folder;
  const InFolder here(folder.path());
  const std::vector<std::string> folders = {"none", "", "one", "two/"};
  folder.write("two/set.gz", gzipped("4 1:1\n"));
  EXPECT_EQ(first_label("set", folders), 4);
  folder.write("one/set.gz", gzipped("3 1:1\n"));
  EXPECT_EQ(first_label("set", folders), 3);
  folder.write("one/set", "2 1:1\n");
  EXPECT_EQ(first_label("set", folders), 2);
  folder.write("set.gz", "1 1:1\n");
  EXPECT_EQ(first_label("set", folders), 1);
  folder.write("set", "0 1:1\n");
  EXPECT_EQ(first_label("set", folders), 0);

  EXPECT_EQ(first_label("two/set", {}), 4);
  EXPECT_EQ(first_label("two/set.gz", {}), 4);
  EXPECT_EQ(first_label(folder.path("one/set"), {}), 2);
  EXPECT_EQ(load_dataset("two/set").name, "two/set");
}

TEST(LoadDataset, PassesOverAFolderThatIsNoDataSet) {
  const TemporaryFolder folder;
  const InFolder here(folder.path());
  folder.write("a9a/trace.csv", "round\n");
  folder.write("data/a9a.gz", gzipped("1 1:1\n"));
  EXPECT_EQ(first_label("a9a", {"data"}), 1);
  EXPECT_THAT(
      error_of_name("a9a"),
      testing::HasSubstr(" as a path (a folder without files of a data set), in /usr/share/datasets;"));
}

TEST(LoadDataset, KnowsTheColumnsOfThePublicSets) {
  const TemporaryFolder folder;
  const auto columns = [&](const std::string& file, const std::string& text,
                           const DataOptions& options = {}) {
    return load_dataset(folder.write(file, text), options).columns;
  };
  EXPECT_EQ(columns("a9a", "1 7:1\n"), 123U);
  EXPECT_EQ(columns("a1a.gz", gzipped("1 7:1\n")), 123U);
  EXPECT_EQ(columns("a9a.t", "1 7:1\n"), 123U);
  EXPECT_EQ(columns("w1a.t.gz", "1 7:1\n"), 300U);
  EXPECT_EQ(columns("mushrooms", "1 7:1\n"), 112U);
  EXPECT_EQ(columns("phishing", "1 7:1\n"), 68U);
  EXPECT_EQ(columns("ijcnn1", "1 7:1\n"), 22U);
  EXPECT_EQ(columns("other", "1 7:1\n"), 7U);
  EXPECT_EQ(columns("ijcnn1", "1 23:1\n"), 23U);
  EXPECT_EQ(columns("a9a", "1 7:1\n", {.columns = 9}), 9U);
  const std::string path = folder.write("a9a", "1 7:1\n");
  EXPECT_EQ(error_of([&] { load_dataset(path, {.columns = 6}); }),
            path + ":1:3: expected an index <= 6, the number of columns, found 7");
}

TEST(LoadDataset, KeepsTheFirstRows) {
  const TemporaryFolder folder;
  const std::string path = folder.write("set", "1 1:1\n2 1:1\n3 5:1\n");
  EXPECT_THAT(load_dataset(path, {.rows = 2}).labels, ElementsAre(1, 2));
  write_idx_set(folder, "mnist/", 5);
  EXPECT_EQ(load_dataset("mnist", {.folders = {folder.path()}, .rows = 2}).rows, 2U);
}

TEST(LoadDataset, FindsIdxFilesByTheirUsualNames) {
  const TemporaryFolder folder;
  write_idx_set(folder, "flat/", 1);
  write_idx_set(folder, "deep/mnist/", 2);
  write_idx_set(folder, "deep/fashion-mnist/", 3);
  const std::string flat = folder.path("flat");
  const std::string deep = folder.path("deep");
  EXPECT_EQ(first_label("mnist", {flat}), 1);
  EXPECT_EQ(first_label("mnist", {deep}), 2);
  EXPECT_EQ(first_label("fashion-mnist", {deep}), 3);
  EXPECT_EQ(first_label(flat, {}), 1);
  // Files in fashion-mnist itself are not mnist, whatever their names are.
  EXPECT_EQ(first_label("fashion-mnist", {deep + "/fashion-mnist/"}), 3);
  EXPECT_EQ(first_label("mnist", {deep + "/fashion-mnist", deep + "/mnist"}), 2);

  const Dataset set = load_dataset("mnist", {.folders = {flat}});
  EXPECT_EQ(set.name, "mnist");
  EXPECT_EQ(set.rows, 3U);
  EXPECT_EQ(set.columns, 2U);
  EXPECT_EQ(first_label(flat + "/train-images-idx3-ubyte.gz", {}), 1);
  EXPECT_EQ(first_label(flat + "/t10k-images-idx3-ubyte", {}), 2);
  EXPECT_EQ(load_dataset("mnist", {.folders = {flat}, .columns = 2}).columns, 2U);
}

/// The files of EMNIST: several sets in one folder; the name of the test half differs from MNIST's.
void write_emnist_set(const TemporaryFolder& folder, const std::string& prefix, int label) {
  folder.write(prefix + "-train-images-idx3-ubyte.gz", gzipped(idx_images(2, 1, 2, "abcd")));
  folder.write(prefix + "-train-labels-idx1-ubyte.gz",
               gzipped(idx_labels(2, {static_cast<char>(label), static_cast<char>(label + 1)})));
  folder.write(prefix + "-test-images-idx3-ubyte.gz", gzipped(idx_images(1, 1, 2, "ef")));
  folder.write(prefix + "-test-labels-idx1-ubyte.gz", gzipped(idx_labels(1, {static_cast<char>(label + 1)})));
}

TEST(LoadDataset, FindsTheSetsOfEmnistByTheirPrefix) {
  const TemporaryFolder folder;
  const InFolder here(folder.path());
  write_emnist_set(folder, "data/emnist-letters", 1);
  write_emnist_set(folder, "data/emnist-digits", 5);
  EXPECT_THAT(load_dataset("emnist-letters", {.folders = {"data"}}).labels, ElementsAre(1, 2));
  EXPECT_THAT(load_dataset("emnist-digits", {.folders = {"data"}}).labels, ElementsAre(5, 6));
  EXPECT_THAT(load_test_set("emnist-letters", 2, {.folders = {"data"}})->labels, ElementsAre(2));
  EXPECT_THAT(load_named_test_set("emnist-digits", 2, {.folders = {"data"}}).labels, ElementsAre(6));
  for (const char* path : {"data/emnist-letters", "data/emnist-letters-train-images-idx3-ubyte",
                           "data/emnist-letters-train-images-idx3-ubyte.gz"}) {
    EXPECT_THAT(load_dataset(path).labels, ElementsAre(1, 2)) << path;
    EXPECT_THAT(load_test_set(path, 2)->labels, ElementsAre(2)) << path;
  }
  std::filesystem::remove("data/emnist-letters-test-labels-idx1-ubyte.gz");
  EXPECT_EQ(
      error_of_name("emnist-letters", {"data"}),
      "data: expected the 4 files of an idx data set, found no emnist-letters-t10k-labels-idx1-ubyte and no "
      "emnist-letters-t10k-labels-idx1-ubyte.gz");
}

TEST(LoadDataset, FindsIdxFilesWithADotInTheirNames) {
  const TemporaryFolder folder;
  folder.write("mnist/train-images.idx3-ubyte", idx_images(2, 1, 2, "abcd"));
  folder.write("mnist/train-labels.idx1-ubyte", idx_labels(2, "\1\2"));
  folder.write("mnist/t10k-images.idx3-ubyte", idx_images(1, 1, 2, "ef"));
  folder.write("mnist/t10k-labels.idx1-ubyte", idx_labels(1, "\2"));
  for (const std::string& name : {std::string("mnist"), folder.path("mnist/train-images.idx3-ubyte")}) {
    EXPECT_THAT(load_dataset(name, {.folders = {folder.path()}}).labels, ElementsAre(1, 2));
    EXPECT_THAT(load_test_set(name, 2, {.folders = {folder.path()}})->labels, ElementsAre(2));
  }
}

TEST(LoadDataset, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  const InFolder here(folder.path());
  folder.write("data/mushrooms.gz", gzipped("1 1:1\n"));
  EXPECT_EQ(
      error_of_name("mushroms", {"data", "none"}),
      "no data set \"mushroms\" (did you mean \"mushrooms\"?): looked for a file mushroms or mushroms.gz or "
      "a folder "
      "mushroms of idx or CIFAR-10 files as a path, in data, in none (no such folder), in "
      "/usr/share/datasets" +
          std::string(std::filesystem::exists("/usr/share/datasets") ? "" : " (no such folder)") +
          "; set LACONIC_DATA to the folders that hold data, or fetch the public sets with \"make data\"");
  EXPECT_EQ(error_of_name("/none/x", {"data"}),
            "no data set \"/none/x\": looked for a file /none/x or /none/x.gz or a folder /none/x of idx "
            "or CIFAR-10 files as a path; "
            "set LACONIC_DATA to the folders that hold data, or fetch the public sets with \"make data\"");
  EXPECT_EQ(error_of_name(""), "the name of a data set is empty; expected one such as a9a, or a path");
}

TEST(LoadDataset, SaysWhatIsWrongWithIdxFiles) {
  const TemporaryFolder folder;
  const InFolder here(folder.path());
  write_idx_set(folder, "mnist/", 1);
  EXPECT_EQ(error_of([] { load_dataset("mnist", {.columns = 784}); }),
            "mnist/train-images-idx3-ubyte.gz: columns = 784; need 2, the pixels of an image");
  EXPECT_EQ(error_of_name("mnist/t10k-labels-idx1-ubyte"),
            "mnist/t10k-labels-idx1-ubyte: expected idx images with their labels beside them (named alike, "
            "labels-idx1 for images-idx3), found none");
  std::filesystem::remove("mnist/t10k-labels-idx1-ubyte");
  EXPECT_EQ(error_of_name("mnist"),
            "mnist: expected the 4 files of an idx data set, found no t10k-labels-idx1-ubyte and no "
            "t10k-labels-idx1-ubyte.gz");
}

TEST(LoadTestSet, FindsTheFileBesideTheTrainingSetFirst) {
  const TemporaryFolder folder;
  folder.write("one/a9a.gz", gzipped("1 1:1\n"));
  const DataOptions options = {.folders = {folder.path("two"), folder.path("one")}, .columns = 7, .rows = 1};
  EXPECT_FALSE(load_test_set("a9a", 123, options).has_value());
  folder.write("two/a9a.t", "2 122:1\n3 1:1\n");
  const auto elsewhere = load_test_set("a9a", 123, options);
  ASSERT_TRUE(elsewhere.has_value());
  EXPECT_THAT(elsewhere->labels, ElementsAre(2, 3));
  EXPECT_EQ(elsewhere->columns, 123U);
  EXPECT_EQ(elsewhere->name, folder.path("two/a9a.t"));
  folder.write("one/a9a.t.gz", gzipped("4 1:1\n"));
  EXPECT_THAT(load_test_set("a9a", 123, options)->labels, ElementsAre(4));
  EXPECT_THAT(load_test_set(folder.path("one/a9a.gz"), 123)->labels, ElementsAre(4));
  EXPECT_THAT(load_test_set(folder.path("one/a9a"), 123)->labels, ElementsAre(4));
}

TEST(LoadTestSet, HasTheColumnsOfTheTrainingSet) {
  const TemporaryFolder folder;
  const std::string path = folder.write("set", "1 5:1\n");
  const std::string test = folder.write("set.t", "1 3:1\n");
  EXPECT_EQ(load_test_set(path, 5)->columns, 5U);
  folder.write("set.t", "1 6:1\n");
  EXPECT_EQ(
      error_of([&] { load_test_set(path, 5); }),
      test +
          ": the highest index is 6; need at most 5, the columns of the training set (columns=6 declares "
          "more)");
  folder.write("set.t", "1 x\n");
  EXPECT_EQ(error_of([&] { load_test_set(path, 5); }),
            test + ":1:3: expected index:value with a whole number as index, found \"x\"");
  EXPECT_THAT(error_of([] { load_test_set("no-such-set", 5); }),
              testing::StartsWith("no data set \"no-such-set\""));
}

TEST(LoadTestSet, IsTheOtherHalfOfIdxData) {
  const TemporaryFolder folder;
  write_idx_set(folder, "mnist/", 1);
  const auto test = load_test_set("mnist", 2, {.folders = {folder.path()}, .rows = 1});
  ASSERT_TRUE(test.has_value());
  EXPECT_THAT(test->labels, ElementsAre(2, 2));
  EXPECT_THAT(load_test_set(folder.path("mnist/train-images-idx3-ubyte.gz"), 2)->labels, ElementsAre(2, 2));
  EXPECT_FALSE(load_test_set(folder.path("mnist/t10k-images-idx3-ubyte"), 2).has_value());
  EXPECT_EQ(
      error_of([&] { load_test_set(folder.path("mnist"), 3); }),
      folder.path("mnist/t10k-images-idx3-ubyte") + ": columns = 2; need exactly 3, as in the training set");
}

TEST(LoadNamedTestSet, TakesAFileOrTheTestHalfOfASet) {
  const TemporaryFolder folder;
  write_idx_set(folder, "mnist/", 1);
  folder.write("held-out", "2 1:1\n3 2:1\n");
  const DataOptions options = {.folders = {folder.path()}, .columns = 9, .rows = 1};
  const Dataset text = load_named_test_set("held-out", 5, options);
  EXPECT_THAT(text.labels, ElementsAre(2, 3));
  EXPECT_EQ(text.columns, 5U);
  EXPECT_EQ(text.name, folder.path("held-out"));
  EXPECT_THAT(load_named_test_set("mnist", 2, options).labels, ElementsAre(2, 2));
  EXPECT_THAT(load_named_test_set(folder.path("mnist/t10k-images-idx3-ubyte"), 2).labels, ElementsAre(2, 2));
  EXPECT_THAT(load_named_test_set(folder.path("mnist/train-images-idx3-ubyte"), 2).labels,
              ElementsAre(1, 1, 1));
  // The columns of the training set apply, not those of a public set with that name.
  folder.write("a9a.t", "1 7:1\n");
  EXPECT_EQ(load_named_test_set("a9a.t", 7, options).columns, 7U);
  EXPECT_EQ(error_of([&] { load_named_test_set("held-out", 1, options); }),
            folder.path("held-out") +
                ": the highest index is 2; need at most 1, the columns of the training set "
                "(columns=2 declares more)");
  EXPECT_THAT(error_of([&] { load_named_test_set("none", 1, options); }),
              testing::StartsWith("no data set \"none\""));
}

/// The six files of CIFAR-10; the labels of the training batches are `label`, ..., `label` + 4.
void write_cifar_set(const TemporaryFolder& folder, const std::string& prefix, int label) {
  for (int batch = 1; batch <= 5; ++batch)
    folder.write(fmt::format("{}data_batch_{}.bin", prefix, batch), cifar_record(label + batch - 1, 1, 2, 3));
  folder.write(prefix + "test_batch.bin.gz", gzipped(cifar_record(9, 1, 2, 3)));
}

TEST(LoadDataset, FindsCifarByItsUsualNames) {
  const TemporaryFolder folder;
  write_cifar_set(folder, "one/cifar-10-batches-bin/", 1);
  write_cifar_set(folder, "two/", 2);
  folder.write("three/cifar10_train_10k.bin.gz",
               gzipped(cifar_record(7, 1, 2, 3) + cifar_record(8, 1, 2, 3)));
  const auto labels = [](const std::string& name, const std::vector<std::string>& folders = {}) {
    return load_dataset(name, {.folders = folders}).labels;
  };
  const std::string batches = folder.path("one/cifar-10-batches-bin");
  for (const std::string& where : {folder.path("one"), batches, batches + "/"})
    EXPECT_THAT(labels("cifar10", {where}), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(labels("cifar10", {folder.path("three"), folder.path("two")}), ElementsAre(7, 8));
  EXPECT_THAT(labels("cifar10", {folder.path("two"), folder.path("three")}), ElementsAre(2, 3, 4, 5, 6));
  EXPECT_THAT(labels(batches), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(labels("cifar10_train_10k.bin", {folder.path("three")}), ElementsAre(7, 8));
  EXPECT_THAT(labels(folder.path("two/data_batch_3.bin")), ElementsAre(4));
  EXPECT_THAT(labels(folder.path("two/test_batch.bin")), ElementsAre(9));
  EXPECT_EQ(load_dataset("cifar10", {.folders = {folder.path("two")}}).name, "cifar10");

  // The whole set takes precedence over its smaller part.
  folder.write("one/cifar10_train_10k.bin", cifar_record(7, 1, 2, 3));
  EXPECT_EQ(labels("cifar10", {folder.path("one")}).size(), 5U);
  EXPECT_EQ(error_of([&] { load_dataset(batches, {.columns = 1024}); }),
            batches + "/data_batch_1.bin: columns = 1024; need 3072, the pixels of an image");
  std::filesystem::remove(batches + "/data_batch_4.bin");
  EXPECT_EQ(error_of_name(batches), batches +
                                        ": expected the 6 files of CIFAR-10, found no data_batch_4.bin and "
                                        "no data_batch_4.bin.gz");
}

TEST(LoadTestSet, IsTheTestBatchOfCifar) {
  const TemporaryFolder folder;
  write_cifar_set(folder, "one/cifar-10-batches-bin/", 1);
  const std::string small = folder.write("two/cifar10_train_10k.bin", cifar_record(7, 1, 2, 3));
  const auto labels = [&](const std::string& name) {
    const auto test = load_test_set(name, 3072, {.folders = {folder.path("one"), folder.path("two")}});
    return test ? test->labels : std::vector<double>{};
  };
  EXPECT_THAT(labels("cifar10"), ElementsAre(9));
  EXPECT_THAT(labels(folder.path("one/cifar-10-batches-bin/data_batch_2.bin")), ElementsAre(9));
  EXPECT_THAT(labels(folder.path("one/cifar-10-batches-bin/test_batch.bin")), ElementsAre());
  EXPECT_THAT(labels(small), ElementsAre());
  folder.write("two/cifar10_test_2k.bin.gz", gzipped(cifar_record(5, 1, 2, 3)));
  EXPECT_THAT(labels(small), ElementsAre(5));
  EXPECT_THAT(error_of([&] { load_test_set(small, 784); }),
              testing::HasSubstr("columns = 3072; need exactly 784"));
}

/// Name, path below the folder and kind. Omits sets of Debian packages, which the machine may have.
std::vector<std::string> found_in(const TemporaryFolder& folder, const std::vector<std::string>& folders) {
  std::vector<std::string> lines;
  for (const FoundDataset& found : find_datasets(folders)) {
    if (!found.path.starts_with(folder.path())) continue;
    lines.push_back(found.name + " " + found.path.substr(folder.path().size() + 1) +
                    (found.kind == DataKind::idx     ? " idx"
                     : found.kind == DataKind::cifar ? " cifar"
                                                     : " libsvm"));
  }
  return lines;
}

TEST(FindDatasets, ListsWhatLoads) {
  const TemporaryFolder folder;
  folder.write("one/b.gz", gzipped("1 1:1\n"));
  folder.write("one/a", "1 1:1\n");
  folder.write("one/a.gz", gzipped("2 1:1\n"));
  folder.write("one/README.md", "# Data sets\n");
  folder.write("one/empty", "");
  folder.write("one/image.bin.gz", gzipped(std::string(5000, '\7')));
  folder.write("one/broken.gz", gzipped("1 1:1\n").substr(0, 6));
  folder.write("one/wide", "1 1:1 2:1" + std::string(4090, ' ') + "17:1\n");
  ASSERT_EQ(mkfifo(folder.path("one/pipe").c_str(), 0600), 0);
  write_idx_set(folder, "one/", 1);
  write_idx_set(folder, "two/fashion-mnist/", 2);
  write_idx_set(folder, "two/half-mnist/", 2);
  std::filesystem::remove(folder.path("two/half-mnist/t10k-labels-idx1-ubyte"));
  write_cifar_set(folder, "two/cifar-10-batches-bin/", 2);
  folder.write("one/cifar-10-batches-bin/readme.html", "no batch");
  folder.write("two/a.gz", gzipped("3 1:1\n"));
  folder.write("two/c", "3 1:1\n");
  folder.write("two/d",
               "\xef\xbb\xbf"
               "3 1: 1" +
                   std::string(4086, ' ') + "17: 1\n");
  write_emnist_set(folder, "two/emnist-letters", 1);

  const std::vector<std::string> folders = {folder.path("none"), folder.path("one"), folder.path("two"), ""};
  EXPECT_THAT(found_in(folder, folders),
              ElementsAre("a one/a libsvm", "b one/b.gz libsvm", "mnist one idx", "wide one/wide libsvm",
                          "c two/c libsvm", "cifar10 two/cifar-10-batches-bin cifar", "d two/d libsvm",
                          "emnist-letters two idx", "fashion-mnist two/fashion-mnist idx"));
  for (const FoundDataset& found : find_datasets(folders)) {
    if (!found.path.starts_with(folder.path())) continue;
    EXPECT_NO_THROW(load_dataset(found.name, {.folders = folders})) << found.name;
  }
}

TEST(RealData, LoadsByName) {
  const auto a1a = real_file("a1a.gz");
  const auto a9a = real_file("a9a.gz");
  if (!a1a || !a9a || !real_file("a9a.t.gz")) GTEST_SKIP() << "no a1a.gz, a9a.gz or a9a.t.gz in LACONIC_DATA";
  const DataOptions options = {.folders = {std::filesystem::path(*a9a).parent_path().string()}};
  EXPECT_EQ(load_dataset("a1a", options).columns, 123U);
  const Dataset training = load_dataset("a9a", options);
  EXPECT_EQ(training.rows, 32561U);
  EXPECT_EQ(training.columns, 123U);
  const auto test = load_test_set("a9a", training.columns, options);
  ASSERT_TRUE(test.has_value());
  EXPECT_EQ(test->rows, 16281U);
  EXPECT_EQ(test->columns, 123U);
}

struct Stop {};

TEST(LoadDataset, CallsWorkingForFilesOfEveryFormat) {
  const TemporaryFolder folder;
  write_idx_set(folder, "", 1);
  const std::string record = cifar_record(3, 'a', 'b', 'c');
  for (int batch = 1; batch <= 5; ++batch) folder.write(fmt::format("data_batch_{}.bin", batch), record);
  folder.write("test_batch.bin", record);
  folder.write("rows.gz", gzipped("+1 1:1\n-1 2:1\n"));
  folder.write("rows.t", "+1 1:1\n");
  for (const char* name : {"mnist", "cifar10", "rows"}) {
    SCOPED_TRACE(name);
    DataOptions options = {.folders = {folder.path()}};
    const Dataset training = load_dataset(name, options);
    options.working = [] { throw Stop(); };
    EXPECT_THROW(load_dataset(name, options), Stop);
    EXPECT_THROW(load_test_set(name, training.columns, options), Stop);
    EXPECT_THROW(load_named_test_set(name, training.columns, options), Stop);
  }
}

TEST(RealData, MnistHasItsTestSet) {
  const auto images = real_file("train-images-idx3-ubyte.gz");
  if (!images) GTEST_SKIP() << "no MNIST in LACONIC_DATA";
  const DataOptions options = {.folders = {std::filesystem::path(*images).parent_path().string()}};
  EXPECT_EQ(load_dataset("mnist", options).rows, 60000U);
  const auto test = load_test_set("mnist", 784, options);
  ASSERT_TRUE(test.has_value());
  EXPECT_EQ(std::vector<double>(test->labels.begin(), test->labels.begin() + 10),
            (std::vector<double>{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}));
}

TEST(RealData, CifarHasItsTestSet) {
  const auto small = real_file("cifar10_train_10k.bin.gz");
  if (!small || !real_file("cifar10_test_2k.bin.gz")) GTEST_SKIP() << "no cifar10_*.bin.gz in LACONIC_DATA";
  const DataOptions options = {.folders = {std::filesystem::path(*small).parent_path().string()}};
  const Dataset training = load_dataset("cifar10", options);
  EXPECT_GE(training.rows, 10000U);  // more if the whole set is there too
  EXPECT_GE(load_test_set("cifar10", training.columns, options)->rows, 2000U);
}

TEST(RealData, FashionMnistComesFromDebian) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "no package dataset-fashion-mnist";
  const TemporaryFolder folder;
  const InFolder here(folder.path());
  const Dataset set = load_dataset("fashion-mnist");
  EXPECT_EQ(set.rows, 60000U);
  EXPECT_EQ(set.columns, 784U);
  for (int label = 0; label < 10; ++label)
    EXPECT_EQ(std::count(set.labels.begin(), set.labels.end(), label), 6000);
  EXPECT_EQ(load_test_set("fashion-mnist", 784)->rows, 10000U);
  const auto found = find_datasets({});
  EXPECT_TRUE(std::any_of(found.begin(), found.end(), [](const FoundDataset& each) {
    return each.name == "fashion-mnist" && each.path == "/usr/share/datasets/fashion-mnist" &&
           each.kind == DataKind::idx;
  }));
}

TEST(DataCache, ReadsASetOnce) {
  const TemporaryFolder folder;
  const std::string path = folder.write("set", "1 1:2\n-1 2:3\n1 1:1\n");
  DataCache cache;
  const auto whole = cache.load(path, {});
  const auto two = cache.load(path, {.rows = 2});
  EXPECT_EQ(whole->rows, 3U);
  EXPECT_EQ(two->rows, 2U);
  std::filesystem::remove(path);
  EXPECT_EQ(cache.load(path, {}), whole);
  EXPECT_EQ(cache.load(path, {.rows = 2}), two);
  EXPECT_THROW(cache.load(path, {.rows = 1}), InputError);
}

}  // namespace
}  // namespace laconic
