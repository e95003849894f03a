// SPDX-License-Identifier: Apache-2.0
// A server of streams that sends any bytes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "laconic/sites/certificates.h"
#include "laconic/sites/grpc_support.h"

namespace laconic::testing {

using RawMessage = std::vector<std::uint8_t>;

/// A server that sends these messages to each site that greets it, and then ends the stream by a status, if
/// there is one.
class RawServer final : public grpc::CallbackGenericService {
 public:
  explicit RawServer(const TlsFiles& tls, std::vector<RawMessage> messages,
                     std::optional<grpc::Status> status = {})
      : messages_(std::move(messages)), status_(std::move(status)) {
    prepare_grpc();
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    options.pem_root_certs = tls.ca;
    options.pem_key_cert_pairs.push_back({tls.key, tls.certificate});
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(this);
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    server_ = builder.BuildAndStart();
  }
  ~RawServer() override { server_->Shutdown(std::chrono::system_clock::now()); }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  class Stream final : public grpc::ServerGenericBidiReactor {
   public:
    explicit Stream(const RawServer& server) : server_(server) { StartRead(&in_); }
    void OnReadDone(bool ok) override {
      if (!ok) {
        finish(grpc::Status::CANCELLED);
        return;
      }
      if (!std::exchange(is_greeted_, true)) write_next();
      StartRead(&in_);
    }
    void OnWriteDone(bool ok) override {
      if (ok) write_next();
    }
    void OnDone() override { delete this; }

   private:
    void write_next() {
      if (written_ < server_.messages_.size()) {
        out_ = buffer_of(server_.messages_[written_++]);
        StartWrite(&out_);
      } else if (server_.status_) {
        finish(*server_.status_);
      }
    }
    void finish(const grpc::Status& status) {
      if (!is_finished_.exchange(true)) Finish(status);
    }
    const RawServer& server_;
    std::size_t written_ = 0;
    bool is_greeted_ = false;
    std::atomic<bool> is_finished_ = false;
    grpc::ByteBuffer in_;
    grpc::ByteBuffer out_;
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* /*context*/) override {
    return new Stream(*this);
  }

  std::vector<RawMessage> messages_;
  std::optional<grpc::Status> status_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace laconic::testing
