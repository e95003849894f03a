// SPDX-License-Identifier: Apache-2.0
#include "laconic/experiment/run_folder.h"

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
#include "laconic/experiment/config.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDescription = "run.toml";
// The description of a new run that will replace the run in the folder. Once this file exists, it is the
// valid description. The replaced run is deleted only after the data and everything else of the new run have
// been checked.
constexpr const char* kNext = "run.toml.next";
constexpr const char* kResults[] = {"trace.csv",
                                    "timing.csv",
                                    "clients.csv",
                                    "attendance.csv",
                                    "x.npy",
                                    "summary.json",
                                    "sweep.csv",
                                    "cells.csv",
                                    "best",
                                    "curves",
                                    RunFolder::kCheckpoint,
                                    RunFolder::kTerms};
constexpr const char* kFigures[] = {"map.svg", "curves.svg"};  // of a sweep; may be numbered
constexpr const char* kVerdicts = "verdicts.json";             // of laconic reproduce

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

template <std::size_t count>
bool is_among(const char* const (&names)[count], const std::string& name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// Whether the name is map.svg, map-2.svg, curves.svg, ...
bool is_figure(const std::string& name) {
  return std::any_of(std::begin(kFigures), std::end(kFigures), [&](const fs::path& figure) {
    const fs::path path = name;
    std::string stem = path.stem().string();
    if (const std::size_t end = stem.find_last_not_of("0123456789");
        end != std::string::npos && stem[end] == '-')
      stem.resize(end);
    return stem == figure.stem() && path.extension() == figure.extension();
  });
}

/// Whether a file or folder of that name is a result of a run, a sweep or a reproduction.
bool is_result(const fs::path& folder, const std::string& name) {
  const bool is_sweep = is_there(folder / "sweep.csv");
  const bool is_run = is_sweep || is_there(folder / "trace.csv") || is_there(folder / kDescription);
  if (name == kVerdicts) return is_there(folder / kVerdicts);
  if (is_figure(name)) return is_sweep;
  return is_run && (name == kDescription || name == kNext || is_among(kResults, name));
}

}  // namespace

std::string numbered(const std::string& path, std::size_t number) {
  if (number == 1) return path;
  fs::path file = path;
  file.replace_filename(fmt::format("{}-{}{}", file.stem().string(), number, file.extension().string()));
  return file.string();
}

void require_output(const std::string& path) {
  if (path.empty()) throw InputError("out: is empty; need the name of a file");
  naming("out", [&] { require_writable(path); });
  std::error_code error;
  const fs::path file = fs::weakly_canonical(fs::absolute(path, error), error);
  for (fs::path folder = file.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
    if (is_result(folder, file.lexically_relative(folder).begin()->string()))
      throw InputError(
          fmt::format("out: {}: belongs to the results in {}; give another name", path, folder.string()));
  }
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  if (wrote_) fs::remove(*wrote_, ignored);
  made_.reset();
  if (lock_ >= 0) close(lock_);
}

bool RunFolder::has(const std::string& name) const { return is_there(file(name)); }

bool RunFolder::is_described() const { return has(kDescription) || has(kNext); }

std::string RunFolder::description() const { return file(has(kNext) ? kNext : kDescription); }

bool RunFolder::is_finished() const { return holds("summary.json"); }

bool RunFolder::has_checkpoint() const { return Checkpoints::any(file(kCheckpoint)) && !has(kNext); }

bool RunFolder::holds(const std::string& name) const { return has(name) && !has(kNext); }

void RunFolder::take(bool force, const std::string& run_toml) {
  try {
    made_.emplace(path_);
  } catch (const RunError& failure) {
    throw InputError(fmt::format("out: {}", failure.what()));
  }
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
  } catch (const RunError& failure) {
    throw InputError(fmt::format("out: {}", failure.what()));
  }
  wrote_ = description;
}

void RunFolder::take_up() {
  std::error_code error;
  if (!fs::is_directory(path_, error) && fs::status(path_, error).type() != fs::file_type::none)
    throw InputError(fmt::format("resume: there is no folder {}", path_));
  if (access(path_.c_str(), R_OK | W_OK | X_OK) != 0)
    throw InputError(fmt::format("resume: {}: {}", path_, std::strerror(errno)));
  lock();
  if (!is_described())
    throw InputError(fmt::format("resume: {} holds no run: there is no run.toml in it", path_));
}

void RunFolder::clear() {
  try {
    if (has("sweep.csv")) {  // the figures of that sweep
      for (const char* figure : kFigures) {
        for (std::size_t n = 1; has(numbered(figure, n)); ++n) fs::remove(file(numbered(figure, n)));
      }
    }
    for (const char* name : kResults) fs::remove_all(file(name));
    if (has(kNext)) fs::rename(file(kNext), file(kDescription));
  } catch (const fs::filesystem_error& failure) {
    throw InputError(fmt::format("out: cannot clear {}: {}", path_, failure.code().message()));
  }
}

void RunFolder::keep() {
  wrote_.reset();
  if (made_) made_->keep();
}

void RunFolder::finish() {
  if (!has(kDescription))
    throw RunError(fmt::format("{}: was removed while the run went on", file(kDescription)));
  std::error_code ignored;
  fs::remove_all(file(kCheckpoint), ignored);
  remove_leftovers();
}

void RunFolder::remove_leftovers() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    const std::string name = entry.path().filename().string();
    const std::size_t end = name.rfind(".part");
    if (end != std::string::npos && is_result(path_, name.substr(0, end))) fs::remove(entry.path(), ignored);
  }
}

void RunFolder::lock() {
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto until = std::chrono::steady_clock::now() + patience_;
  // On a file system that has no locks the folder counts as locked.
  while (flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    if (std::chrono::steady_clock::now() > until) {
      close(std::exchange(lock_, -1));
      throw InputError(fmt::format("out: another process is still at work in {}", path_));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace laconic
