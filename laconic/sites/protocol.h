// SPDX-License-Identifier: Apache-2.0
// The messages of the stream between a site and the server: docs/wire_format.md, section Sites. Each is a
// byte that says what it is, and its content.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "laconic/transport/transport.h"

namespace laconic {

inline constexpr std::uint32_t kProtocolVersion = 1;

/// The first byte of a message.
enum class Tag : std::uint8_t {
  greeting = 1,
  welcome = 2,
  first = 3,  // the first piece of a parcel: its head (parcel_reader.h), and the beginning of its content
  more = 4,   // a further piece
  acknowledged = 5,  // the number of pieces that were received in this session
};

/// A message that a carrier received, which may lie in several parts. Reads it from its beginning. The parts
/// must outlive it.
class PartsReader {
 public:
  explicit PartsReader(std::span<const ByteView> parts);
  [[nodiscard]] std::size_t left() const { return left_; }
  /// Fills `to` and returns true, or returns false if fewer bytes are left.
  bool read(MutByteView to);
  /// The rest is exactly this number.
  std::optional<std::uint64_t> last_number();

 private:
  std::span<const ByteView> parts_;
  std::size_t at_ = 0;  // in the first of parts_
  std::size_t left_ = 0;
};

/// Names a session. A process of a site draws it when it starts.
using SessionId = std::array<std::uint8_t, 16>;
SessionId random_session_id();

/// From a site, first on each connection.
struct Greeting {
  std::uint32_t version = kProtocolVersion;  // if another, the rest is unknown
  SessionId session = {};
  bool continues = false;          // the server has welcomed this session before
  std::uint64_t acknowledged = 0;  // the pieces that the site has received in it

  [[nodiscard]] std::vector<std::uint8_t> bytes() const;
  /// Empty if the message is none.
  static std::optional<Greeting> of(PartsReader message);
};

/// From the server, first on each connection, once it has been greeted.
struct Welcome {
  std::uint32_t version = kProtocolVersion;
  std::uint32_t rank = 0;   // of the site
  std::uint32_t ranks = 0;  // all sites, and the server
  double patience = 0;      // seconds of silence after which the server gives up a site
  std::uint64_t acknowledged = 0;

  [[nodiscard]] std::vector<std::uint8_t> bytes() const;
  /// Empty if the message is none, or says what cannot be.
  static std::optional<Welcome> of(PartsReader message);
};

}  // namespace laconic
