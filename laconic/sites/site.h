// SPDX-License-Identifier: Apache-2.0
// The connection of a site to the server of a run: a rank of the run, by gRPC and mutual TLS. docs/sites.md.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "laconic/sites/certificates.h"
#include "laconic/transport/transport.h"

namespace laconic {

/// What happens at a site. The constructor of SiteConnection and correspond() call them, on their own thread;
/// each may be empty.
struct SiteEvents {
  /// There is no connection, for this reason. It is tried again.
  std::function<void(const std::string& reason)> lost = {};
  /// There is one again, after `lost`.
  std::function<void()> found = {};
  /// Called some times a second while the constructor waits for the server. What it throws ends the
  /// constructor.
  std::function<void()> waits = {};
};

/// The rank and the size are those that the server says. If the connection breaks, it connects again and
/// continues its session: no letter is lost or doubled. It also does so if the server sends nothing for a
/// quarter of its patience.
class SiteConnection final : public Transport {
 public:
  struct Options {
    std::string server;  // HOST:PORT
    TlsFiles tls = {};
    double server_patience = 600;  // seconds without a connection, after which it gives up
    SiteEvents events = {};
  };
  /// Connects. Throws InputError if the server refuses this site or its protocol, or has a certificate that
  /// does not verify or is not that of `server`. Throws RunError if the run has ended, or
  /// if there is no connection within the patience. The caller should correspond() soon: until then it sends
  /// no sign of life.
  explicit SiteConnection(Options options);
  ~SiteConnection() override;
  SiteConnection(const SiteConnection&) = delete;
  SiteConnection& operator=(const SiteConnection&) = delete;

  [[nodiscard]] std::size_t rank() const override;
  [[nodiscard]] std::size_t size() const override;
  [[nodiscard]] bool outlive() const override { return true; }
  /// The server's patience with its sites, in seconds.
  [[nodiscard]] double patience() const;
  /// After correspond(): the server does not know this session any more, because it was restarted or has
  /// given up this site. The caller can begin anew, with a new connection. correspond() throws RunError for
  /// other ends: the server has refused what this site sent, another process of its name has joined, the run
  /// has ended without this site, or there was no connection for longer than the patience.
  [[nodiscard]] bool is_forgotten() const;

 private:
  class Impl;

  [[nodiscard]] Mailbox::Habits habits() const override;
  void move(std::span<const ByteView> to, std::span<const MutByteView> from) override;
  void carry(Mailbox& mailbox) override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace laconic
