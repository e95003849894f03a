// SPDX-License-Identifier: Apache-2.0
// What both ends of the stream need of gRPC. Only files of this folder include it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include "laconic/sites/session.h"

namespace laconic {

/// The name of the stream's call.
inline constexpr const char* kMethod = "/laconic.Sites/Correspond";

/// Before gRPC starts: no TLS below 1.3, and no lines of its own on the terminal. See the comment inside.
void prepare_grpc();

/// Settings of gRPC that both ends share, each with a name and a number.
struct GrpcSetting {
  const char* name;
  int value;
};
std::vector<GrpcSetting> shared_settings();

/// The message without a copy of its letter.
grpc::ByteBuffer buffer_of(const Session::Message& message);
grpc::ByteBuffer buffer_of(const std::vector<std::uint8_t>& bytes);

/// The bytes of a message that gRPC received.
class ReceivedMessage {
 public:
  explicit ReceivedMessage(const grpc::ByteBuffer& buffer);
  [[nodiscard]] PartsReader reader() const { return PartsReader(parts_); }

 private:
  std::vector<grpc::Slice> slices_;
  std::vector<ByteView> parts_;
};

}  // namespace laconic
