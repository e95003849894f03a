// SPDX-License-Identifier: Apache-2.0
// The server of a run across sites: rank 0, which sites join by gRPC and mutual TLS. docs/sites.md.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "laconic/sites/certificates.h"
#include "laconic/transport/transport.h"

namespace laconic {

/// What happens at the server. correspond() calls them, on the thread that has called it, within some
/// hundredths of a second; each may be empty.
struct SitesEvents {
  /// A new process of a site has joined, from this address.
  std::function<void(std::size_t rank, const std::string& address)> connected = {};
  /// A connected site is no longer connected. Its session may continue: see reconnected.
  std::function<void(std::size_t rank, const std::string& reason)> disconnected = {};
  /// The process of a site has connected again and continues its session: no letter was lost.
  std::function<void(std::size_t rank)> reconnected = {};
  /// A connection was refused. `from` is the name of the site, or the address if the certificate was refused.
  /// If there are very many, some are left out.
  std::function<void(const std::string& from, const std::string& reason)> refused = {};
};

/// Site i of the roster is rank 1 + i. Ranks are absent until they join (Mailbox::Habits::ranks_arrive).
/// Needs no thread of its own besides those of gRPC.
///
/// Each connection is refused unless the certificate of the site is trusted and its name is on the roster. If
/// a site sends something that is not in docs/wire_format.md, its session is refused with Mailbox::refuse().
/// A site that was given up, or refused, may join again by a new session.
class SitesServer final : public Transport {
 public:
  struct Options {
    std::string listen;  // HOST:PORT; port 0: a free one
    TlsFiles tls = {};
    std::vector<std::string> roster = {};
    SitesEvents events = {};
  };
  /// Listens from now on; sites that come before correspond() wait for it. Throws InputError if it cannot
  /// listen there.
  explicit SitesServer(Options options);
  ~SitesServer() override;
  SitesServer(const SitesServer&) = delete;
  SitesServer& operator=(const SitesServer&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] std::size_t rank() const override { return 0; }
  [[nodiscard]] std::size_t size() const override;
  [[nodiscard]] bool outlive() const override { return true; }

 private:
  class Impl;

  [[nodiscard]] Mailbox::Habits habits() const override;
  void move(std::span<const ByteView> to, std::span<const MutByteView> from) override;
  void carry(Mailbox& mailbox) override;

  std::unique_ptr<Impl> impl_;
};

}  // namespace laconic
