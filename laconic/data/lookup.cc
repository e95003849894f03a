// SPDX-License-Identifier: Apache-2.0
#include "laconic/data/lookup.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/spec.h"
#include "laconic/data/cifar.h"
#include "laconic/data/gzip.h"
#include "laconic/data/idx.h"
#include "laconic/data/libsvm.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDebianFolder = "/usr/share/datasets";

/// The numbers of features of LIBSVM sets. Their files, or parts of them, may lack the last features. The
/// numbers hold for test sets (NAME.t) too.
struct KnownSet {
  std::string_view name;
  std::size_t columns;
};
constexpr KnownSet kKnownSets[] = {
    {"a1a", 123}, {"a2a", 123}, {"a3a", 123},   {"a4a", 123},       {"a5a", 123},
    {"a6a", 123}, {"a7a", 123}, {"a8a", 123},   {"a9a", 123},       {"w1a", 300},
    {"w2a", 300}, {"w3a", 300}, {"w4a", 300},   {"w5a", 300},       {"w6a", 300},
    {"w7a", 300}, {"w8a", 300}, {"ijcnn1", 22}, {"mushrooms", 112}, {"phishing", 68},
};

// Names of the two halves of idx sets, and separators before "idx": train-images-idx3-ubyte from MNIST's own
// page, train-images.idx3-ubyte as other tools unpack it, emnist-letters-test-images-idx3-ubyte.
constexpr const char* kIdxTraining = "train";
constexpr const char* kIdxTests[] = {"t10k", "test"};
constexpr const char* kIdxSeparators[] = {"-", "."};

constexpr const char* kCifarSet = "cifar10";
constexpr const char* kCifarFolder = "cifar-10-batches-bin";
constexpr std::array<const char*, 6> kCifarNames = {"data_batch_1.bin", "data_batch_2.bin",
                                                    "data_batch_3.bin", "data_batch_4.bin",
                                                    "data_batch_5.bin", "test_batch.bin"};
constexpr const char* kSmallCifarTrain = "cifar10_train_10k.bin";
constexpr const char* kSmallCifarTest = "cifar10_test_2k.bin";

/// Images and labels of one half of an idx set.
struct IdxPair {
  fs::path images;
  fs::path labels;
};

/// The location of a data set.
struct SearchPlace {
  enum class Kind { file, idx_folder, cifar_folder };

  fs::path path;
  Kind kind;
  std::string prefix = {};  // prefix of the file names in an idx folder: "emnist-letters-"
};

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !is_folder(path);
}

std::string without_gz(std::string name) {
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  return name;
}

std::optional<fs::path> plain_or_gz(const fs::path& path) {
  if (is_file(path)) return path;
  fs::path packed = path;
  packed += ".gz";
  if (is_file(packed)) return packed;
  return {};
}

/// The images or the labels of one half, under any of the accepted names.
std::optional<fs::path> idx_file(const SearchPlace& place, const std::string& half, bool images) {
  for (const char* separator : kIdxSeparators) {
    const std::string name = fmt::format("{}{}-{}{}idx{}-ubyte", place.prefix, half,
                                         images ? "images" : "labels", separator, images ? 3 : 1);
    if (auto file = plain_or_gz(place.path / name)) return file;
  }
  return {};
}

/// The files of the training or the test half. A missing file is unset.
std::pair<std::optional<fs::path>, std::optional<fs::path>> idx_half(const SearchPlace& place,
                                                                     bool training) {
  if (training) return {idx_file(place, kIdxTraining, true), idx_file(place, kIdxTraining, false)};
  std::pair<std::optional<fs::path>, std::optional<fs::path>> half;
  for (const char* name : kIdxTests) {
    if (!half.first) half.first = idx_file(place, name, true);
    if (!half.second) half.second = idx_file(place, name, false);
  }
  return half;
}

bool has_any_idx(const SearchPlace& place) {
  const auto training = idx_half(place, true);
  const auto test = idx_half(place, false);
  return training.first || training.second || test.first || test.second;
}

bool has_all_idx(const SearchPlace& place) {
  const auto training = idx_half(place, true);
  const auto test = idx_half(place, false);
  return training.first && training.second && test.first && test.second;
}

