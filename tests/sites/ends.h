// SPDX-License-Identifier: Apache-2.0
// A server and sites on this machine, on threads of their own, for tests of their connection.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "laconic/sites/server.h"
#include "laconic/sites/site.h"
#include "tests/sites/network.h"

namespace laconic::testing {

inline constexpr double kLong = 60;  // seconds; no test waits so long

inline const Certificates& certificates() {
  static const Certificates made({"server", "a", "b", "c", "stranger"});
  return made;
}

inline std::string address(int port) { return fmt::format("127.0.0.1:{}", port); }

inline Letter letter_with(std::size_t size, std::size_t seed) {
  auto content = std::make_shared<std::vector<std::uint8_t>>(size);
  for (std::size_t j = 0; j < size; ++j)
    (*content)[j] = static_cast<std::uint8_t>((j * 13 + seed) ^ (j >> 8));
  return content;
}

/// A server that runs `body` on a thread of its own, and what it reports, in lines.
class TestServer {
 public:
  explicit TestServer(std::vector<std::string> roster, double patience = kLong,
                      std::function<int(Mailbox&)> body = {})
      : server_(
            {.listen = "127.0.0.1:0",
             .tls = certificates().of("server"),
             .roster = std::move(roster),
             .events = {
                 .connected = [this](std::size_t rank, const auto&) { note("{} connected", rank); },
                 .disconnected = [this](std::size_t rank,
                                        const auto& reason) { note("{} disconnected: {}", rank, reason); },
                 .reconnected = [this](std::size_t rank) { note("{} reconnected", rank); },
                 .refused = [this](const auto& from,
                                   const auto& reason) { note("{} refused: {}", from, reason); },
             }}) {
    if (!body) {
      body = [this](Mailbox& mailbox) {
        mailbox.limit({.letter = std::size_t{1} << 28, .waiting = std::size_t{1} << 29});
        while (!closes_) mailbox.sleep(0.001);
        return 0;
      };
    }
    thread_ = std::thread([this, patience, body] {
      server_.correspond(patience, [&](Mailbox& mailbox) {
        mailbox_ = &mailbox;
        return body(mailbox);
      });
    });
    while (mailbox_ == nullptr) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~TestServer() { close(); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  void close() {
    closes_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Mailbox& mailbox() { return *mailbox_; }
  [[nodiscard]] int port() const { return server_.port(); }
  std::string notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }
  /// Waits until a line has come; false if it does not.
  bool has_noted(const std::string& line) {
    for (int k = 0; k < 10000 && notes().find(line) == std::string::npos; ++k)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return notes().find(line) != std::string::npos;
  }

 private:
  template <class... Arguments>
  void note(fmt::format_string<Arguments&...> text, Arguments&... arguments) {
    const std::lock_guard lock(mutex_);
    notes_ += fmt::format(text, arguments...) + "\n";
  }
  std::mutex mutex_;
  std::string notes_;
  std::atomic<bool> closes_ = false;
  std::atomic<Mailbox*> mailbox_ = nullptr;
  SitesServer server_;
  std::thread thread_;
};

inline SiteConnection::Options site_options(const std::string& name, int port, double patience = kLong) {
  return {.server = address(port), .tls = certificates().of(name), .server_patience = patience, .events = {}};
}

/// A site on a thread of its own, which sends back what it receives until the run ends.
class Echo {
 public:
  Echo(const std::string& name, int port) : site_(site_options(name, port)) {
    thread_ = std::thread([this] {
      try {
        code_ = site_.correspond(kLong, [this](Mailbox& mailbox) {
          while (!mailbox.closed() && !mailbox.is_lost(0) && !leaves_) {
            if (const auto received = mailbox.take(0.01)) mailbox.post(0, received->letter);
          }
          return 7;
        });
      } catch (const std::exception& error) {
        error_ = error.what();
      }
    });
  }
  ~Echo() {
    leave();
    join();
  }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void leave() { leaves_ = true; }
  SiteConnection site_;
  int code_ = -1;
  std::string error_;

 private:
  std::atomic<bool> leaves_ = false;
  std::thread thread_;
};

inline std::optional<Letter> next_letter(Mailbox& mailbox) {
  for (int k = 0; k < 100; ++k) {
    if (auto received = mailbox.take(0.1)) return received->letter;
  }
  return {};
}

}  // namespace laconic::testing
