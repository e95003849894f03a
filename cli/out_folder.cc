// SPDX-License-Identifier: Apache-2.0
#include "cli/out_folder.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "laconic/core/error.h"
#include "laconic/report/file.h"

namespace laconic::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDescription = "run.toml";
// The description of a run for which the one in the folder will make way. From when it is there, it is the
// one that counts; what it replaces goes when the data and all else about it are known to be right.
constexpr const char* kNext = "run.toml.next";
constexpr const char* kResults[] = {"trace.csv", "timing.csv",   "clients.csv",         "attendance.csv",
                                    "x.npy",     "summary.json", "sweep.csv",           "cells.csv",
                                    "best",      "curves",       OutFolder::kCheckpoint};
constexpr std::chrono::seconds kPatience{10};

}  // namespace

std::string numbered(const std::string& path, std::size_t number) {
  if (number == 1) return path;
  fs::path file = path;
  file.replace_filename(fmt::format("{}-{}{}", file.stem().string(), number, file.extension().string()));
  return file.string();
}

OutFolder::~OutFolder() {
  std::error_code ignored;
  if (wrote_) fs::remove(*wrote_, ignored);
  for (const std::string& folder : made_) fs::remove(folder, ignored);
  if (lock_ >= 0) close(lock_);
}

bool OutFolder::has(const std::string& name) const {
  std::error_code error;
  return fs::exists(file(name), error);
}

bool OutFolder::is_described() const { return has(kDescription) || has(kNext); }

std::string OutFolder::description() const { return file(has(kNext) ? kNext : kDescription); }

bool OutFolder::is_finished() const { return holds("summary.json"); }

bool OutFolder::has_checkpoint() const { return Checkpoints::any(file(kCheckpoint)) && !has(kNext); }

bool OutFolder::holds(const std::string& name) const { return has(name) && !has(kNext); }

void OutFolder::take(bool force, const std::string& run_toml) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path_, error);
  if (fs::exists(absolute, error) && !fs::is_directory(absolute, error))
    throw InputError(fmt::format("out: {} is not a folder", path_));
  for (fs::path folder = absolute.lexically_normal(); !folder.empty() && !fs::exists(folder, error);
       folder = folder.parent_path()) {
    made_.push_back(folder.string());
  }
  fs::create_directories(absolute, error);
  if (error) throw InputError(fmt::format("out: cannot make the folder {}: {}", path_, error.message()));
  lock();
  const auto* result =
      std::find_if(std::begin(kResults), std::end(kResults), [&](const char* name) { return has(name); });
  const bool occupied = is_described() || result != std::end(kResults);
  if (occupied && !force) {
    throw InputError(fmt::format(
        "out: {} already holds a run ({}); choose another folder, give --force to replace it{}", path_,
        result != std::end(kResults) ? *result : kDescription,
        is_described() && !is_finished() ? fmt::format(", or go on with it: laconic resume '{}'", path_)
                                         : ""));
  }
  const std::string description = file(occupied ? kNext : kDescription);
  try {
    write_whole(description, run_toml);
  } catch (const std::exception& failure) {
    throw InputError(fmt::format("out: {}", failure.what()));
  }
  wrote_ = description;
}

void OutFolder::take_up() {
  std::error_code error;
  if (!fs::is_directory(path_, error)) throw InputError(fmt::format("resume: there is no folder {}", path_));
  lock();
  if (!is_described())
    throw InputError(fmt::format("resume: {} holds no run: there is no run.toml in it", path_));
}

void OutFolder::clear() {
  try {
    if (has("sweep.csv")) {  // its figures
      for (const char* figure : {"map.svg", "curves.svg"}) {
        for (std::size_t n = 1; has(numbered(figure, n)); ++n) fs::remove(file(numbered(figure, n)));
      }
    }
    for (const char* name : kResults) fs::remove_all(file(name));
    if (has(kNext)) fs::rename(file(kNext), file(kDescription));
  } catch (const fs::filesystem_error& failure) {
    throw InputError(fmt::format("out: cannot clear {}: {}", path_, failure.code().message()));
  }
}

void OutFolder::keep() {
  wrote_.reset();
  made_.clear();
}

void OutFolder::finish() {
  if (!has(kDescription))
    throw RunError(fmt::format("{}: was removed while the run went on", file(kDescription)));
  std::error_code ignored;
  fs::remove_all(file(kCheckpoint), ignored);
}

void OutFolder::lock() {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  // A file system without locks is trusted.
  while (flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    if (std::chrono::steady_clock::now() > until) {
      close(std::exchange(lock_, -1));
      throw InputError(fmt::format("out: another process is still at work in {}", path_));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace laconic::cli