/// The files of these names that exist, in the order of the names.
template <std::size_t count>
std::array<std::optional<fs::path>, count> files_in(const fs::path& folder,
                                                    const std::array<const char*, count>& names) {
  std::array<std::optional<fs::path>, count> files;
  for (std::size_t i = 0; i < count; ++i) files[i] = plain_or_gz(folder / names[i]);
  return files;
}

template <std::size_t count>
bool has_any(const fs::path& folder, const std::array<const char*, count>& names) {
  const auto files = files_in(folder, names);
  return std::any_of(files.begin(), files.end(), [](const auto& file) { return file.has_value(); });
}

template <std::size_t count>
bool has_all(const fs::path& folder, const std::array<const char*, count>& names) {
  const auto files = files_in(folder, names);
  return std::all_of(files.begin(), files.end(), [](const auto& file) { return file.has_value(); });
}

/// All these files. Throws InputError if one is missing; `what` names the data set in the message.
template <std::size_t count>
std::array<fs::path, count> require_all(const fs::path& folder, const std::array<const char*, count>& names,
                                        const char* what) {
  const auto files = files_in(folder, names);
  std::array<fs::path, count> paths;
  for (std::size_t i = 0; i < count; ++i) {
    if (!files[i]) {
      throw InputError(fmt::format("{}: expected the {} files of {}, found no {} and no {}.gz",
                                   folder.string(), count, what, names[i], names[i]));
    }
    paths[i] = *files[i];
  }
  return paths;
}

/// The training half or the test half. Throws InputError unless the folder holds both of its files.
IdxPair idx_pair_in(const SearchPlace& place, bool training) {
  for (const bool half : {true, false}) {
    const auto [images, labels] = idx_half(place, half);
    if (images && labels) continue;
    throw InputError(fmt::format(
        "{0}: expected the 4 files of an idx data set, found no {1} and no {1}.gz", place.path.string(),
        fmt::format("{}{}-{}-ubyte", place.prefix, half ? kIdxTraining : kIdxTests[0],
                    images ? "labels-idx1" : "images-idx3")));
  }
  const auto [images, labels] = idx_half(place, training);
  return {*images, *labels};
}

/// The training batches or the test batch. Throws InputError unless the folder holds all files.
std::vector<std::string> cifar_batches_in(const fs::path& folder, bool training) {
  const auto files = require_all(folder, kCifarNames, "CIFAR-10");
  if (!training) return {files.back().string()};
  std::vector<std::string> batches;
  std::transform(files.begin(), files.end() - 1, std::back_inserter(batches),
                 [](const fs::path& file) { return file.string(); });
  return batches;
}

bool is_cifar_file(const fs::path& file) { return without_gz(file.filename().string()).ends_with(".bin"); }

/// The test file that belongs to a file of training records, by its name.
std::optional<fs::path> cifar_test_file(const fs::path& training) {
  const std::string name = without_gz(training.filename().string());
  if (name == kSmallCifarTrain) return plain_or_gz(training.parent_path() / kSmallCifarTest);
  if (name.starts_with("data_batch_")) return plain_or_gz(training.parent_path() / kCifarNames.back());
  return {};
}

/// The name of the data set of the idx files in `folder` itself.
std::string name_of_idx_folder(const fs::path& folder) {
  const fs::path normal = (folder / "").lexically_normal();  // now ends in a slash in any case
  std::string name = normal.parent_path().filename().string();
  return name.ends_with("mnist") ? name : "mnist";
}

/// CIFAR-10, complete or its smaller version, in a folder of data sets.
std::optional<SearchPlace> locate_cifar_in(const fs::path& folder) {
  for (const fs::path& batches : {folder / kCifarFolder, folder})
    if (has_any(batches, kCifarNames)) return SearchPlace{batches, SearchPlace::Kind::cifar_folder};
  if (auto file = plain_or_gz(folder / kSmallCifarTrain))
    return SearchPlace{std::move(*file), SearchPlace::Kind::file};
  return {};
}

