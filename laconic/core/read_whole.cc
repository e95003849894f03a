// SPDX-License-Identifier: Apache-2.0
#include "laconic/core/read_whole.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "laconic/core/error.h"

namespace laconic {
namespace {

using Clock = std::chrono::steady_clock;

// Between two calls of `working`.
constexpr std::size_t kMostBytes = std::size_t{1} << 24;
constexpr std::chrono::milliseconds kLongestWait{200};

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw InputError(fmt::format("{}: cannot read: {}", path, why));
}

/// A file opened so that neither open nor read blocks.
class Opened {
 public:
  Opened(const std::string& path, const std::function<void()>& working)
      : path_(path), working_(working), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_ < 0 || fstat(file_, &status_) != 0) fail(path, std::strerror(errno));
    struct statfs system {};
    // The pipe of a shell's <(command) already had its writer before this process began.
    is_named_pipe_ =
        S_ISFIFO(status_.st_mode) && fstatfs(file_, &system) == 0 && system.f_type != PIPEFS_MAGIC;
  }
  ~Opened() {
    if (file_ >= 0) close(file_);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  [[nodiscard]] const struct stat& status() const { return status_; }

  /// The number of bytes read, at most `room`; 0 at the end. Waits for data while a process has the pipe open
  /// for writing. If none has opened it yet, waits for one until `deadline`.
  std::size_t read(char* to, std::size_t room, bool is_first, Clock::time_point deadline) {
    while (true) {
      if (working_) working_();
      const ssize_t got = ::read(file_, to, std::min(room, kMostBytes));
      if (got > 0) return static_cast<std::size_t>(got);
      if (got == 0) {
        if (!is_first || !is_named_pipe_) return 0;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) fail(path_, "it is a pipe, and no process writes into it");
        if (is_written(std::min(left, kLongestWait))) is_first = false;
      } else if (errno == EAGAIN) {
        is_first = false;
        (void)is_written(kLongestWait);
      } else if (errno != EINTR) {
        fail(path_, std::strerror(errno));
      }
    }
  }

 private:
  /// Whether, within this time, data has arrived or a writer has closed the pipe.
  [[nodiscard]] bool is_written(std::chrono::milliseconds longest) const {
    pollfd wanted = {.fd = file_, .events = POLLIN, .revents = 0};
    return poll(&wanted, 1, static_cast<int>(longest.count())) > 0;
  }

  const std::string& path_;
  const std::function<void()>& working_;
  int file_;
  struct stat status_ {};
  bool is_named_pipe_ = false;
};

}  // namespace

std::string read_whole(const std::string& path, std::size_t limit, std::chrono::milliseconds patience,
                       const std::function<void()>& working) {
  if (const std::size_t nul = path.find('\0'); nul != std::string::npos)
    fail(path.substr(0, nul), "a NUL follows in its name");
  Opened file(path, working);
  const mode_t mode = file.status().st_mode;
  if (S_ISDIR(mode)) fail(path, "it is a folder");
  if (!S_ISREG(mode) && !S_ISFIFO(mode)) fail(path, "it is a device");
  const Clock::time_point deadline = Clock::now() + patience;
  constexpr std::size_t kStep = std::size_t{1} << 16;
  std::string content;
  std::size_t size = 0;
  try {
    // One byte more than the file size, so that the first read of a usual file also finds its end.
    const auto announced = static_cast<std::size_t>(S_ISREG(mode) ? file.status().st_size : 0);
    content.resize(std::min(announced + 1, limit));
    while (size < limit) {
      if (size == content.size()) content.resize(std::min(limit, 2 * size + kStep));
      const std::size_t got = file.read(content.data() + size, content.size() - size, size == 0, deadline);
      if (got == 0) break;
      size += got;
    }
  } catch (const std::bad_alloc&) {
    fail(path, "it does not fit into memory");
  } catch (const std::length_error&) {
    fail(path, "it does not fit into memory");
  }
  content.resize(size);
  return content;
}

}  // namespace laconic
