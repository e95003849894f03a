// SPDX-License-Identifier: Apache-2.0
#include "cli/report_folders.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>

#include "laconic/core/error.h"

namespace laconic::cli {
namespace {

namespace fs = std::filesystem;

/// Whether there is a whole row below the names of the columns.
bool has_rows(const fs::path& trace) {
  std::ifstream file(trace);
  std::string line;
  return std::getline(file, line) && std::getline(file, line) && !file.eof();
}

class Search {
 public:
  explicit Search(Found& found) : found_(found) {}

  void look_in(const std::string& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) {
      throw InputError(fmt::format("{}: {}; need the folder of a run or of a sweep, or one that holds some",
                                   folder,
                                   fs::exists(folder, error) ? "is no folder" : "there is no such folder"));
    }
    fs::path path = fs::path(folder).lexically_normal();
    if (!path.has_filename() && path.has_parent_path() && path != path.root_path()) path = path.parent_path();
    if (fs::exists(path / "trace.csv", error)) {  // also without a row: the reason is given when it is read
      add(path, found_.runs);
    } else if (!look(path)) {
      throw InputError(fmt::format(
          "{}: holds no run and no sweep: there is no trace.csv and no sweep.csv in it or below it", folder));
    }
  }

 private:
  /// Whether there is a result in the folder or below it.
  bool look(const fs::path& folder) {
    std::error_code error;
    bool any = false;
    if (fs::exists(folder / "verdicts.json", error)) {
      add(folder / "verdicts.json", found_.verdicts);
      any = true;
    }
    if (fs::exists(folder / "sweep.csv", error)) {
      add(folder, found_.sweeps);
      return true;
    }
    if (fs::exists(folder / "trace.csv", error)) {
      add(folder, has_rows(folder / "trace.csv") ? found_.runs : found_.empty);
      return true;
    }
    std::vector<fs::path> below;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) below.push_back(entry->path());
    }
    if (error) throw InputError(fmt::format("{}: cannot read: {}", folder.string(), error.message()));
    std::sort(below.begin(), below.end());
    for (const fs::path& each : below) any = look(each) || any;
    return any;
  }

  void add(const fs::path& path, std::vector<std::string>& list) {
    std::error_code error;
    if (seen_.insert(fs::weakly_canonical(path, error).string()).second) list.push_back(path.string());
  }

  Found& found_;
  std::set<std::string> seen_;
};

}  // namespace

Found find_results(const std::vector<std::string>& folders) {
  Found found;
  Search search(found);
  for (const std::string& folder : folders) search.look_in(folder);
  return found;
}

}  // namespace laconic::cli
