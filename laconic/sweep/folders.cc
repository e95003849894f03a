// SPDX-License-Identifier: Apache-2.0
#include "laconic/sweep/folders.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "laconic/core/error.h"
#include "laconic/core/read_whole.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_unreadable(const fs::path& path, const std::string& why) {
  throw InputError(fmt::format("{}: cannot read: {}", path.string(), why));
}

/// Whether the path exists, readable or not.
bool is_there(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::none) fail_unreadable(path, error.message());
  return fs::exists(status);
}

/// Whether the file has a complete row below the header.
bool has_rows(const fs::path& trace) {
  constexpr std::size_t kTwoLines = std::size_t{1} << 20;  // certainly more than two lines
  const std::string text = read_whole(trace.string(), kTwoLines);
  return text.find('\n', text.find('\n') + 1) < text.size();
}

class Search {
 public:
  explicit Search(FoundResults& found) : found_(found) {}

  void look_in(const std::string& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) {
      throw InputError(fmt::format("{}: {}; need the folder of a run or of a sweep, or one that holds some",
                                   folder,
                                   fs::exists(folder, error) ? "is no folder" : "there is no such folder"));
    }
    fs::path path = fs::path(folder).lexically_normal();
    if (!path.has_filename() && path.has_parent_path() && path != path.root_path()) path = path.parent_path();
    if (is_there(path / "trace.csv")) {  // even without a row: read_page_run() then reports the reason
      add(path, found_.runs);
    } else if (!look(path)) {
      throw InputError(fmt::format(
          "{}: holds no run and no sweep: there is no trace.csv and no sweep.csv in it or below it", folder));
    }
  }

 private:
  /// Whether the folder or a folder below it holds a result.
  bool look(const fs::path& folder) {
    bool any = false;
    if (is_there(folder / "verdicts.json")) {
      add(folder / "verdicts.json", found_.verdicts);
      any = true;
    }
    if (is_there(folder / "sweep.csv")) {
      add(folder, found_.sweeps);
      return true;
    }
    if (is_there(folder / "trace.csv")) {
      add(folder, has_rows(folder / "trace.csv") ? found_.runs : found_.empty);
      return true;
    }
    std::vector<fs::path> below;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) below.push_back(entry->path());
    }
    if (error) fail_unreadable(folder, error.message());
    std::sort(below.begin(), below.end());
    for (const fs::path& each : below) any = look(each) || any;
    return any;
  }

  void add(const fs::path& path, std::vector<std::string>& list) {
    std::error_code error;
    if (seen_.insert(fs::weakly_canonical(path, error).string()).second) list.push_back(path.string());
  }

  FoundResults& found_;
  std::set<std::string> seen_;
};

}  // namespace

FoundResults find_results(const std::vector<std::string>& folders) {
  FoundResults found;
  Search search(found);
  for (const std::string& folder : folders) search.look_in(folder);
  return found;
}

std::vector<std::string> runs_of_sweep(const std::string& sweep) {
  std::vector<std::string> runs;
  for (const char* part : {"curves", "best"}) {
    std::error_code error;
    std::vector<std::string> found;
    for (fs::directory_iterator entry(fs::path(sweep) / part, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code none;
      if (fs::exists(entry->path() / "trace.csv", none)) found.push_back(entry->path().string());
    }
    const auto order = [](const std::string& name) {
      const std::size_t digits = name.find_last_not_of("0123456789") + 1;
      return std::tuple(name.substr(0, digits), name.size(), name);
    };
    std::sort(found.begin(), found.end(),
              [&](const std::string& a, const std::string& b) { return order(a) < order(b); });
    runs.insert(runs.end(), found.begin(), found.end());
  }
  return runs;
}

}  // namespace laconic
