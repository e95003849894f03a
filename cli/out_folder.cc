// SPDX-License-Identifier: Apache-2.0
#include "cli/out_folder.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
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
constexpr const char* kFiles[] = {"trace.csv",    "timing.csv",           "x.npy",
                                  "summary.json", OutFolder::kCheckpoint, kDescription};
constexpr const char* kEarlier = "earlier-run";  // where a run waits that a new one will replace
constexpr std::chrono::seconds kPatience{10};

}  // namespace

OutFolder::~OutFolder() {
  if (undecided_) give_back();
  if (lock_ >= 0) close(lock_);
}

bool OutFolder::has(const std::string& name) const {
  std::error_code error;
  return fs::exists(file(name), error);
}

void OutFolder::take(bool force, const std::string& run_toml) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path_, error);
  if (fs::exists(absolute, error) && !fs::is_directory(absolute, error))
    throw InputError(fmt::format("out: {} is not a folder", path_));
  for (fs::path folder = absolute.lexically_normal(); !folder.empty() && !fs::exists(folder, error);
       folder = folder.parent_path()) {
    made_.insert(made_.begin(), folder.string());
  }
  undecided_ = true;
  fs::create_directories(absolute, error);
  if (error) throw InputError(fmt::format("out: cannot make the folder {}: {}", path_, error.message()));
  lock();
  for (const char* name : kFiles) {
    if (force || !has(name)) continue;
    throw InputError(
        fmt::format("out: {} already holds a run ({}); choose another folder, give --force to replace it{}",
                    path_, name, is_finished() ? "" : ", or go on with it: laconic resume " + path_));
  }
  cleared_ = true;
  try {
    fs::remove_all(file(kEarlier));
    for (const char* name : kFiles) {
      if (!has(name)) continue;
      fs::create_directory(file(kEarlier));
      const std::string aside = file(kEarlier) + "/" + name;
      // There is a description at any time, so that a run killed here starts over.
      name == kDescription ? fs::copy(file(name), aside) : fs::rename(file(name), aside);
    }
    write_whole(file(kDescription), run_toml);
  } catch (const std::exception& failure) {
    throw InputError(fmt::format("out: {}", failure.what()));
  }
}

void OutFolder::take_up() {
  std::error_code error;
  if (!fs::is_directory(path_, error)) throw InputError(fmt::format("resume: there is no folder {}", path_));
  lock();
  if (!has(kDescription))
    throw InputError(fmt::format("resume: {} holds no run: there is no run.toml in it", path_));
}

std::unique_ptr<FileRecorder> OutFolder::open(bool with_accuracy, const std::optional<Progress>& from) {
  if (from) return std::make_unique<FileRecorder>(path_, with_accuracy, from->last.round);
  auto files = std::make_unique<FileRecorder>(path_, with_accuracy);
  undecided_ = false;
  std::error_code ignored;
  fs::remove_all(file(kEarlier), ignored);
  return files;
}

void OutFolder::finish() {
  std::error_code ignored;
  fs::remove_all(file(kCheckpoint), ignored);
}

void OutFolder::lock() {
  if (lock_ >= 0) return;
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

void OutFolder::give_back() {
  std::error_code ignored;
  if (cleared_) {
    for (const char* name : kFiles) fs::remove_all(file(name), ignored);
    for (const char* name : kFiles) fs::rename(file(kEarlier) + "/" + name, file(name), ignored);
    fs::remove(file(kEarlier), ignored);
  }
  for (auto folder = made_.rbegin(); folder != made_.rend(); ++folder) fs::remove(*folder, ignored);
}

}  // namespace laconic::cli
