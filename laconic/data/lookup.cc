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
#include "laconic/data/gzip.h"
#include "laconic/data/idx.h"
#include "laconic/data/libsvm.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDebianFolder = "/usr/share/datasets";

/// Features of the LIBSVM sets whose files, or parts of them, need not use the last ones. Test sets (NAME.t)
/// alike.
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

constexpr std::array<const char*, 4> kIdxNames = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                  "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

/// Images and labels of one half of an idx set.
struct IdxPair {
  fs::path images;
  fs::path labels;
};

/// A file, or a folder of idx files.
struct Place {
  fs::path path;
  bool folder;
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

/// Those of the four that are there, in the order of kIdxNames.
std::array<std::optional<fs::path>, 4> idx_files_in(const fs::path& folder) {
  std::array<std::optional<fs::path>, 4> files;
  for (std::size_t i = 0; i < files.size(); ++i) files[i] = plain_or_gz(folder / kIdxNames[i]);
  return files;
}

bool has_idx_files(const fs::path& folder) {
  const auto files = idx_files_in(folder);
  return std::any_of(files.begin(), files.end(), [](const auto& file) { return file.has_value(); });
}

bool has_all_idx_files(const fs::path& folder) {
  const auto files = idx_files_in(folder);
  return std::all_of(files.begin(), files.end(), [](const auto& file) { return file.has_value(); });
}

/// The training half, or the test half. Throws unless the folder holds both.
IdxPair idx_pair_in(const fs::path& folder, bool training) {
  const auto files = idx_files_in(folder);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i]) {
      throw InputError(fmt::format("{}: expected the four idx files of a data set, found no {} and no {}.gz",
                                   folder.string(), kIdxNames[i], kIdxNames[i]));
    }
  }
  return training ? IdxPair{*files[0], *files[1]} : IdxPair{*files[2], *files[3]};
}

/// What idx files that lie in `folder` itself are called.
std::string name_of_idx_folder(const fs::path& folder) {
  const fs::path normal = (folder / "").lexically_normal();  // ends in a slash, however it was written
  std::string name = normal.parent_path().filename().string();
  return name.ends_with("mnist") ? name : "mnist";
}

std::optional<Place> locate_in(const fs::path& folder, const std::string& name) {
  if (auto file = plain_or_gz(folder / name)) return Place{std::move(*file), false};
  if (has_idx_files(folder / name)) return Place{folder / name, true};
  if (!folder.empty() && name == name_of_idx_folder(folder) && has_idx_files(folder))
    return Place{folder, true};
  return {};
}

std::vector<std::string> searched(const std::vector<std::string>& folders) {
  std::vector<std::string> all;
  std::copy_if(folders.begin(), folders.end(), std::back_inserter(all),
               [](const auto& each) { return !each.empty(); });
  all.emplace_back(kDebianFolder);
  return all;
}

[[noreturn]] void fail_missing(const std::string& name, const std::vector<std::string>& folders) {
  std::string where = is_folder(name) ? "as a path (a folder without idx files)" : "as a path";
  std::vector<std::string> known;
  if (fs::path(name).is_relative()) {
    for (const std::string& folder : searched(folders)) {
      where += fmt::format(", in {}{}", folder, is_folder(folder) ? "" : " (no such folder)");
    }
    for (const FoundDataset& found : find_datasets(folders)) known.push_back(found.name);
  }
  throw InputError(fmt::format(
      "no data set \"{0}\"{1}: looked for a file {0} or {0}.gz or a folder {0} of idx files {2}; set "
      "LACONIC_DATA to the folders that hold data, or fetch the public sets with \"make data\"",
      name, did_you_mean(name, known), where));
}

Place locate(const std::string& name, const std::vector<std::string>& folders) {
  if (name.empty()) throw InputError("the name of a data set is empty; expected one such as a9a, or a path");
  if (auto place = locate_in("", name)) return *place;
  if (fs::path(name).is_relative()) {
    for (const std::string& folder : searched(folders)) {
      if (auto place = locate_in(folder, name)) return *place;
    }
  }
  fail_missing(name, folders);
}

