// SPDX-License-Identifier: Apache-2.0
#include "laconic/sites/grpc_support.h"

#include <cstdlib>
#include <mutex>

#include <grpc/grpc.h>

namespace laconic {

void prepare_grpc() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Up to version 1.51 at least, gRPC's C++ interface has no setting for the least version of TLS: it
    // accepts 1.2. It takes its list of ciphers for TLS 1.2 from the environment, once, when the process
    // first uses TLS. This list has one that needs a key shared in advance, which gRPC never has, so that no
    // handshake of 1.2 can agree on one. The ciphers of TLS 1.3 do not depend on it. If the process has used
    // gRPC before, its list stays.
    setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", /*overwrite=*/1);
    // gRPC writes a line about each failed handshake, which anyone can cause. A setting of the user's stays.
    setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  });
}

std::vector<GrpcSetting> shared_settings() {
  constexpr int kMegabyte = 1 << 20;
  return {
      // The session limits what is in flight, so gRPC's own windows are above that. Its probe of the link
      // stays on: without it each piece waited for a round trip (bench/sites.py).
      {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 2 * kMegabyte},
      {GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kMegabyte / 4},
      {GRPC_ARG_TCP_READ_CHUNK_SIZE, kMegabyte / 16},
      {GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, static_cast<int>(Session::kLongest)},
      // A compressed message might grow beyond that.
      {GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0},
      {GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0},
  };
}

grpc::ByteBuffer buffer_of(const Session::Message& message) {
  const grpc::Slice head(message.head.data(), message.head_size);
  if (message.content.empty()) return {&head, 1};
  const auto drop = [](void* letter) { delete static_cast<Letter*>(letter); };
  // gRPC only reads it.
  auto* content = const_cast<std::uint8_t*>(message.content.data());
  const grpc::Slice slices[] = {
      head, grpc::Slice(content, message.content.size(), drop, new Letter(message.letter))};
  return {slices, 2};
}

grpc::ByteBuffer buffer_of(const std::vector<std::uint8_t>& bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return {&slice, 1};
}

ReceivedMessage::ReceivedMessage(const grpc::ByteBuffer& buffer) {
  if (!buffer.Dump(&slices_).ok()) slices_.clear();
  parts_.reserve(slices_.size());
  for (const grpc::Slice& slice : slices_) {
    if (slice.size() > 0) parts_.emplace_back(slice.begin(), slice.size());
  }
}

}  // namespace laconic
