// SPDX-License-Identifier: Apache-2.0
// Data sets by name. NAME is looked for
//   1. as a path: a file NAME or NAME.gz, a folder NAME of idx files or of CIFAR-10's, or idx files
//      NAME-train-images-idx3-ubyte and so on (emnist-letters);
//   2. in each of the given folders, in the same ways. Idx files that lie in the folder itself are the set
//      `mnist`, or have the folder's own name where that ends in "mnist" (.../fashion-mnist). The set
//      `cifar10` is the folder's cifar-10-batches-bin/, or the files of it in the folder itself, or else the
//      smaller cifar10_train_10k.bin, whose test set is cifar10_test_2k.bin;
//   3. likewise in /usr/share/datasets, where Debian's data packages are.
// A file NAME.bin holds CIFAR-10 records; any other is LIBSVM text unless its content is idx images, whose
// labels then lie beside it. A folder of idx files holds four: {train,t10k}-{images-idx3,labels-idx1}-ubyte,
// where a dot may stand before idx, and `test` for `t10k`; one of CIFAR-10's holds six:
// data_batch_{1,2,3,4,5}.bin and test_batch.bin. Each file may be gzip, with or without .gz at its name.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "laconic/data/dataset.h"

namespace laconic {

struct DataOptions {
  /// Where to look, in this order. Folders that do not exist are passed over.
  std::vector<std::string> folders = {};
  /// Features of a row. Unset: those of the well-known LIBSVM set of that name (a9a: 123) unless the file has
  /// an index above them, else the highest index of the file. Of images: their pixels, and no other number is
  /// accepted.
  std::optional<std::size_t> columns = {};
  /// Keeps the first so many rows of the training set.
  std::optional<std::size_t> rows = {};
  /// Stores the features of some of those rows only; unset: of all.
  ChooseRows choose = {};
};

/// The set named `name`; where it has two halves, the training half. Reads the whole file: milliseconds for
/// the LIBSVM sets, half a second for MNIST. Throws InputError when there is none (the message says where it
/// looked) or it cannot be used.
Dataset load_dataset(const std::string& name, const DataOptions& options = {});

/// Whether load_dataset() would find files of that name. Opens none.
bool has_dataset(const std::string& name, const std::vector<std::string>& folders);

/// Training sets that are read once and shared, for many problems over the same data.
class DataCache {
 public:
  /// load_dataset() of whole sets: options.choose is unset. The folders are the same at every call.
  std::shared_ptr<const Dataset> load(const std::string& name, const DataOptions& options);

 private:
  std::map<std::string, std::shared_ptr<const Dataset>> sets_;
};

/// The held-out set that belongs to `name`: the test half of idx data, the test batch of CIFAR-10, NAME.t or
/// NAME.t.gz of LIBSVM text (beside the training set, then in options.folders); nothing where there is none.
/// `columns` is that of the training set and of the result: an index above it is an InputError, because a
/// model of that dimension has no weight for it, and is mended by declaring the columns of both.
/// options.columns, options.rows and options.choose are about the training set: not read here.
std::optional<Dataset> load_test_set(const std::string& name, std::size_t columns,
                                     const DataOptions& options = {});

/// The held-out set that is itself named `test`, looked up as a data set is; the test half, where it has two.
/// Columns and options as of load_test_set().
Dataset load_named_test_set(const std::string& test, std::size_t columns, const DataOptions& options = {});

enum class DataKind { libsvm, idx, cifar };

struct FoundDataset {
  std::string
      name;  // load_dataset(name) in the same folders loads it, unless a path of that name comes first
  std::string path;  // the file, or the folder of idx files or of CIFAR-10's
  DataKind kind;
};

/// Every set that lies in `folders` or in /usr/share/datasets, in the order of the folders, by name within
/// each; a name that several folders have is given once, where it is looked up. Reads the first 4 KiB of each
/// file; files that are no data set are left out without a word, and so are CIFAR-10's by other names than
/// cifar10, as no content tells them apart from other .bin files. Never throws InputError.
std::vector<FoundDataset> find_datasets(const std::vector<std::string>& folders);

}  // namespace laconic
