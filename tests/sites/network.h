// SPDX-License-Identifier: Apache-2.0
// Certificates and a network on this machine, for tests of sites.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "laconic/sites/certificates.h"
#include "tests/temporary_folder.h"

namespace laconic::testing {

/// A folder of certificates for each name, by one authority.
class Certificates {
 public:
  explicit Certificates(const std::vector<std::string>& names) {
    const std::string key = " -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    run("req -x509" + key + " -keyout ca.key -out ca.pem -subj /CN=authority -days 2");
    for (const std::string& name : names) {
      folder_.write(name + "/names", "subjectAltName=DNS:" + name + "\n");
      run("req" + key + " -keyout " + name + "/key.pem -out " + name + "/request -subj /CN=" + name);
      run("x509 -req -in " + name + "/request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out " + name +
          "/cert.pem -extfile " + name + "/names");
      std::filesystem::copy_file(folder_.path("ca.pem"), folder_.path(name + "/ca.pem"));
    }
  }
  [[nodiscard]] std::string folder(const std::string& name) const { return folder_.path(name); }
  [[nodiscard]] TlsFiles of(const std::string& name) const { return read_tls(folder(name)); }

 private:
  void run(const std::string& command) {
    const std::string line = "cd " + folder_.path() + " && openssl " + command + " 2>/dev/null";
    EXPECT_EQ(std::system(line.c_str()), 0) << line;
  }
  TemporaryFolder folder_;
};

/// Forwards connections to a port of this machine, until it is told to cut them.
class Proxy {
 public:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  explicit Proxy(int target) : target_(target), listening_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = here(0);
    EXPECT_EQ(bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listening_, 16), 0);
    socklen_t size = sizeof address;
    getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept_all(); });
  }
  ~Proxy() {
    held_ = 0;
    shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    cut();
    for (auto& thread : forwarding_) thread.join();
    for (const int end : ends_) close(end);
    close(listening_);
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int cuts() const { return cuts_; }
  [[nodiscard]] std::size_t forwarded() const { return forwarded_; }
  /// For connections from now on.
  void forward_to(int target) { target_ = target; }
  /// Ends all connections.
  void cut() {
    const std::lock_guard lock(mutex_);
    for (const int end : ends_) shutdown(end, SHUT_RDWR);
  }
  /// Cuts each time that this number of bytes was forwarded, in all, but not more often than `times`.
  void cut_every(std::size_t bytes, int times) {
    every_ = bytes;
    times_ = times;
  }
  /// From now on it forwards nothing more on the connections that there are, as a link does that is cut.
  void hold_present() {
    const std::lock_guard lock(mutex_);
    held_ = ends_.size();
  }

 private:
  static sockaddr_in here(int port) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }
  void accept_all() {
    for (;;) {
      const int from = accept(listening_, nullptr, nullptr);
      if (from < 0) return;
      const int to = socket(AF_INET, SOCK_STREAM, 0);
      const sockaddr_in address = here(target_);
      if (connect(to, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        shutdown(from, SHUT_RDWR);
      const int yes = 1;
      for (const int end : {from, to}) setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      const std::lock_guard lock(mutex_);
      ends_.push_back(from);
      ends_.push_back(to);
      const std::size_t number = ends_.size();
      forwarding_.emplace_back([this, from, to, number] { forward(from, to, number); });
      forwarding_.emplace_back([this, from, to, number] { forward(to, from, number); });
    }
  }
  void forward(int from, int to, std::size_t number) {
    std::array<char, 8192> bytes;
    for (;;) {
      const auto count = recv(from, bytes.data(), bytes.size(), 0);
      if (count <= 0) break;
      while (number <= held_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const std::size_t before = forwarded_.fetch_add(static_cast<std::size_t>(count));
      if (before / every_ != (before + static_cast<std::size_t>(count)) / every_ && cuts_ < times_) {
        ++cuts_;
        cut();
        break;
      }
      if (send(to, bytes.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) break;
    }
    shutdown(from, SHUT_RDWR);
    shutdown(to, SHUT_RDWR);
  }

  std::atomic<int> target_;
  int listening_;
  int port_ = 0;
  std::thread accepting_;
  std::mutex mutex_;
  std::list<int> ends_;
  std::list<std::thread> forwarding_;
  std::atomic<std::size_t> forwarded_ = 0;
  std::atomic<std::size_t> every_ = kNever;
  std::atomic<int> times_ = 0;
  std::atomic<int> cuts_ = 0;
  std::atomic<std::size_t> held_ = 0;  // ends of connections
};

}  // namespace laconic::testing