/// Locates `name` in a folder of data sets; if `folder` is empty, `name` is a path.
std::optional<SearchPlace> locate_in(const fs::path& folder, const std::string& name) {
  using Kind = SearchPlace::Kind;
  const fs::path path = folder / name;
  if (auto file = plain_or_gz(path)) return SearchPlace{std::move(*file), Kind::file};
  if (SearchPlace idx{path, Kind::idx_folder}; has_any_idx(idx)) return idx;
  if (has_any(path, kCifarNames)) return SearchPlace{path, Kind::cifar_folder};
  if (path.has_filename()) {
    SearchPlace idx{path.parent_path(), Kind::idx_folder, path.filename().string() + "-"};
    if (has_any_idx(idx)) return idx;
  }
  if (folder.empty()) return {};
  if (SearchPlace idx{folder, Kind::idx_folder}; name == name_of_idx_folder(folder) && has_any_idx(idx))
    return idx;
  if (name == kCifarSet) return locate_cifar_in(folder);
  return {};
}

std::vector<std::string> searched(const std::vector<std::string>& folders) {
  std::vector<std::string> all;
  std::copy_if(folders.begin(), folders.end(), std::back_inserter(all),
               [](const auto& each) { return !each.empty(); });
  all.emplace_back(kDebianFolder);
  return all;
}

/// Throws InputError if the system does not allow to check whether `name` is in the folder.
void require_visible(const fs::path& folder, const std::string& name) {
  for (const fs::path& path : {folder / name, folder / (name + ".gz"), folder / name / "."}) {
    std::error_code error;
    if (fs::status(path, error).type() == fs::file_type::none)
      throw InputError(fmt::format("{}: cannot read: {}", path.string(), error.message()));
  }
}

[[noreturn]] void fail_missing(const std::string& name, const std::vector<std::string>& folders) {
  require_visible("", name);
  std::string where = is_folder(name) ? "as a path (a folder without files of a data set)" : "as a path";
  std::vector<std::string> known;
  if (fs::path(name).is_relative()) {
    for (const std::string& folder : searched(folders)) {
      require_visible(folder, name);
      where += fmt::format(", in {}{}", folder, is_folder(folder) ? "" : " (no such folder)");
    }
    for (const FoundDataset& found : find_datasets(folders)) known.push_back(found.name);
  }
  throw InputError(
      fmt::format("no data set \"{0}\"{1}: looked for a file {0} or {0}.gz or a folder {0} of idx or "
                  "CIFAR-10 files {2}; set LACONIC_DATA to the folders that hold data, or fetch the public "
                  "sets with \"make data\"",
                  name, did_you_mean(name, known), where));
}

std::optional<SearchPlace> place_of(const std::string& name, const std::vector<std::string>& folders) {
  if (auto place = locate_in("", name)) return place;
  if (fs::path(name).is_absolute()) return {};
  for (const std::string& folder : searched(folders)) {
    if (auto place = locate_in(folder, name)) return place;
  }
  return {};
}

SearchPlace locate(const std::string& name, const std::vector<std::string>& folders) {
  if (name.empty()) throw InputError("the name of a data set is empty; expected one such as a9a, or a path");
  if (auto place = place_of(name, folders)) return *place;
  fail_missing(name, folders);
}

/// The idx file beside `images` with a similar name: `to` replaces `from`, `idx` replaces the "idx3" after
/// it, and the separator may differ. Empty if the name of the images lacks these parts, or if there is no
/// such file.
std::optional<fs::path> sibling(const fs::path& images, std::string_view from, std::string_view to,
                                std::string_view idx) {
  const std::string name = without_gz(images.filename().string());
  for (const char* has : kIdxSeparators) {
    const std::string old = fmt::format("{}{}idx3", from, has);
    const std::size_t at = name.find(old);
    if (at == std::string::npos) continue;
    for (const char* separator : kIdxSeparators) {
      std::string other = name;
      other.replace(at, old.size(), fmt::format("{}{}{}", to, separator, idx));
      if (auto file = plain_or_gz(images.parent_path() / other)) return file;
    }
  }
  return {};
}

fs::path labels_beside(const fs::path& images) {
  auto labels = sibling(images, "images", "labels", "idx1");
  if (!labels) {
    throw InputError(
        fmt::format("{}: expected idx images with their labels beside them (named alike, "
                    "labels-idx1 for images-idx3), found none",
                    images.string()));
  }
  return *labels;
}

