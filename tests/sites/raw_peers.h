// SPDX-License-Identifier: Apache-2.0
// A server of streams, and a site, that send any bytes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
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

/// A site that greets the server, or not, and sends it these messages. It reads all that comes and answers
/// nothing.
class RawSite final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  RawSite(const TlsFiles& tls, int port, std::vector<RawMessage> messages)
      : messages_(std::move(messages)), stub_(channel(tls, port)) {
    stub_.PrepareBidiStreamingCall(&context_, kMethod, {}, this);
    AddHold();  // until the server has ended the stream: other operations start from reactions
    StartRead(&in_);
    write_next();
    StartCall();
  }
  ~RawSite() override {
    context_.TryCancel();
    wait();
  }
  RawSite(const RawSite&) = delete;
  RawSite& operator=(const RawSite&) = delete;

  /// How the server ends the stream.
  grpc::Status wait() { return ended_.get(); }

  void OnReadDone(bool ok) override {
    if (ok) {
      in_.Clear();
      StartRead(&in_);
    } else {
      RemoveHold();
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) write_next();
  }
  void OnDone(const grpc::Status& status) override { end_.set_value(status); }

 private:
  static std::shared_ptr<grpc::Channel> channel(const TlsFiles& tls, int port) {
    prepare_grpc();
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride("server");
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                     grpc::SslCredentials({tls.ca, tls.key, tls.certificate}), arguments);
  }
  void write_next() {
    if (written_ == messages_.size()) return;
    out_ = buffer_of(messages_[written_++]);
    StartWrite(&out_);
  }

  std::vector<RawMessage> messages_;
  std::size_t written_ = 0;
  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
  std::promise<grpc::Status> end_;
  std::shared_future<grpc::Status> ended_ = end_.get_future();
};

}  // namespace laconic::testing
