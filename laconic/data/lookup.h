// SPDX-License-Identifier: Apache-2.0
// Data sets by name. NAME is looked up
//   1. as a path: a file NAME or NAME.gz, a folder NAME of idx files or of CIFAR-10 files, or idx files
//     NAME-train-images-idx3-ubyte and so on (emnist-letters);
//   2. in each of the given folders, in the same ways. Idx files in the folder itself are the set `mnist`, or
//     have the folder's own name if that ends in "mnist" (.../fashion-mnist). The set `cifar10` is the
//     folder's cifar-10-batches-bin/, or its files in the folder itself, or else the smaller
//     cifar10_train_10k.bin with the test set cifar10_test_2k.bin;
//   3. in the same ways in /usr/share/datasets, the place of Debian's data packages.
// A file NAME.bin holds CIFAR-10 records. Any other file is LIBSVM text, unless its content is idx images;
// the labels are then in a file beside it. A folder of idx files has four files:
// {train,t10k}-{images-idx3,labels-idx1}-ubyte, with an optional dot before idx, and `test` as an alternative
// to `t10k`. A folder of CIFAR-10 has six files: data_batch_{1,2,3,4,5}.bin and test_batch.bin. Each file may
// be gzip, with or without .gz in its name.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/data/dataset.h"

namespace laconic {

struct DataOptions {
  /// The folders to search, in this order. Folders that do not exist are skipped.
  std::vector<std::string> folders = {};
  /// Features per row. Unset: for a well-known LIBSVM set its number of features (a9a: 123), unless the file
  /// has a higher index; else the highest index of the file. For images only the number of pixels is
  /// accepted.
  std::optional<std::size_t> columns = {};
  /// Keeps only the first `rows` rows of the training set.
  std::optional<std::size_t> rows = {};
  /// Stores the features of the chosen rows only; unset: of all.
  ChooseRows choose = {};
  /// Called several times a second while files are read. It may throw.
  std::function<void()> working = {};
};

/// The data set `name`; if it has two halves, the training half. Reads the whole file: milliseconds for the
/// LIBSVM sets, half a second for MNIST. Throws InputError if there is no such set (the message lists the
/// places searched) or if it cannot be used.
Dataset load_dataset(const std::string& name, const DataOptions& options = {});

/// The number of features of the well-known LIBSVM set of which this is the file, by its name; 0 for others.
std::size_t known_columns(const std::string& path);

/// Whether load_dataset() would find files of that name. Opens no file.
bool has_dataset(const std::string& name, const std::vector<std::string>& folders);

/// Training sets, each read once and shared by many problems over the same data.
class DataCache {
 public:
  /// load_dataset() of whole sets: options.choose must be unset. All calls must have the same folders.
  std::shared_ptr<const Dataset> load(const std::string& name, const DataOptions& options);

 private:
  std::map<std::string, std::shared_ptr<const Dataset>> sets_;
};

/// The held-out set that belongs to `name`: the test half of idx data, the test batch of CIFAR-10, or NAME.t
/// or NAME.t.gz for LIBSVM text (beside the training set, then in options.folders). Empty if there is none.
/// `columns` is the number of columns of the training set and of the result. A higher index throws
/// InputError, because a model of that dimension has no weight for it; declare the columns of both sets to
/// correct it. Ignores options.columns, options.rows and options.choose, which apply to the training set.
std::optional<Dataset> load_test_set(const std::string& name, std::size_t columns,
                                     const DataOptions& options = {});

/// The held-out set with the name `test`, looked up as any data set; if it has two halves, the test half.
/// `columns` and options as for load_test_set().
Dataset load_named_test_set(const std::string& test, std::size_t columns, const DataOptions& options = {});

enum class DataKind { libsvm, idx, cifar };

struct FoundDataset {
  std::string name;  // load_dataset(name) in the same folders loads it, unless a path of that name exists
  std::string path;  // the file, or the folder of idx or CIFAR-10 files
  DataKind kind;
};

/// All data sets in `folders` and in /usr/share/datasets, in the order of the folders, sorted by name within
/// each. A name in several folders is listed once, for the folder that the lookup uses. Reads the first 4 KiB
/// of each file. Silently skips files that are not data sets. Also skips CIFAR-10 files under names other
/// than cifar10, because their content does not distinguish them from other .bin files. Never throws
/// InputError.
std::vector<FoundDataset> find_datasets(const std::vector<std::string>& folders);

}  // namespace laconic