/// Returns the set. Throws InputError if its number of columns is not the declared one.
Dataset checked_images(Dataset set, const DataOptions& options) {
  if (options.columns && *options.columns != set.columns) {
    throw InputError(fmt::format("{}: columns = {}; need {}, the pixels of an image", set.name,
                                 *options.columns, set.columns));
  }
  return set;
}

ImageOptions image_options(const DataOptions& options) {
  return {.rows = options.rows, .choose = options.choose, .working = options.working};
}

Dataset load_idx(const IdxPair& files, const DataOptions& options) {
  return checked_images(read_idx(files.images.string(), files.labels.string(), image_options(options)),
                        options);
}

Dataset load_cifar(const std::vector<std::string>& files, const DataOptions& options) {
  return checked_images(read_cifar(files, image_options(options)), options);
}

/// The test images that belong to a file of training images, by its name.
std::optional<fs::path> test_images_beside(const fs::path& images) {
  for (const char* half : kIdxTests) {
    if (auto file =
            sibling(images, fmt::format("{}-images", kIdxTraining), fmt::format("{}-images", half), "idx3"))
      return file;
  }
  return {};
}

Dataset load_file(const fs::path& path, const DataOptions& options) {
  if (is_cifar_file(path)) return load_cifar({path.string()}, options);
  // Read once: the path may be a pipe.
  const std::string content = read_file(path.string(), options.working);
  if (looks_like_idx(content)) return load_idx({path, labels_beside(path)}, options);
  return parse_libsvm(content, path.string(),
                      {.columns = options.columns,
                       .rows = options.rows,
                       .choose = options.choose,
                       .working = options.working});
}

std::optional<fs::path> libsvm_test_file(const fs::path& training, const std::string& name,
                                         const std::vector<std::string>& folders) {
  if (auto file = plain_or_gz(without_gz(training.string()) + ".t")) return file;
  if (fs::path(name).is_relative()) {
    for (const std::string& folder : searched(folders)) {
      if (auto file = plain_or_gz(fs::path(folder) / (without_gz(name) + ".t"))) return file;
    }
  }
  return {};
}

bool can_be_libsvm(const fs::path& file) {
  constexpr std::size_t kStart = 4096;
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return false;  // a pipe would block the listing
  try {
    return looks_like_libsvm(read_file_start(file.string(), kStart));
  } catch (const InputError&) {
    return false;
  }
}

/// Names in `folder` that may be data sets, sorted as the list displays them.
std::set<std::string> candidates_in(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    std::string name = without_gz(entry->path().filename().string());
    if (const std::size_t at = name.find(fmt::format("-{}-images", kIdxTraining));
        at != std::string::npos && at > 0)
      names.insert(name.substr(0, at));  // emnist-letters
    names.insert(std::move(name));
  }
  names.insert(name_of_idx_folder(folder));
  names.erase(kCifarFolder);  // the list has the name of the set for it
  names.insert(kCifarSet);
  return names;
}

/// The kind of a candidate; empty if it does not load.
std::optional<DataKind> kind_of(const std::string& name, const SearchPlace& place) {
  switch (place.kind) {
    case SearchPlace::Kind::idx_folder:
      if (has_all_idx(place)) return DataKind::idx;
      break;
    case SearchPlace::Kind::cifar_folder:
      if (has_all(place.path, kCifarNames)) return DataKind::cifar;
      break;
    case SearchPlace::Kind::file:
      if (!is_cifar_file(place.path)) {
        if (can_be_libsvm(place.path)) return DataKind::libsvm;
      } else if (name == kCifarSet) {
        return DataKind::cifar;
      }
      break;
  }
  return {};
}

/// The test set, with its path as its name and the columns of the training set.
Dataset fitted(Dataset test, const std::string& path, std::size_t columns) {
  if (std::holds_alternative<PixelRows>(test.features)) {
    if (test.columns != columns) {
      throw InputError(fmt::format("{}: columns = {}; need exactly {}, as in the training set", path,
                                   test.columns, columns));
    }
  } else if (test.columns > columns) {
    throw InputError(
        fmt::format("{0}: the highest index is {1}; need at most {2}, the columns of the training set "
                    "(columns={1} declares more)",
                    path, test.columns, columns));
  }
  test.columns = columns;
  test.name = path;
  return test;
}