std::size_t known_columns(const fs::path& file) {
  std::string name = without_gz(file.filename().string());
  if (name.ends_with(".t")) name.resize(name.size() - 2);
  const auto* const known = std::find_if(std::begin(kKnownSets), std::end(kKnownSets),
                                         [&](const KnownSet& set) { return set.name == name; });
  return known == std::end(kKnownSets) ? 0 : known->columns;
}

/// `path` with `from` in its file name replaced; nothing when the name does not have it, or there is no such
/// file.
std::optional<fs::path> sibling(const fs::path& path, std::string_view from, std::string_view to) {
  std::string name = without_gz(path.filename().string());
  const std::size_t at = name.find(from);
  if (at == std::string::npos) return {};
  return plain_or_gz(path.parent_path() / name.replace(at, from.size(), to));
}

fs::path labels_beside(const fs::path& images) {
  auto labels = sibling(images, "images-idx3", "labels-idx1");
  if (!labels) {
    throw InputError(
        fmt::format("{}: expected idx images with their labels beside them (named alike, "
                    "labels-idx1 for images-idx3), found none",
                    images.string()));
  }
  return *labels;
}

Dataset load_idx(const IdxPair& files, const DataOptions& options) {
  Dataset set = read_idx(files.images.string(), files.labels.string(), options.rows, options.choose);
  if (options.columns && *options.columns != set.columns) {
    throw InputError(fmt::format("{}: columns = {}; need {}, the pixels of an image", files.images.string(),
                                 *options.columns, set.columns));
  }
  return set;
}

Dataset load_file(const fs::path& path, const DataOptions& options) {
  // Read once: the path may be a pipe.
  const std::string content = read_file(path.string());
  if (looks_like_idx(content)) return load_idx({path, labels_beside(path)}, options);
  Dataset set = parse_libsvm(content, path.string(),
                             {.columns = options.columns, .rows = options.rows, .choose = options.choose});
  if (!options.columns) set.columns = std::max(set.columns, known_columns(path));
  return set;
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
  if (!fs::is_regular_file(file, ignored)) return false;  // a pipe would keep the list waiting
  try {
    return looks_like_libsvm(read_file_start(file.string(), kStart));
  } catch (const InputError&) {
    return false;
  }
}

/// What in `folder` may be a data set, by name; the order is that of the list to be shown.
std::set<std::string> candidates_in(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    names.insert(without_gz(entry->path().filename().string()));
  }
  names.insert(name_of_idx_folder(folder));
  return names;
}

}  // namespace

Dataset load_dataset(const std::string& name, const DataOptions& options) {
  const Place place = locate(name, options.folders);
  Dataset set =
      place.folder ? load_idx(idx_pair_in(place.path, true), options) : load_file(place.path, options);
  set.name = name;
  return set;
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
  const Place place = locate(name, options.folders);
  std::string found;
  Dataset set;
  if (place.folder) {
    const IdxPair files = idx_pair_in(place.path, false);
    found = files.images.string();
    set = read_idx(found, files.labels.string());
  } else if (const auto images = sibling(place.path, "train-images-idx3", "t10k-images-idx3")) {
    found = images->string();
    set = read_idx(found, labels_beside(*images).string());
  } else if (const auto file = libsvm_test_file(place.path, name, options.folders)) {
    found = file->string();
    set = read_libsvm(found);
  } else {
    return {};
  }

  const bool images = std::holds_alternative<PixelRows>(set.features);
  if (images ? set.columns != columns : set.columns > columns) {
    throw InputError(fmt::format("{}: columns = {}; need {} {}, as in the training set{}", found, set.columns,
                                 images ? "exactly" : "at most", columns,
                                 images ? "" : " (or declare the columns of both)"));
  }
  set.columns = columns;
  set.name = found;
  return set;
}

std::vector<FoundDataset> find_datasets(const std::vector<std::string>& folders) {
  std::vector<FoundDataset> found;
  std::set<std::string> taken;
  for (const std::string& folder : searched(folders)) {
    for (const std::string& name : candidates_in(folder)) {
      if (taken.contains(name)) continue;
      const auto place = locate_in(folder, name);
      if (!place || !(place->folder ? has_all_idx_files(place->path) : can_be_libsvm(place->path))) continue;
      taken.insert(name);
      found.push_back({name, place->path.string(), place->folder ? DataKind::idx : DataKind::libsvm});
    }
  }
  return found;
}

}  // namespace laconic