/// The test half of a folder.
Dataset test_half(const SearchPlace& place, std::size_t columns, const std::function<void()>& working) {
  if (place.kind == SearchPlace::Kind::cifar_folder) {
    const std::string file = cifar_batches_in(place.path, false).front();
    return fitted(read_cifar({file}, {.working = working}), file, columns);
  }
  const IdxPair files = idx_pair_in(place, false);
  return fitted(read_idx(files.images.string(), files.labels.string(), {.working = working}),
                files.images.string(), columns);
}

}  // namespace

std::size_t known_columns(const std::string& path) {
  const fs::path file = path;
  std::string name = without_gz(file.filename().string());
  if (name.ends_with(".t")) name.resize(name.size() - 2);
  const auto* const known = std::find_if(std::begin(kKnownSets), std::end(kKnownSets),
                                         [&](const KnownSet& set) { return set.name == name; });
  return known == std::end(kKnownSets) ? 0 : known->columns;
}

Dataset load_dataset(const std::string& name, const DataOptions& options) {
  const SearchPlace place = locate(name, options.folders);
  Dataset set;
  switch (place.kind) {
    case SearchPlace::Kind::file:
      set = load_file(place.path, options);
      if (!options.columns && std::holds_alternative<SparseRows>(set.features))
        set.columns = std::max(set.columns, known_columns(place.path));
      break;
    case SearchPlace::Kind::idx_folder:
      set = load_idx(idx_pair_in(place, true), options);
      break;
    case SearchPlace::Kind::cifar_folder:
      set = load_cifar(cifar_batches_in(place.path, true), options);
      break;
  }
  set.name = name;
  return set;
}

bool has_dataset(const std::string& name, const std::vector<std::string>& folders) {
  return !name.empty() && place_of(name, folders).has_value();
}

std::shared_ptr<const Dataset> DataCache::load(const std::string& name, const DataOptions& options) {
  check(!options.choose, "a data set that is shared is whole");
  std::shared_ptr<const Dataset>& set =
      sets_[fmt::format("{} {} {}", options.rows.value_or(0), options.columns.value_or(0), name)];
  if (set == nullptr) set = std::make_shared<const Dataset>(load_dataset(name, options));
  return set;
}

std::optional<Dataset> load_test_set(const std::string& name, std::size_t columns,
                                     const DataOptions& options) {
  const SearchPlace place = locate(name, options.folders);
  if (place.kind != SearchPlace::Kind::file) return test_half(place, columns, options.working);
  if (is_cifar_file(place.path)) {
    const auto file = cifar_test_file(place.path);
    if (!file) return {};
    return fitted(read_cifar({file->string()}, {.working = options.working}), file->string(), columns);
  }
  if (const auto images = test_images_beside(place.path))
    return fitted(read_idx(images->string(), labels_beside(*images).string(), {.working = options.working}),
                  images->string(), columns);
  if (const auto file = libsvm_test_file(place.path, name, options.folders))
    return fitted(read_libsvm(file->string(), {.working = options.working}), file->string(), columns);
  return {};
}

Dataset load_named_test_set(const std::string& test, std::size_t columns, const DataOptions& options) {
  const SearchPlace place = locate(test, options.folders);
  if (place.kind != SearchPlace::Kind::file) return test_half(place, columns, options.working);
  return fitted(load_file(place.path, {.working = options.working}), place.path.string(), columns);
}

std::vector<FoundDataset> find_datasets(const std::vector<std::string>& folders) {
  std::vector<FoundDataset> found;
  std::set<std::string> taken;
  for (const std::string& folder : searched(folders)) {
    for (const std::string& name : candidates_in(folder)) {
      if (taken.contains(name)) continue;
      const auto place = locate_in(folder, name);
      const auto kind = place ? kind_of(name, *place) : std::nullopt;
      if (!kind) continue;
      taken.insert(name);
      found.push_back({name, place->path.string(), *kind});
    }
  }
  return found;
}

}  // namespace laconic
